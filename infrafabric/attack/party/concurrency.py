"""Attacks by many at once: threads, cancellations, awaiters that give up, swarms that come and go."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

from infrafabric.attack.attack import Attack, group, text
from infrafabric.attack.neighbour import SERVER
from infrafabric.attack.party.everyday import around, each_ends_well, unjudged
from infrafabric.attack.party.sleep import sleeping
from infrafabric.errors import InfraFabricError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infrafabric.attack.scene import Scene

_JOIN_SECONDS = 30.0
#: The most that max_concurrent_tasks may be, and how soon a neighbour has to be served beside so many sleepers.
_MOST_TASKS, _SERVED_SECONDS = 256, 1.0


def _threads(count: int, work: Callable[[], object]) -> list[threading.Thread]:
    started = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in started:
        thread.start()
    return started


def _join(threads: list[threading.Thread]) -> Iterable[str]:
    for thread in threads:
        thread.join(_JOIN_SECONDS)
        if thread.is_alive():
            yield f"a thread did not end within {_JOIN_SECONDS:g} s"


def _beside_busy_threads(scene: Scene) -> Iterable[str]:
    stop = threading.Event()

    def burn() -> None:
        while not stop.is_set():
            sum(range(1000))

    threads = _threads(2, burn)
    try:
        result = scene.execute("spin")
    finally:
        stop.set()
        yield from _join(threads)
    if result.status != "timeout":
        yield f"beside busy threads spin ended as {result.status}"


def _cancel_storm(scene: Scene) -> Iterable[str]:
    """Two hundred cancellations, each of which makes every guest of the process look up."""
    neighbour: list[str] = []

    def long_tasks() -> None:
        ask = scene.chassis.execute_task
        neighbour.extend(ask(SERVER, "sum", [20_000_000], check=False).status for _ in range(4))

    threads = _threads(1, long_tasks)
    for _ in range(200):
        future = scene.chassis.submit_task(scene.swarm_id, "spin", check=False)
        future.cancel()
        status = future.result(10).status
        if status != "cancelled":
            yield f"a cancelled task ended as {status}"
    yield from _join(threads)
    if neighbour != ["success"] * 4:
        yield f"the neighbour's long tasks ended as {', '.join(neighbour)}"


def _come_and_go(scene: Scene) -> Iterable[str]:
    """Replace, unload and load the swarm under running tasks."""
    endings: set[str] = set()
    stop = threading.Event()

    def hammer() -> None:
        while not stop.is_set():
            try:
                result = scene.chassis.execute_task(scene.swarm_id, "spin", timeout_seconds=0.01, check=False)
                endings.add(result.status)
            except InfraFabricError as error:
                endings.add(error.code)

    threads = _threads(4, hammer)
    try:
        for _ in range(10):
            scene.chassis.replace_swarm(scene.swarm_id, scene.module, scene.contract)
            scene.chassis.unload_swarm(scene.swarm_id, cancel=True)
            scene.chassis.load_swarm(scene.swarm_id, scene.module, scene.contract)
    finally:
        stop.set()
        yield from _join(threads)
    wrong = endings - {"timeout", "cancelled", "busy", "not_loaded", "rate_limited"}
    if wrong:
        yield f"tasks of a swarm that came and went ended as {', '.join(sorted(wrong))}"


def _awaiters_give_up(scene: Scene) -> Iterable[str]:
    async def storm() -> set[str]:
        tasks = [
            asyncio.wait_for(scene.chassis.execute_task_async(scene.swarm_id, "spin", check=False), 0.001 * (turn % 40))
            for turn in range(100)
        ]
        return {type(ending).__name__ for ending in await asyncio.gather(*tasks, return_exceptions=True)}

    endings = asyncio.run(storm()) - {"TimeoutError", "TaskResult"}
    if endings:
        yield f"awaiting with timeouts ended as {', '.join(sorted(endings))}"
    yield from each_ends_well("after awaiting with timeouts", scene.execute)


def _on_many_threads(scene: Scene) -> Iterable[str]:
    faults: list[str] = []

    def run() -> None:
        for _ in range(10):
            faults.extend(each_ends_well("on many threads", unjudged(scene)))

    yield from _join(_threads(16, run))
    yield from dict.fromkeys(faults)


def _all_workers_taken(scene: Scene) -> Iterable[str]:
    """Sleep on as many threads as one contract can grant; a neighbour's future has to be served as ever."""
    sleepers = [scene.chassis.submit_task(scene.swarm_id, "run", check=False) for _ in range(_MOST_TASKS)]
    started = time.monotonic()
    try:
        result = scene.chassis.submit_task(SERVER, "add", [1, 2], _SERVED_SECONDS, check=False).result(30)
        seconds = time.monotonic() - started
        if result.output != 3:
            yield f"a future of the neighbour ended as {result.status} ({result.blame}) after {seconds:.1f} s"
    finally:
        for sleeper in sleepers:
            sleeper.cancel()
        endings = {sleeper.result(30).status for sleeper in sleepers}
    if endings - {"cancelled", "timeout"}:
        yield f"cancelled sleepers ended as {', '.join(sorted(endings))}"


ATTACKS = group(
    "concurrency",
    around(
        "busy-threads",
        "Outlast the deadline beside busy Python threads.",
        _beside_busy_threads,
        max_execution_time_seconds=0.15,
    ),
    Attack(
        name="all-workers-taken",
        tries="Sleep in as many tasks at once as a contract can grant, so that no thread is left for others.",
        module=text(sleeping(10**18)),
        limits={"max_concurrent_tasks": _MOST_TASKS, "max_memory_mb": 1, "max_execution_time_seconds": 4},
        perform=_all_workers_taken,
    ),
    around("cancel-storm", "End a neighbour's long task by two hundred cancellations.", _cancel_storm),
    around(
        "come-and-go", "Spin while the swarm is replaced, unloaded and loaded.", _come_and_go, max_concurrent_tasks=4
    ),
    around("awaiters-give-up", "Spin while awaiters give up.", _awaiters_give_up, max_queued_tasks=200),
    around(
        "many-threads",
        "Fault and overflow on sixteen threads at once.",
        _on_many_threads,
        max_concurrent_tasks=16,
        max_cpu_percent=1600,
    ),
)
