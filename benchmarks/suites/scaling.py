"""What more threads bring: for tasks that compute, for tasks that do nothing, and under asyncio."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

from benchmarks.contenders.ours import chassis, contract
from benchmarks.curves import LINEAR, Curve
from benchmarks.figures import Row, Spread, ratios
from benchmarks.guest_modules import module
from benchmarks.lanes import probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.figures import Effort

_HERE = "benchmarks.suites.scaling"
_THREADS = (1, 2, 4, 8)
#: About a millisecond.
_TURNS = 2_000_000
_CASES = (
    ("empty tasks, fresh", {"kept": False, "guest": "nothing"}),
    ("empty tasks, kept", {"kept": True, "guest": "nothing"}),
    ("tasks of a millisecond, fresh", {"kept": False, "guest": "spin"}),
    ("tasks of a millisecond, kept", {"kept": True, "guest": "spin"}),
)
_ONE_SWARM = "tasks of a millisecond, fresh, all of one swarm"


def measure(effort: Effort) -> Iterator[Row | Curve]:
    """Tasks a second by threads, each with a swarm of its own; one swarm with many tasks; asyncio."""
    rounds, seconds = effort.pick(2, 5), 0.15
    for what, given in _CASES:
        rates = probe(f"{_HERE}:throughput", rounds=rounds, seconds=seconds, concurrent=0, **given)
        yield from _rows(what, rates)
        yield _curve(what, rates)
    for concurrent in (2, 8):
        what = f"{_ONE_SWARM} with max_concurrent_tasks {concurrent}"
        rates = probe(
            f"{_HERE}:throughput", rounds=rounds, seconds=seconds, concurrent=concurrent, kept=False, guest="spin"
        )
        yield from _rows(what, rates)
    yield from _awaited(effort)


def _awaited(effort: Effort) -> Iterator[Row]:
    """Coroutines: what the way to a worker thread and back costs, and whether two guests use two cores."""
    for what, guest, tasks in (
        ("empty tasks, fresh, awaited by asyncio", "nothing", effort.pick(200, 1_000)),
        ("tasks of a millisecond, fresh, awaited by asyncio", "spin", effort.pick(64, 160)),
    ):
        rates = {
            str(together): probe(
                f"{_HERE}:asyncio_throughput", rounds=effort.pick(2, 5), tasks=tasks, together=together, guest=guest
            )
            for together in (1, 2, 8)
        }
        yield from _rows(what, rates, "coroutine")


def _rows(what: str, rates: dict[str, list[float]], kind: str = "thread") -> Iterator[Row]:
    one = rates["1"]
    for count, now in rates.items():
        alone = count == "1"
        yield Row(
            what=f"{what}, {count} {kind}{'' if alone else 's'}",
            ours=Spread.of(now).median,
            unit="tasks/s",
            peer="" if alone else f"1 {kind}",
            theirs=None if alone else Spread.of(one).median,
            ratio=None if alone else ratios(now, one),
        )


def _curve(what: str, rates: dict[str, list[float]]) -> Curve:
    """The time that the whole process takes for a task: growing with threads is contention."""
    points = tuple((float(count), 1e6 / Spread.of(now).median) for count, now in rates.items())
    return Curve(
        what="time of the process for a task, by threads",
        who=what,
        unit="us",
        points=points,
        bar=LINEAR,
        from_floor=False,
    )


def throughput(*, rounds: int, seconds: float, kept: bool, guest: str, concurrent: int) -> dict[str, list[float]]:
    """Tasks a second with 1, 2, 4 and 8 threads, round by round.

    ``concurrent`` 0 gives each thread a swarm of its own; else all use one swarm that runs so many tasks at once.
    """
    task, params = _task(guest)
    limits = {"max_concurrent_tasks": concurrent, "max_cpu_percent": 100.0 * concurrent} if concurrent else {}
    rates: dict[str, list[float]] = {str(threads): [] for threads in _THREADS}
    with chassis() as made:
        swarms = [f"swarm-{0 if concurrent else number}" for number in range(max(_THREADS))]
        for name in dict.fromkeys(swarms):
            made.load_swarm(name, module(guest), contract(name, kept=kept, **{"max_cpu_percent": 100, **limits}))
        for _ in range(rounds):
            for threads in _THREADS:
                calls = [_caller(made.execute_task, name, task, params) for name in swarms[:threads]]
                rates[str(threads)].append(_rate(calls, seconds))
    return rates


def _task(guest: str) -> tuple[str, list[int] | None]:
    return ("run", None) if guest == "nothing" else ("spin_for", [_TURNS])


def _caller(execute: Callable[..., object], *arguments: object) -> Callable[[], object]:
    return lambda: execute(*arguments)


def _rate(calls: list[Callable[[], object]], seconds: float) -> float:
    """Calls a second that all threads make together."""
    counts = [0] * len(calls)
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        call, count = calls[number], 0
        while time.perf_counter() < end:
            call()
            count += 1
        counts[number] = count

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(calls))]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


def asyncio_throughput(*, rounds: int, tasks: int, together: int = 8, guest: str = "nothing") -> list[float]:
    """Tasks a second of so many coroutines that each await one task after another."""
    task, params = _task(guest)
    with chassis() as made:
        made.load_swarm("swarm", module(guest), contract("swarm", max_concurrent_tasks=8, max_cpu_percent=800))

        async def one_after_another(count: int) -> None:
            for _ in range(count):
                await made.execute_task_async("swarm", task, params)

        async def race() -> float:
            start = time.perf_counter()
            await asyncio.gather(*(one_after_another(tasks // together) for _ in range(together)))
            return tasks // together * together / (time.perf_counter() - start)

        return [asyncio.run(race()) for _ in range(rounds)]
