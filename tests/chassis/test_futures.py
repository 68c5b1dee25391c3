"""`submit_task` and `execute_task_async`: queued, awaited, cancelled."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from infrafabric import errors
from infrafabric.chassis import IFChassis
from infrafabric.errors import Blame
from infrafabric.testing import ADDER, contract, wat

if TYPE_CHECKING:
    from pathlib import Path

SPIN = wat('(module (func (export "spin") (loop br 0)) (func (export "answer") (result i32) i32.const 3))')


@pytest.fixture
def spinner(chassis: IFChassis) -> IFChassis:
    """A chassis with a swarm that spins until it is stopped."""
    chassis.load_swarm("spinner", SPIN, contract("spinner"))
    return chassis


def wait_until_running(chassis: IFChassis, swarm_id: str = "spinner") -> None:
    """Until a task has its slot and its guest was entered."""
    while not any(task.started_ns for task in list(chassis.swarm_runtimes[swarm_id].tasks)):
        time.sleep(0.001)


def test_a_future_gives_the_result_or_the_typed_error(spinner: IFChassis) -> None:
    """As execute_task would."""
    assert spinner.submit_task("spinner", "answer").result(timeout=5).output == 3
    with pytest.raises(errors.TaskNotFoundError):
        spinner.submit_task("spinner", "nothing").result(timeout=5)
    assert spinner.submit_task("spinner", "nothing", check=False).result(timeout=5).status == "unknown_task"


def test_cancelling_stops_a_running_guest(spinner: IFChassis) -> None:
    """Within a tick or two, blamed on the caller; the swarm goes on."""
    future = spinner.submit_task("spinner", "spin")
    wait_until_running(spinner)
    began = time.monotonic()
    assert future.cancel() is True
    with pytest.raises(errors.TaskCancelled) as caught:
        future.result(timeout=5)
    assert time.monotonic() - began < 0.5
    assert caught.value.result.blame is Blame.CALLER
    assert future.cancel() is False
    assert spinner.execute_task("spinner", "answer").output == 3


def test_cancelling_takes_a_queued_task_out_of_the_line(spinner: IFChassis) -> None:
    """The one behind it moves up."""
    first = spinner.submit_task("spinner", "spin", check=False)
    wait_until_running(spinner)
    second, third = (spinner.submit_task("spinner", "answer") for _ in range(2))
    assert second.cancel()
    with pytest.raises(errors.TaskCancelled, match="while it was queued"):
        second.result(timeout=1)
    first.cancel()
    assert third.result(timeout=5).output == 3


def test_queued_tasks_hold_no_threads(spinner: IFChassis) -> None:
    """Sixty wait, one runs: at most a few threads more than before."""
    before = threading.active_count()
    running = spinner.submit_task("spinner", "spin", check=False)
    wait_until_running(spinner)
    queued = [spinner.submit_task("spinner", "answer") for _ in range(60)]
    assert threading.active_count() - before <= 4
    running.cancel()
    assert [future.result(timeout=10).output for future in queued] == [3] * 60


def test_queued_tasks_run_in_the_order_they_came(chassis: IFChassis) -> None:
    """First come, first served: a kept instance counts them."""
    text = """(module (global $n (mut i32) (i32.const 0)) (func (export "spin") (loop br 0))
      (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))"""
    chassis.load_swarm("spinner", wat(text), contract("spinner", execution={"instance": "swarm"}))
    running = chassis.submit_task("spinner", "spin", check=False)
    wait_until_running(chassis)
    futures = [chassis.submit_task("spinner", "next") for _ in range(40)]
    running.cancel()
    assert [future.result(timeout=10).output for future in futures] == list(range(1, 41))


def test_waiting_for_the_rate_holds_no_thread(chassis: IFChassis) -> None:
    """Tasks submitted with wait=True come through at the contract's rate."""
    chassis.load_swarm("slow", ADDER, contract("slow", resource_limits={"max_api_calls_per_second": 20}))
    before = threading.active_count()
    futures = [chassis.submit_task("slow", "add", [number, 0], wait=True) for number in range(30)]
    assert threading.active_count() - before <= 4
    assert sorted(future.result(timeout=10).output for future in futures) == list(range(30))


async def _gather(chassis: IFChassis) -> list[int]:
    results = await asyncio.gather(*(chassis.execute_task_async("adder", "add", [number, 1]) for number in range(50)))
    return [result.output for result in results]


def test_asyncio_runs_tasks_beside_each_other(chassis: IFChassis) -> None:
    """The event loop is not blocked, results come in order."""
    limits = {"max_concurrent_tasks": 4, "max_cpu_percent": 400.0}
    chassis.load_swarm("adder", ADDER, contract("adder", resource_limits=limits))
    assert asyncio.run(_gather(chassis)) == list(range(1, 51))


async def _cancel(chassis: IFChassis) -> float:
    task = asyncio.ensure_future(chassis.execute_task_async("spinner", "spin"))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(chassis.swarm_runtimes["spinner"].gate.wait_idle, 5)
    return time.monotonic() - began


def test_cancelling_the_awaiter_stops_the_guest(spinner: IFChassis) -> None:
    """Its slot is free soon after."""
    assert asyncio.run(_cancel(spinner)) < 1
    assert spinner.execute_task("spinner", "answer").output == 3


async def _timeout(chassis: IFChassis) -> None:
    async with asyncio.timeout(0.05):
        await chassis.execute_task_async("spinner", "spin")


def test_asyncio_timeouts_work(spinner: IFChassis) -> None:
    """`asyncio.timeout` around a task stops it."""
    with pytest.raises(TimeoutError):
        asyncio.run(_timeout(spinner))
    assert spinner.execute_task("spinner", "answer", wait=True).output == 3


def test_closing_ends_the_worker_threads(cache_dir: Path) -> None:
    """A chassis that comes and goes leaves no thread behind."""

    def use() -> None:
        with IFChassis(cache_dir=cache_dir) as chassis:
            chassis.load_swarm("adder", ADDER, contract("adder"))
            assert chassis.submit_task("adder", "add", [1, 2]).result(timeout=5).output == 3

    use()
    before = {thread.name for thread in threading.enumerate()}
    for _ in range(20):
        use()
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and any(t.name == "infrafabric-worker" for t in threading.enumerate()):
        time.sleep(0.01)
    assert {thread.name for thread in threading.enumerate()} <= before
    assert not any(thread.name == "infrafabric-worker" for thread in threading.enumerate())
