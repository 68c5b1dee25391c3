"""Measures one task of one swarm: governed and in the bare engine, on fresh and on kept instances, in turn.

Everything runs in slices of a twentieth of a second, one kind after the other, round and round until the time is over:
whatever else the machine does meets all of them. Two limits would be all that is measured, so they are raised: the rate
and the CPU share. What they allow is told beside the figures (`figures.bounds`).

Steps are told from what a task's own result says, not by stopping a clock inside: ``queue_seconds`` ends where an
instance is taken, ``execution_time_seconds`` where the answer was read; what the caller waits beyond is the record and
the result. What of it is the engine's is seen in the bare run.
"""

from __future__ import annotations

import statistics
import threading
import time
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.chassis import IFChassis
from infrafabric.cli.bench.figures import Figures, Measured, Steps
from infrafabric.engine.bare import BareTask, BareUnavailableError
from infrafabric.errors import InfraFabricError
from infrafabric.wasm import inspect_module

if TYPE_CHECKING:
    from infrafabric.chassis import ServiceContract, TaskResult

_SLICE_SECONDS = 0.05
#: A result's own figures are read once in so many tasks: reading them costs as much as a step.
_READ_EVERY = 16
#: Latencies kept of each kind; beyond, every figure is of the first so many.
_MAX_SAMPLES = 500_000
_MAX_RATE = 100_000
KINDS = ("fresh", "kept")


@attrs.frozen(kw_only=True)
class _Reading:
    """What one result says of itself, and how long its caller waited: a result would keep its whole output."""

    admit_us: float
    run_us: float
    record_us: float
    cpu_us: float
    peak_memory_bytes: int
    log_dropped: int


def _read(took_ns: int, result: TaskResult) -> _Reading:
    usage = result.usage
    return _Reading(
        admit_us=usage.queue_seconds * 1e6,
        run_us=result.execution_time_seconds * 1e6,
        record_us=took_ns / 1e3 - usage.wall_seconds * 1e6,
        cpu_us=usage.cpu_seconds * 1e6,
        peak_memory_bytes=usage.peak_memory_bytes,
        log_dropped=usage.log_dropped,
    )


class _Kind:
    """One kind of instance under way: its swarms, one for each thread where they are kept, and its samples."""

    def __init__(self, chassis: IFChassis, swarm_ids: list[str], task: str, params: Any) -> None:
        self._chassis, self._swarm_ids, self._task, self._params = chassis, swarm_ids, task, params
        self.took_ns: list[int] = []
        self.read: list[_Reading] = []
        self.tasks = 0
        self.busy_seconds = 0.0

    def slice(self, seconds: float) -> None:
        """Run tasks on every thread until ``seconds`` have passed. Raises the error of one that failed."""
        failed: list[BaseException] = []
        end = time.perf_counter() + seconds
        start = time.perf_counter()
        workers = [threading.Thread(target=self._work, args=(name, end, failed)) for name in self._swarm_ids]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.busy_seconds += time.perf_counter() - start
        if failed:
            raise failed[0]

    def _work(self, swarm_id: str, end: float, failed: list[BaseException]) -> None:
        execute, task, params, clock = self._chassis.execute_task, self._task, self._params, time.perf_counter_ns
        took: list[int] = []
        end_ns = int(end * 1e9)
        try:
            while True:
                before_ns = clock()
                if before_ns >= end_ns and took:
                    break
                result = execute(swarm_id, task, params)
                took.append(clock() - before_ns)
                if not len(took) % _READ_EVERY or len(took) == 1:
                    self.read.append(_read(took[-1], result))
        except BaseException as error:  # noqa: BLE001 - it is raised where the slice was asked for
            failed.append(error)
        self.tasks += len(took)
        if len(self.took_ns) < _MAX_SAMPLES:
            self.took_ns += took


class _Bare:
    """The bare engine's turns beside one kind."""

    def __init__(self, task: BareTask | None, why: str | None, *, kept: bool) -> None:
        self._task, self.why, self._kept = task, why, kept
        self.instance_ns: list[int] = []
        self.call_ns: list[int] = []

    def slice(self, seconds: float) -> None:
        """As `_Kind.slice`, on one thread that is not the main one: Ctrl-C must not meet a host function."""
        if self._task is not None:
            worker = threading.Thread(target=self._work, args=(self._task, time.perf_counter() + seconds))
            worker.start()
            worker.join()

    def _work(self, task: BareTask, end: float) -> None:
        try:
            while time.perf_counter() < end or not self.call_ns:
                if self._kept:
                    self.call_ns.append(task.kept())
                else:
                    instance_ns, call_ns = task.fresh()
                    self.instance_ns.append(instance_ns)
                    self.call_ns.append(call_ns)
        except BareUnavailableError as error:
            self._task, self.why = None, str(error)
            self.call_ns.clear()

    def close(self) -> None:
        if self._task is not None:
            self._task.close()


def measure(
    module: bytes, contract: ServiceContract, task: str, params: Any, *, seconds: float, threads: int
) -> Measured:
    """Measure a task for about ``seconds``. Raises what loading or the first failing task raises."""
    started = time.monotonic()
    with IFChassis(witness_enabled=False) as chassis:
        kinds: dict[str, _Kind] = {}
        bares: dict[str, _Bare] = {}
        refused: dict[str, str] = {}
        try:
            for kind in KINDS:
                try:
                    kinds[kind] = _open(chassis, module, contract, task, params, kind=kind, threads=threads)
                except InfraFabricError as error:
                    if kind == "fresh":
                        raise
                    refused[kind] = str(error)
                    continue
                bares[kind] = _open_bare(module, contract, task, params, kept=kind == "kept")
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for kind, one in kinds.items():
                    bares[kind].slice(_SLICE_SECONDS / 2)
                    one.slice(_SLICE_SECONDS)
        finally:
            for bare in bares.values():
                bare.close()
    readings = [reading for one in kinds.values() for reading in one.read]
    return Measured(
        swarm_id=contract.swarm_id,
        task=task,
        threads=threads,
        seconds=time.monotonic() - started,
        peak_memory_bytes=max(reading.peak_memory_bytes for reading in readings),
        cpu_us=statistics.median(reading.cpu_us for reading in readings),
        log_dropped=sum(reading.log_dropped for reading in readings),
        kinds={
            kind: _figures(kinds[kind], bares[kind]) if kind in kinds else Figures(not_measured=refused[kind])
            for kind in KINDS
        },
    )


def _open(
    chassis: IFChassis, module: bytes, contract: ServiceContract, task: str, params: Any, *, kind: str, threads: int
) -> _Kind:
    """Load what one kind needs, and run its task once."""
    kept = kind == "kept"
    limits: dict[str, Any] = {"max_api_calls_per_second": _MAX_RATE, "max_cpu_percent": 100.0}
    if kept:
        limits["max_concurrent_tasks"] = 1
    elif threads > contract.resource_limits.max_concurrent_tasks:
        limits["max_concurrent_tasks"] = threads
    if not kept:
        concurrent = limits.get("max_concurrent_tasks", contract.resource_limits.max_concurrent_tasks)
        limits["max_cpu_percent"] = 100.0 * concurrent
    own = contract.swarm_id  # what an error of its first task names
    spare = [name for number in range(threads + 1) if (name := f"kept-{number}") != own]
    names = spare[:threads] if kept else [own]
    for name in names:
        changed = contract.evolve(
            swarm_id=name, resource_limits=limits, execution={"instance": "swarm" if kept else "task"}
        )
        chassis.load_swarm(name, module, changed)
        chassis.execute_task(name, task, params)
    return _Kind(chassis, names if kept else names * threads, task, params)


def _open_bare(module: bytes, contract: ServiceContract, task: str, params: Any, *, kept: bool) -> _Bare:
    limits = contract.resource_limits
    if limits.max_fuel is not None or contract.execution.deterministic:
        return _Bare(None, "metered and deterministic code is not what the bare engine runs here", kept=kept)
    promised = contract.tasks.get(task)
    try:
        bare = BareTask(
            inspect_module(module),
            module,
            task,
            params,
            abi=promised.abi if promised is not None else None,
            memory_bytes=limits.max_memory_bytes,
            payload_bytes=limits.max_payload_bytes,
            deadline_seconds=limits.max_execution_time_seconds,
            pooled=not kept,
        )
    except BareUnavailableError as error:
        return _Bare(None, str(error), kept=kept)
    return _Bare(bare, None, kept=kept)


def _figures(kind: _Kind, bare: _Bare) -> Figures:
    took = sorted(kind.took_ns)
    call_us = statistics.median(bare.call_ns) / 1e3 if bare.call_ns else None
    instance_us = statistics.median(bare.instance_ns) / 1e3 if bare.instance_ns else None
    return Figures(
        tasks=kind.tasks,
        tasks_per_second=kind.tasks / kind.busy_seconds,
        p50_us=_rank(took, 50),
        p90_us=_rank(took, 90),
        p99_us=_rank(took, 99),
        max_us=took[-1] / 1e3,
        bare_p50_us=None if call_us is None else call_us + (instance_us or 0.0),
        bare_not_measured=bare.why,
        steps=Steps(
            admit_us=statistics.median(reading.admit_us for reading in kind.read),
            run_us=statistics.median(reading.run_us for reading in kind.read),
            record_us=statistics.median(reading.record_us for reading in kind.read),
            engine_instance_us=instance_us,
            engine_call_us=call_us,
        ),
    )


def _rank(ordered: list[int], percent: int) -> float:
    """A percentile by nearest rank, in microseconds."""
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)] / 1e3
