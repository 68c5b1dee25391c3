"""What more threads bring: for tasks that compute, and for tasks that do nothing."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

from benchmarks.contenders.ours import chassis, contract
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


def measure(effort: Effort) -> Iterator[Row]:
    """Tasks a second by threads, each with a swarm of its own; one swarm with many tasks; asyncio."""
    rounds, seconds = effort.pick(2, 5), 0.15
    for what, given in _CASES:
        rates = probe(f"{_HERE}:throughput", rounds=rounds, seconds=seconds, one_swarm=False, **given)
        yield from _rows(what, rates)
    rates = probe(f"{_HERE}:throughput", rounds=rounds, seconds=seconds, one_swarm=True, kept=False, guest="spin")
    yield from _rows("tasks of a millisecond, fresh, all of one swarm", rates)
    rates = probe(f"{_HERE}:asyncio_throughput", rounds=rounds, tasks=effort.pick(300, 1_000))
    yield Row(
        what="empty tasks, fresh, awaited by asyncio, 8 at a time",
        ours=Spread.of(rates).median,
        unit="tasks/s",
        note="each goes to a worker thread and back",
    )


def _rows(what: str, rates: dict[str, list[float]]) -> Iterator[Row]:
    one = rates["1"]
    for threads in _THREADS:
        now = rates[str(threads)]
        yield Row(
            what=f"{what}, {threads} thread{'s' * (threads > 1)}",
            ours=Spread.of(now).median,
            unit="tasks/s",
            peer="" if threads == 1 else "1 thread",
            theirs=None if threads == 1 else Spread.of(one).median,
            ratio=None if threads == 1 else ratios(now, one),
        )


def throughput(*, rounds: int, seconds: float, kept: bool, guest: str, one_swarm: bool) -> dict[str, list[float]]:
    """Tasks a second with 1, 2, 4 and 8 threads, round by round."""
    task, params = ("run", None) if guest == "nothing" else ("spin_for", [_TURNS])
    most = max(_THREADS)
    limits = {"max_concurrent_tasks": most, "max_cpu_percent": 100.0 * most} if one_swarm else {"max_cpu_percent": 100}
    rates: dict[str, list[float]] = {str(threads): [] for threads in _THREADS}
    with chassis() as made:
        swarms = [f"swarm-{0 if one_swarm else number}" for number in range(most)]
        for name in dict.fromkeys(swarms):
            made.load_swarm(name, module(guest), contract(name, kept=kept, **limits))
        for _ in range(rounds):
            for threads in _THREADS:
                calls = [_caller(made.execute_task, name, task, params) for name in swarms[:threads]]
                rates[str(threads)].append(_rate(calls, seconds))
    return rates


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


def asyncio_throughput(*, rounds: int, tasks: int) -> list[float]:
    """Tasks a second of eight coroutines that each await one task after another."""
    with chassis() as made:
        made.load_swarm("swarm", module("nothing"), contract("swarm", max_concurrent_tasks=8, max_cpu_percent=800))

        async def one_after_another(count: int) -> None:
            for _ in range(count):
                await made.execute_task_async("swarm", "run")

        async def together() -> float:
            start = time.perf_counter()
            await asyncio.gather(*(one_after_another(tasks // 8) for _ in range(8)))
            return tasks // 8 * 8 / (time.perf_counter() - start)

        return [asyncio.run(together()) for _ in range(rounds)]
