"""How exactly guests are stopped: by their deadline, by the caller, and never by a neighbour's deadline."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from typing import TYPE_CHECKING, Any

from benchmarks.contenders import names
from benchmarks.contenders.ours import chassis, contract
from benchmarks.figures import Bar, Row, at_most, percentile
from benchmarks.guest_modules import module
from benchmarks.lanes import probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort

_HERE = "benchmarks.suites.deadlines"
_DEADLINE_MS = 50


def measure(effort: Effort) -> Iterator[Row]:
    """Deadlines idle and busy, neighbours, cancellation."""
    idle = probe(f"{_HERE}:deadlines", runs=effort.pick(40, 200), busy_threads=0)
    yield _row("idle, p50", percentile(idle, 50), at_most(51, "ms"))
    yield _row("idle, p99", percentile(idle, 99), at_most(53, "ms"))
    busy = probe(f"{_HERE}:deadlines", runs=effort.pick(15, 50), busy_threads=4)
    yield _row("4 busy Python threads, p50", percentile(busy, 50), at_most(75, "ms"))
    yield _row("4 busy Python threads, p99", percentile(busy, 99), None)
    yield from _extism(effort)
    neighbours = effort.pick(1_000, 10_000)
    stopped = probe(f"{_HERE}:neighbours_stopped", tasks=neighbours)
    yield Row(
        what=f"neighbours stopped by others' deadlines, of {neighbours:,}",
        ours=stopped["stopped"],
        unit="tasks",
        bar=at_most(0, "tasks"),
        note=f"while {stopped['deadlines']:,} tasks of two other swarms ran into deadlines of 1 to 20 ms",
    )
    cancels = probe(f"{_HERE}:cancellations", runs=effort.pick(40, 200))
    yield Row(what="cancel of a running task, p50", ours=percentile(cancels, 50), unit="ms")
    yield Row(what="cancel of a running task, p99", ours=percentile(cancels, 99), unit="ms", bar=at_most(10, "ms"))


def _row(what: str, value: float, bar: Bar | None) -> Row:
    return Row(what=f"{_DEADLINE_MS} ms deadline, {what}", ours=value, unit="ms", bar=bar)


def _extism(effort: Effort) -> Iterator[Row]:
    what = f"the peer alone: extism's timeout_ms of {_DEADLINE_MS}, idle, p50"
    try:
        took = probe(f"{names.EXTISM}:deadlines", milliseconds=_DEADLINE_MS, runs=effort.pick(15, 50))
    except ModuleNotFoundError as error:
        yield Row(what=what, unit="ms", missing=f"extism: {error}")
    else:
        yield Row(what=what, ours=percentile(took, 50), unit="ms", note=f"p99 {percentile(took, 99):.1f} ms")


# --- probes ----------------------------------------------------------------------------------------


def deadlines(*, runs: int, busy_threads: int) -> list[float]:
    """Milliseconds until a spinning task with a 50 ms timeout is back, each time."""
    over = threading.Event()
    took = []
    with chassis() as made, _busy(busy_threads, over):
        made.load_swarm("spin", module("spin"), contract("spin", max_cpu_percent=100))
        for _ in range(runs):
            start = time.perf_counter()
            result = made.execute_task("spin", "spin", timeout_seconds=_DEADLINE_MS / 1e3, check=False)
            took.append((time.perf_counter() - start) * 1e3)
            assert result.status == "timeout", result
    return took


@contextlib.contextmanager
def _busy(threads: int, over: threading.Event) -> Iterator[None]:
    def spin() -> None:
        while not over.is_set():
            sum(range(500))

    running = [threading.Thread(target=spin) for _ in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in running:
            thread.join()


def neighbours_stopped(*, tasks: int) -> dict[str, int]:
    """How many tasks of a well-behaved swarm failed while two others ran into their deadlines all the time."""
    over = threading.Event()
    ended = [0, 0]
    with chassis() as made:
        for name in ("good", "bad-0", "bad-1"):
            made.load_swarm(name, module("spin"), contract(name, max_cpu_percent=100))

        def misbehave(number: int) -> None:
            chance = random.Random(number)  # noqa: S311 - a benchmark
            while not over.is_set():
                made.execute_task(f"bad-{number}", "spin", timeout_seconds=chance.uniform(0.001, 0.02), check=False)
                ended[number] += 1

        threads = [threading.Thread(target=misbehave, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        stopped = 0
        for _ in range(tasks):
            # About a millisecond: long enough to be hit by a tick that is not its own.
            stopped += not made.execute_task("good", "spin_for", [500_000], check=False).ok
        over.set()
        for thread in threads:
            thread.join()
    return {"stopped": stopped, "deadlines": sum(ended)}


def cancellations(*, runs: int) -> list[float]:
    """Milliseconds from ``cancel()`` until the future of a spinning task has its result."""
    chance = random.Random(1)  # noqa: S311 - a benchmark
    took = []
    with chassis() as made:
        made.load_swarm("spin", module("spin"), contract("spin", max_cpu_percent=100))
        for _ in range(runs):
            future: Any = made.submit_task("spin", "spin", check=False)
            time.sleep(chance.uniform(0.005, 0.015))
            start = time.perf_counter()
            future.cancel()
            status = future.result(10).status
            took.append((time.perf_counter() - start) * 1e3)
            assert status == "cancelled", status
    return took
