"""Ours: a chassis, contracts with every limit on, and the calls that users make."""

from __future__ import annotations

import contextlib
import itertools
import logging
import tempfile
import time
from typing import TYPE_CHECKING, Any

from benchmarks.batches import Batch, best, loop, timed
from benchmarks.guest_modules import distinct, module, payload
from infrafabric.chassis import IFChassis, ServiceContract
from infrafabric.engine import SCRIBE

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Every limit on. The rate and the CPU share are high, so that they are kept and not met; 90 is a share that governs,
#: where 100 would be one that nobody can overspend and nobody looks at.
LIMITS = {"max_api_calls_per_second": 100_000, "max_cpu_percent": 90.0, "max_execution_time_seconds": 10.0}


def contract(swarm_id: str, *, kept: bool = False, **limits: Any) -> ServiceContract:
    """A contract for measuring: every limit on, and the default objectives."""
    execution = {"instance": "swarm" if kept else "task"}
    return ServiceContract(swarm_id, ["testing:performance"], {**LIMITS, **limits}, execution=execution)


@contextlib.contextmanager
def chassis() -> Iterator[IFChassis]:
    """A chassis with an empty code cache of its own."""
    with tempfile.TemporaryDirectory(prefix="infrafabric-bench-") as folder, IFChassis(cache_dir=folder) as made:
        yield made


@contextlib.contextmanager
def scalar(
    *, kept: bool, guest: str = "nothing", task: str = "run", numbers: list[int] | None = None
) -> Iterator[Batch]:
    """A task of numbers, or of none, that answers a number."""
    with chassis() as made:
        made.load_swarm("swarm", module(guest), contract("swarm", kept=kept))
        execute = made.execute_task
        if numbers is None:
            yield loop(lambda: execute("swarm", task))
        else:
            yield loop(lambda: execute("swarm", task, numbers))


@contextlib.contextmanager
def variant(
    *,
    guest: str = "nothing",
    task: str = "run",
    numbers: list[int] | None = None,
    changes: dict[str, Any] | None = None,
    listener: bool = False,
    observed: bool = False,
    submitted: bool = False,
) -> Iterator[Batch]:
    """A fresh scalar task with something more: changes to its contract, a listener, an observer, another thread."""
    if listener:
        witness = logging.getLogger("infrafabric.witness")
        witness.addHandler(logging.NullHandler())
        witness.setLevel(logging.INFO)
        witness.propagate = False
    observers = (lambda _result: None,) if observed else ()
    with (
        tempfile.TemporaryDirectory(prefix="infrafabric-bench-") as folder,
        IFChassis(cache_dir=folder, observers=observers) as made,
    ):
        made.load_swarm("swarm", module(guest), contract("swarm").evolve(**(changes or {})))
        if submitted:
            yield loop(lambda: made.submit_task("swarm", task, numbers).result())
        else:
            yield loop(lambda: made.execute_task("swarm", task, numbers))


@contextlib.contextmanager
def buffer(*, guest: str, task: str, kind: str, size: int, kept: bool) -> Iterator[Batch]:
    """A task that gets bytes and answers JSON or a number."""
    data = payload(kind, size)
    with chassis() as made:
        made.load_swarm("swarm", module(guest), contract("swarm", kept=kept, max_log_bytes_per_second=100 << 20))
        execute = made.execute_task
        yield loop(lambda: execute("swarm", task, data))


@contextlib.contextmanager
def filling(*, size: int, kept: bool) -> Iterator[Batch]:
    """A task that answers so many bytes."""
    data = size.to_bytes(8, "little")
    with chassis() as made:
        promised = contract("swarm", kept=kept).evolve(tasks={"run": {"abi": "buffer", "returns": "bytes"}})
        made.load_swarm("swarm", module("filler"), promised)
        execute = made.execute_task
        if len(execute("swarm", "run", data).output) != size:
            message = "the answer is not what was asked for"
            raise RuntimeError(message)
        yield loop(lambda: execute("swarm", "run", data))


@contextlib.contextmanager
def compute(
    *, guest: str, task: str, numbers: list[int] | None = None, kind: str = "", size: int = 0
) -> Iterator[Batch]:
    """A task that computes for milliseconds, on a kept instance and a whole core."""
    params = numbers if numbers is not None else payload(kind, size)
    with chassis() as made:
        made.load_swarm("swarm", module(guest), contract("swarm", kept=True, max_cpu_percent=100))
        execute = made.execute_task
        yield best(lambda: execute("swarm", task, params))


@contextlib.contextmanager
def talking(*, guest: str, records: int, handler: bool) -> Iterator[Batch]:
    """A task that writes so many records, each call timed apart from the emptying of the queue before it."""
    logger = logging.getLogger("infrafabric.swarm.swarm")
    if handler:
        logger.addHandler(logging.NullHandler())
        logger.setLevel(logging.INFO)
        logger.propagate = False
    with chassis() as made:
        generous = contract("swarm", max_log_bytes_per_second=100 << 20, max_cpu_percent=100)
        made.load_swarm("swarm", module(guest), generous)

        def call() -> int:
            SCRIBE.flush(5.0)
            start_ns = time.perf_counter_ns()
            result = made.execute_task("swarm", "talk", [records])
            took_ns = time.perf_counter_ns() - start_ns
            if result.usage.log_dropped or result.usage.log_records != records:
                message = f"{result.usage.log_dropped} records were dropped: a drop is cheaper than a record"
                raise RuntimeError(message)
            return took_ns

        yield timed(call)


@contextlib.contextmanager
def cold_load(*, guest: str) -> Iterator[Batch]:
    """Load a module that nobody has seen, with the compile server running."""
    numbers = itertools.count()
    with chassis() as made:

        def call() -> int:
            wasm = distinct(module(guest), next(numbers))
            start_ns = time.perf_counter_ns()
            made.load_swarm("swarm", wasm, contract("swarm", max_load_seconds=60))
            took_ns = time.perf_counter_ns() - start_ns
            made.unload_swarm("swarm")
            return took_ns

        yield timed(call)


@contextlib.contextmanager
def cached_load(*, guest: str, shared: bool) -> Iterator[Batch]:
    """Load a module whose code is on disk; with ``shared``, one that another swarm of this process runs."""
    with chassis() as made:
        made.load_swarm("other", module(guest), contract("other", max_load_seconds=60))
        if not shared:
            made.unload_swarm("other")

        def call() -> int:
            start_ns = time.perf_counter_ns()
            made.load_swarm("swarm", module(guest), contract("swarm", max_load_seconds=60))
            took_ns = time.perf_counter_ns() - start_ns
            made.unload_swarm("swarm")
            return took_ns

        yield timed(call)
