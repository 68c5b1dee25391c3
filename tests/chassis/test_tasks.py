"""`execute_task`: outcomes, their errors and their blame, limits, results."""

from __future__ import annotations

import json
import pickle
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric import errors
from infrafabric.chassis import IFChassis, TaskResult
from infrafabric.errors import Blame
from infrafabric.limits import Gate
from infrafabric.testing import ADDER, RecordingObserver, contract, wat

if TYPE_CHECKING:
    from pathlib import Path

MIXED = wat(
    """(module
      (import "env" "log" (func $log (param i32 i32)))
      (memory (export "memory") 1)
      (data (i32.const 16) "hello")
      (func (export "answer") (result i32) i32.const 42)
      (func (export "spin") (loop br 0))
      (func (export "give_up") unreachable)
      (func (export "divide") (param $a i32) (param $b i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
      (func $deep (export "deep") call $deep)
      (func (export "say") (call $log (i32.const 16) (i32.const 5)))
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "null") (param i32) (result i32) i32.const 0)
      (func (export "lie") (param i32 i32) (result i64) (i64.const 0x7fffffff00000008))
      (func (export "vector") (param v128))
    )"""
)


@pytest.fixture
def mixed(chassis: IFChassis) -> IFChassis:
    """A chassis with a swarm that can end in many ways."""
    chassis.load_swarm("mixed", MIXED, contract("mixed", version="3.1.4"))
    return chassis


def test_success_reads_like_an_attribute_and_like_a_dict(mixed: IFChassis) -> None:
    """Both ways give the same."""
    result = mixed.execute_task("mixed", "answer")
    assert result.ok
    assert (result.status, result.output, result.error) == ("success", 42, None)
    assert result["output"] == 42
    assert dict(result)["status"] == "success"
    assert result.execution_time_seconds > 0
    assert result.metadata["contract_version"] == "3.1.4"
    assert result.metadata["calling_convention"] == "scalar"
    assert result.metadata["resource_limits"]["max_memory_mb"] == 256
    assert result.usage.peak_memory_bytes == 65536
    assert json.loads(json.dumps(result.to_dict()))["swarm_id"] == "mixed"


def test_a_result_is_frozen_and_survives_pickling(mixed: IFChassis) -> None:
    """It is a record."""
    result = mixed.execute_task("mixed", "answer")
    with pytest.raises(AttributeError):
        result.output = 1  # type: ignore[misc]
    copy = pickle.loads(pickle.dumps(result))
    assert copy.to_dict() == result.to_dict()


@pytest.mark.parametrize(
    ("task", "params", "status", "kind", "blame"),
    [
        ("give_up", None, "trap", errors.TaskTrapped, Blame.GUEST),
        ("divide", [1, 0], "trap", errors.TaskTrapped, Blame.GUEST),
        ("deep", None, "trap", errors.TaskTrapped, Blame.GUEST),
        ("null", "text", "guest_error", errors.GuestError, Blame.GUEST),
        ("lie", "text", "invalid_result", errors.InvalidResult, Blame.GUEST),
        ("divide", [1], "invalid_params", errors.TaskParamsError, Blame.CALLER),
        ("nothing", None, "unknown_task", errors.TaskNotFoundError, Blame.CALLER),
        ("vector", None, "unknown_task", errors.TaskNotFoundError, Blame.CALLER),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_failure_has_its_error_its_blame_and_its_result(
    mixed: IFChassis, task: str, params: Any, status: str, kind: type[errors.TaskError], blame: Blame
) -> None:
    """``check=False`` returns what ``check=True`` raises."""
    with pytest.raises(kind, match=r"^Task execution failed: ") as caught:
        mixed.execute_task("mixed", task, params)
    assert caught.value.code == status
    assert isinstance(caught.value, RuntimeError)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    for result in (caught.value.result, copy.result, mixed.execute_task("mixed", task, params, check=False)):
        assert isinstance(result, TaskResult)
        assert (result.status, result.blame, result.output) == (status, blame, None)
        assert not result.ok
        assert mixed.execute_task("mixed", "answer").output == 42


def test_a_task_that_does_not_end_is_ended_at_its_deadline(mixed: IFChassis) -> None:
    """The guest is blamed for the contract's limit, the caller for its own."""
    began = time.monotonic()
    with pytest.raises(errors.TaskTimeout, match=r"within 0\.1 s \(the caller's timeout_seconds\)") as caught:
        mixed.execute_task("mixed", "spin", timeout_seconds=0.1)
    assert 0.1 <= time.monotonic() - began < 1
    assert caught.value.result.blame is Blame.CALLER

    mixed.load_swarm("strict", MIXED, contract("strict", resource_limits={"max_execution_time_seconds": 0.1}))
    with pytest.raises(errors.TaskTimeout, match=r"within 0\.1 s \(max_execution_time_seconds\)") as caught:
        mixed.execute_task("strict", "spin", timeout_seconds=60)
    assert caught.value.result.blame is Blame.GUEST
    assert mixed.execute_task("mixed", "answer").output == 42


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_timeout_must_be_above_zero(mixed: IFChassis, seconds: float) -> None:
    """Zero, negative and not a number are refused before anything runs."""
    with pytest.raises(ValueError, match="timeout_seconds must be above 0"):
        mixed.execute_task("mixed", "answer", timeout_seconds=seconds)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("mixed", 3), "task_name is text"), (("mixed", "answer", None, "1"), "timeout_seconds is a number")],
    ids=["task_name", "timeout"],
)
def test_wrong_types_are_type_errors_whatever_check_says(mixed: IFChassis, arguments: Any, message: str) -> None:
    """A bug of the caller is not a task's outcome."""
    with pytest.raises(TypeError, match=message):
        mixed.execute_task(*arguments, check=False)


def test_an_unloaded_swarm_always_raises(mixed: IFChassis) -> None:
    """As a ValueError and a LookupError, with the message callers match on."""
    with pytest.raises(ValueError, match=r"^Swarm 'nobody' not loaded$") as caught:
        mixed.execute_task("nobody", "answer", check=False)
    assert isinstance(caught.value, LookupError)


@pytest.mark.parametrize(("pages", "answer"), [(1023, 1), (1024, -1)], ids=["to-the-limit", "beyond"])
def test_memory_grows_to_its_limit_and_not_beyond(chassis: IFChassis, pages: int, answer: int) -> None:
    """64 MiB are 1,024 pages, and one is there from the start."""
    chassis.load_swarm("grower", MIXED, contract("grower", resource_limits={"max_memory_mb": 64}))
    result = chassis.execute_task("grower", "grow", [pages])
    assert result.output == answer
    assert result.usage.peak_memory_bytes == (1024 if answer == 1 else 1) * 65536


def test_a_trap_with_memory_nearly_full_says_so(chassis: IFChassis) -> None:
    """An allocator that gave up looks like any other trap; the figures tell."""
    text = (
        '(module (memory (export "memory") 1) (func (export "fill") (drop (memory.grow (i32.const 900))) unreachable))'
    )
    chassis.load_swarm("full", wat(text), contract("full", resource_limits={"max_memory_mb": 64}))
    with pytest.raises(errors.TaskTrapped, match="its memory stood at 56 of 64 MiB: a refused grow is likely"):
        chassis.execute_task("full", "fill")


def test_fuel_is_counted_and_ends_a_task(chassis: IFChassis) -> None:
    """Only where the contract meters it."""
    chassis.load_swarm("metered", MIXED, contract("metered", resource_limits={"max_fuel": 100_000}))
    used = chassis.execute_task("metered", "answer").usage.fuel
    assert used is not None
    assert 0 < used < 100
    with pytest.raises(errors.FuelExhausted, match="used all its 100,000 fuel"):
        chassis.execute_task("metered", "spin")
    chassis.load_swarm("free", MIXED, contract("free"))
    assert chassis.execute_task("free", "answer").usage.fuel is None


def test_logs_come_with_the_result_of_their_own_task(mixed: IFChassis) -> None:
    """And are gone with the next."""
    result = mixed.execute_task("mixed", "say")
    assert [(record.level, record.text) for record in result.logs] == [("info", "hello")]
    assert (result.usage.log_records, result.usage.log_bytes, result.usage.host_calls) == (1, 5, 1)
    assert mixed.execute_task("mixed", "answer").logs == ()


def test_a_kept_instance_remembers_and_is_made_anew_after_a_failure(chassis: IFChassis) -> None:
    """State lives on between successes only."""
    text = """(module (global $n (mut i32) (i32.const 0))
      (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
      (func (export "fail") (global.set $n (i32.const 99)) unreachable))"""
    chassis.load_swarm("kept", wat(text), contract("kept", execution={"instance": "swarm"}))
    chassis.load_swarm("fresh", wat(text), contract("fresh"))
    assert [chassis.execute_task("kept", "next").output for _ in range(3)] == [1, 2, 3]
    assert chassis.execute_task("kept", "fail", check=False).status == "trap"
    assert chassis.execute_task("kept", "next").output == 1
    assert [chassis.execute_task("fresh", "next").output for _ in range(3)] == [1, 1, 1]


def test_the_rate_refuses_and_says_when_to_come_again(chassis: IFChassis) -> None:
    """A refused task consumes nothing and burns nothing; wait=True waits instead."""
    chassis.load_swarm("slow", ADDER, contract("slow", resource_limits={"max_api_calls_per_second": 2}))
    assert [chassis.execute_task("slow", "add", [1, 1]).output for _ in range(2)] == [2, 2]
    with pytest.raises(errors.RateLimitExceeded, match="has admitted its 2 tasks of this second") as caught:
        chassis.execute_task("slow", "add", [1, 1])
    assert 0 < caught.value.retry_after_seconds <= 1
    assert caught.value.result.blame is Blame.OPERATOR
    began = time.monotonic()
    waited = chassis.execute_task("slow", "add", [1, 1], wait=True)
    assert waited.output == 2
    assert time.monotonic() - began <= 1.5
    assert waited.usage.queue_seconds > 0
    stats = chassis.get_runtime_stats("slow")
    assert stats is not None
    assert stats["tasks_by_outcome"] == {"rate_limited": 1, "success": 3}
    snapshot = chassis.slo("slow")
    assert snapshot is not None
    assert snapshot.objective("availability").bad_events == 0


def test_callers_mistakes_consume_no_rate(chassis: IFChassis) -> None:
    """Nothing ran, so nothing was used."""
    chassis.load_swarm("slow", ADDER, contract("slow", resource_limits={"max_api_calls_per_second": 1}))
    for _ in range(3):
        assert chassis.execute_task("slow", "add", [1], check=False).status == "invalid_params"
        assert chassis.execute_task("slow", "nothing", check=False).status == "unknown_task"
    assert chassis.execute_task("slow", "add", [1, 1]).output == 2


def test_a_full_queue_is_busy_and_gives_its_rate_back(chassis: IFChassis) -> None:
    """One runs, one waits, the third is refused."""
    limits = {"max_queued_tasks": 1, "max_api_calls_per_second": 4}
    chassis.load_swarm("narrow", MIXED, contract("narrow", resource_limits=limits))
    first = chassis.submit_task("narrow", "spin", timeout_seconds=0.5, check=False)
    while chassis.swarm_runtimes["narrow"].gate.running == 0:
        time.sleep(0.001)
    second = chassis.submit_task("narrow", "answer")
    for _ in range(5):
        with pytest.raises(errors.SwarmBusy, match="runs 1 tasks and queues 1"):
            chassis.execute_task("narrow", "answer")
    assert first.result().status == "timeout"
    assert second.result().output == 42


def test_a_task_that_expires_in_the_queue_is_not_the_guests_fault(chassis: IFChassis) -> None:
    """It is busy, burns nothing, and gives its rate back."""
    chassis.load_swarm("narrow", MIXED, contract("narrow", resource_limits={"max_api_calls_per_second": 3}))
    first = chassis.submit_task("narrow", "spin", timeout_seconds=1, check=False)
    while chassis.swarm_runtimes["narrow"].gate.running == 0:
        time.sleep(0.001)
    for run in (chassis.execute_task, lambda *a, **k: chassis.submit_task(*a, **k).result()):
        expired = run("narrow", "answer", timeout_seconds=0.05, check=False)
        assert (expired.status, expired.blame) == ("busy", Blame.OPERATOR)
        assert expired.execution_time_seconds == 0
        assert expired.usage.queue_seconds >= 0.05
    first.cancel()
    first.exception()
    assert chassis.execute_task("narrow", "answer").output == 42
    assert chassis.execute_task("narrow", "answer").output == 42
    assert chassis.execute_task("narrow", "answer", check=False).status == "rate_limited"


def test_a_cancellation_just_before_a_task_is_in_line_is_not_lost(chassis: IFChassis) -> None:
    """Whoever cancels between the look for a slot and the place in line does not wait for the deadline."""

    class CancelsOnTheWay(Gate):
        __slots__ = ()

        def enqueue(self, waiter: Any) -> bool:
            for task in list(swarm.tasks):
                if task.waiter is waiter:
                    task.cancel()
            return super().enqueue(waiter)

    chassis.load_swarm("narrow", MIXED, contract("narrow"))
    swarm = chassis.swarm_runtimes["narrow"]
    swarm.gate = CancelsOnTheWay(1, 1)
    assert swarm.gate.try_enter()
    results: list[TaskResult] = []
    thread = threading.Thread(
        target=lambda: results.append(chassis.execute_task("narrow", "answer", timeout_seconds=10, check=False))
    )
    started = time.perf_counter()
    thread.start()
    thread.join()
    swarm.gate.leave()
    assert time.perf_counter() - started < 5
    assert [result.status for result in results] == ["cancelled"]
    assert (swarm.gate.running, swarm.gate.queued) == (0, 0)


def test_an_overspending_guest_is_slowed_and_the_next_task_waits(chassis: IFChassis) -> None:
    """Throttling counts toward the deadline, and is shown."""
    limits = {"max_cpu_percent": 20.0, "max_execution_time_seconds": 0.5}
    chassis.load_swarm("hungry", MIXED, contract("hungry", resource_limits=limits))
    result = chassis.execute_task("hungry", "spin", check=False)
    assert result.status == "timeout"
    assert result.usage.throttled_seconds > 0.2
    assert result.usage.cpu_seconds < 0.25
    assert "paused for" in str(result.error)
    assert "max_cpu_percent = 20" in str(result.error)


def test_observers_see_every_result_and_their_failures_change_nothing(cache_dir: Path) -> None:
    """Also those of refused tasks."""
    seen = RecordingObserver()

    def broken(_result: TaskResult) -> None:
        message = "observer"
        raise RuntimeError(message)

    with IFChassis(observers=[broken, seen], cache_dir=cache_dir) as observed:
        observed.load_swarm("mixed", MIXED, contract("mixed"))
        assert observed.execute_task("mixed", "answer").output == 42
        observed.execute_task("mixed", "nothing", check=False)
        observed.submit_task("mixed", "answer").result()
    assert [result.status for result in seen.results] == ["success", "unknown_task", "success"]


def test_swarms_on_many_threads_get_only_their_own_results_and_logs(chassis: IFChassis) -> None:
    """Eight threads of a thousand tasks each, while others load and unload."""
    text = """(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1)
      (data (i32.const 0) "{mark}") (func (export "mark") (param i32) (result i32)
        (call $log (i32.const 0) (i32.const 4)) (i32.add (local.get 0) (i32.const {mark}))))"""
    marks = range(1000, 1008)
    for mark in marks:
        limits = {"max_log_bytes_per_second": 10_000_000}
        chassis.load_swarm(
            f"s{mark}", wat(text.replace("{mark}", str(mark))), contract(f"s{mark}", resource_limits=limits)
        )
    wrong: list[Any] = []
    stop = threading.Event()

    def work(mark: int) -> None:
        for number in range(1000):
            result = chassis.execute_task(f"s{mark}", "mark", [number])
            texts = {record.text for record in result.logs}
            if result.output != number + mark or not texts <= {str(mark)} or result.usage.log_records > 1:
                wrong.append(result)

    def churn() -> None:
        while not stop.is_set():
            chassis.load_swarm("churn", ADDER, contract("churn"))
            chassis.execute_task("churn", "add", [1, 2])
            chassis.unload_swarm("churn")

    threads = [threading.Thread(target=work, args=(mark,)) for mark in marks]
    churner = threading.Thread(target=churn)
    for thread in (*threads, churner):
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    churner.join()
    assert wrong == []
    stats = chassis.get_runtime_stats("s1000")
    assert stats is not None
    assert stats["tasks_by_outcome"] == {"success": 1000}


def test_parameters_are_checked_against_the_contracts_schema(chassis: IFChassis) -> None:
    """Before the task, as the caller's mistake; the schema's order names a scalar task's parameters."""
    pytest.importorskip("jsonschema_rs")
    schema = {
        "type": "object",
        "properties": {"left": {"type": "integer", "minimum": 0}, "right": {"type": "integer"}},
        "required": ["left", "right"],
    }
    tasks = {"add": {"abi": "scalar", "params": schema}}
    chassis.load_swarm("adder", ADDER, contract("adder", tasks=tasks))
    assert chassis.execute_task("adder", "add", {"right": -3, "left": 5}).output == 2
    with pytest.raises(errors.TaskParamsError, match=r"do not fit tasks\.add\.params of the contract: .*left"):
        chassis.execute_task("adder", "add", {"left": -1, "right": 1})
    with pytest.raises(errors.TaskParamsError, match="do not fit"):
        chassis.execute_task("adder", "add", {"left": 1})


def test_a_command_runs_anew_each_time_also_where_instances_are_kept(chassis: IFChassis) -> None:
    """A program that has ended cannot be started again."""
    text = """(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (global $n (mut i32) (i32.const 0))
      (func (export "_start") (if (global.get $n) (then (call $exit (i32.const 9)))) (global.set $n (i32.const 1))))"""
    chassis.load_swarm("command", wat(text), contract("command", execution={"instance": "swarm"}))
    assert [chassis.execute_task("command", "_start").output for _ in range(3)] == ["", "", ""]
