"""A swarm is replaced while tasks are on their way to it: every one of them runs, on the old or on the new one."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.chassis.task import Task
from infrafabric.limits.moving_window import MonotonicWindowStorage
from infrafabric.testing import contract, wat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infrafabric.chassis import IFChassis, TaskResult

VERSIONS = [wat(f'(module (func (export "answer") (param i32) (result i32) i32.const {number}))') for number in (1, 2)]
LIMITS = {"max_api_calls_per_second": 1000}


def by_call(chassis: IFChassis, params: Any) -> TaskResult:
    """As most callers do."""
    return chassis.execute_task("a", "answer", params, check=False)


def by_future(chassis: IFChassis, params: Any) -> TaskResult:
    """On a worker."""
    return chassis.submit_task("a", "answer", params, check=False).result(10)


def by_await(chassis: IFChassis, params: Any) -> TaskResult:
    """From an event loop."""
    return asyncio.run(chassis.execute_task_async("a", "answer", params, check=False))


WAYS = [by_call, by_future, by_await]


@pytest.fixture
def replaced_on_the_way(chassis: IFChassis, monkeypatch: pytest.MonkeyPatch) -> Iterator[IFChassis]:
    """A chassis whose swarm is replaced after a task was prepared for it, and before it asks for its place."""
    chassis.load_swarm("a", VERSIONS[0], contract("a", version="1.0.0", resource_limits=LIMITS))
    prepare = Task.prepare
    replaced: list[bool] = []

    def prepare_slowly(task: Task, params: Any) -> None:
        prepare(task, params)
        if not replaced:
            replaced.append(True)
            chassis.replace_swarm("a", VERSIONS[1], contract("a", version="2.0.0", resource_limits=LIMITS))

    monkeypatch.setattr(Task, "prepare", prepare_slowly)
    yield chassis
    assert replaced


@pytest.mark.parametrize("way", WAYS)
def test_a_task_that_comes_as_its_swarm_is_replaced_runs_on_the_new_one(
    replaced_on_the_way: IFChassis, way: Callable[[IFChassis, Any], TaskResult]
) -> None:
    """It is neither lost nor refused, it counts for the swarm that ran it, and its rate is taken once."""
    result = way(replaced_on_the_way, [0])
    assert (result.status, result.output) == ("success", 2)
    assert result.metadata["contract_version"] == "2.0.0"
    stats = replaced_on_the_way.get_runtime_stats("a")
    assert stats is not None
    assert stats["tasks_by_outcome"] == {"success": 1}
    assert not replaced_on_the_way.swarm_runtimes["a"].tasks
    storage = replaced_on_the_way._rate_storage
    assert isinstance(storage, MonotonicWindowStorage)
    _, admitted = storage.get_moving_window("infrafabric/rate/a", 1000, 1)
    assert admitted == 1


def test_the_new_contract_decides_what_it_may_be_given(chassis: IFChassis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters are looked at again: what the old swarm took, the new one may refuse."""
    chassis.load_swarm("a", VERSIONS[0], contract("a"))
    other = wat('(module (func (export "answer") (param i32 i32) (result i32) i32.const 3))')
    admit = Task.admit
    replaced: list[bool] = []

    def admit_late(task: Task, *, wait: bool) -> None:
        if not replaced:
            replaced.append(True)
            chassis.replace_swarm("a", other, contract("a"))
        admit(task, wait=wait)

    monkeypatch.setattr(Task, "admit", admit_late)
    assert by_call(chassis, [0]).status == "invalid_params"


def test_a_swarm_that_is_gone_is_not_followed(chassis: IFChassis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unloaded instead of replaced, it cancels who comes too late."""
    chassis.load_swarm("a", VERSIONS[0], contract("a"))
    admit = Task.admit
    unloaded: list[threading.Thread] = []

    def admit_late(task: Task, *, wait: bool) -> None:
        if not unloaded:
            unloaded.append(threading.Thread(target=chassis.unload_swarm, args=("a",)))
            unloaded[0].start()
            while not task.swarm.gate.is_closed:
                pass
        admit(task, wait=wait)

    monkeypatch.setattr(Task, "admit", admit_late)
    assert by_call(chassis, [0]).status == "cancelled"
    unloaded[0].join(10)


@pytest.mark.parametrize("way", WAYS)
def test_no_task_is_lost_while_a_swarm_is_replaced_again_and_again(
    chassis: IFChassis, way: Callable[[IFChassis, Any], TaskResult]
) -> None:
    """Threads that take turns at every opportunity find every gap there is."""
    terms = contract("a", resource_limits={"max_concurrent_tasks": 4, "max_queued_tasks": 1000})
    chassis.load_swarm("a", VERSIONS[0], terms)
    results: list[TaskResult] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            results.append(way(chassis, [0]))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for number in range(60):
            chassis.replace_swarm("a", VERSIONS[number % 2], terms)
    finally:
        sys.setswitchinterval(interval)
        over.set()
        for thread in threads:
            thread.join(20)
    assert {result.status for result in results} == {"success"}
    assert {result.output for result in results} <= {1, 2}
