"""The board of a live chassis: every number is the chassis's own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from infrafabric.board import board_of, overview_of, page_of, to_text
from infrafabric.chassis import IFChassis
from infrafabric.contract import ResourceLimits
from infrafabric.engine import SCRIBE
from infrafabric.telemetry import explain
from infrafabric.testing import ADDER, contract, wat

if TYPE_CHECKING:
    from pathlib import Path

    from infrafabric.board import LimitUse, SwarmPage

#: ``run(1)`` traps, ``run(0)`` answers, ``spin`` does not end, ``say`` logs 1,000 bytes, ``grow`` uses 3 MiB.
GUEST = wat(
    '(module (import "env" "log" (func $log (param i32 i32 i32))) (memory (export "memory") 1)'
    '(func (export "run") (param $how i32) (result i32) (if (local.get $how) (then unreachable)) i32.const 7)'
    '(func (export "spin") (loop (br 0)))'
    '(func (export "say") (call $log (i32.const 4) (i32.const 0) (i32.const 1000)))'
    '(func (export "grow") (drop (memory.grow (i32.const 47))))'
    '(data (i32.const 0) "\\1b[31mred"))'
)


def page(chassis: IFChassis, swarm_id: str = "guest") -> SwarmPage:
    """The page of a swarm that is loaded."""
    found = page_of(chassis, swarm_id)
    assert found is not None
    return found


def use(chassis: IFChassis, name: str) -> LimitUse:
    """What is used of one limit."""
    return next(use for use in page(chassis).limits if use.name == name)


def load(chassis: IFChassis, **fields: Any) -> None:
    """Load the guest."""
    chassis.load_swarm("guest", GUEST, contract("guest", **fields))


# --- the overview ----------------------------------------------------------------------------------------


def test_an_empty_chassis_has_an_empty_overview(chassis: IFChassis) -> None:
    """No swarm, no rows; it still says what runs."""
    overview = overview_of(chassis)
    assert (overview.swarms, overview.rows, overview.tasks_per_second) == (0, (), 0.0)
    assert overview.started_at <= overview.taken_at <= time.time()
    assert "infrafabric" in overview.program
    assert page_of(chassis, "guest") is None


def test_the_worst_comes_first(chassis: IFChassis) -> None:
    """A swarm that burns its budget stands above one that does well, and that above one that never ran."""
    for swarm_id in ("a-idle", "b-fine", "c-failing"):
        chassis.load_swarm(swarm_id, GUEST, contract(swarm_id))
    for _ in range(30):
        chassis.execute_task("b-fine", "run", [0])
        chassis.execute_task("c-failing", "run", [1], check=False)
    overview = overview_of(chassis)
    assert overview.swarms == 3
    assert len(overview.rows) == 9
    first, *rest = overview.rows
    assert (first.swarm_id, first.objective, first.state) == ("c-failing", "availability", "exhausted")
    assert "no error budget left" in first.sentence
    assert "used up" in first.sentence
    quiet = [row for row in rest if row.state == "inactive"]
    assert [(row.swarm_id, row.objective) for row in quiet] == [("b-fine", "availability"), ("b-fine", "latency")]
    assert rest[: len(quiet)] == quiet
    assert overview.tasks_per_second == pytest.approx(60, rel=0.5)
    assert first.tasks_per_second == first.activity[-1] > 0
    assert len(first.activity) == 60


def test_rows_say_what_the_snapshot_says(chassis: IFChassis) -> None:
    """Each number is that of `IFChassis.slo`, of the swarm or of the task with objectives of its own."""
    load(chassis, tasks={"run": {"slos": {"target_latency_ms": 5}}})
    for how in (0, 0, 0, 1):
        chassis.execute_task("guest", "run", [how], check=False)
    rows = {(row.task, row.objective): row for row in overview_of(chassis).rows}
    for task_name in (None, "run"):
        snapshot = chassis.slo("guest", task_name)
        assert snapshot is not None
        for objective in snapshot.objectives:
            row = rows.pop((task_name, objective.name))
            if objective.name == "throughput":
                continue  # a slice of it may have closed since
            assert (row.state, row.sli, row.target) == (objective.state.value, objective.sli, objective.target)
            assert row.budget_remaining_ratio == objective.budget.remaining_ratio
            assert row.p99_seconds == snapshot.percentiles.p99_seconds
            assert row.sentence == explain(snapshot, f"{objective.name}.state").sentence
    assert rows == {}


@pytest.mark.timing
def test_a_thousand_swarms_are_listed_quickly(cache_dir: Path) -> None:
    """An overview costs tens of microseconds for each swarm that never ran, and about a hundred for others."""
    with IFChassis(cache_dir=cache_dir, witness_enabled=False) as chassis:
        for number in range(1_000):
            chassis.load_swarm(f"s{number}", ADDER, contract(f"s{number}"))
        assert best_seconds(chassis) < 0.1
        for number in range(1_000):
            chassis.execute_task(f"s{number}", "add", [1, 2])
        assert best_seconds(chassis) < 0.25


def best_seconds(chassis: IFChassis) -> float:
    """How much processor time an overview takes at best."""
    times = []
    for _ in range(5):
        began = time.thread_time()
        overview_of(chassis)
        times.append(time.thread_time() - began)
    return min(times)


# --- the page --------------------------------------------------------------------------------------------


def test_a_page_says_what_the_chassis_says(chassis: IFChassis) -> None:
    """Counts, usage, objectives and contract are those of the chassis's own answers."""
    load(chassis, description="it runs", version="1.2.0", capabilities=["testing:unit"])
    for how in (0, 0, 1):
        chassis.execute_task("guest", "run", [how], check=False)
    chassis.execute_task("guest", "spin", timeout_seconds=0.01, check=False)
    chassis.execute_task("guest", "nothing", check=False)
    found, stats, snapshot = page(chassis), chassis.get_runtime_stats("guest"), chassis.slo("guest")
    terms = chassis.get_swarm_contract("guest")
    assert stats is not None
    assert snapshot is not None
    assert terms is not None
    assert found.outcomes == stats["tasks_by_outcome"] == {"success": 2, "timeout": 1, "trap": 1, "unknown_task": 1}
    assert found.blames == {"caller": 2, "guest": 1}
    assert (found.version, found.description, found.capabilities) == ("1.2.0", "it runs", ("testing:unit",))
    assert (found.digest, found.module_sha256) == (terms.digest, stats["module_sha256"])
    assert found.contract_text == terms.to_yaml()
    assert found.contract["resource_limits"] == dict(terms.resource_limits)
    assert found.p99_seconds == snapshot.percentiles.p99_seconds
    assert sum(one.tasks for one in found.latency) == 2
    assert found.uptime_seconds == pytest.approx(stats["uptime_seconds"], abs=1)
    for shown, objective in zip(found.objectives, snapshot.objectives, strict=True):
        plain = snapshot.to_dict()["objectives"][objective.name]
        assert shown.numbers["good_events"] == plain["good_events"]
        assert shown.numbers["budget"] == plain["budget"]
        assert set(shown.numbers) == set(plain)
        assert set(shown.sentences) == {"state", "sli", "budget", "burn_rate", "exhaustion"}
        assert set(shown.alerts) == {alert.name for alert in objective.alerts}
        assert all(one.threshold == alert.factor for one, alert in zip(shown.burn, objective.alerts, strict=True))


def test_alerts_are_explained_in_words(chassis: IFChassis) -> None:
    """The reason for a state is the state's meaning and both burn rates, above or not above the factor."""
    load(chassis)
    for _ in range(20):
        chassis.execute_task("guest", "run", [1], check=False)
    reason = page(chassis).objectives[0].alerts["page_1h"]
    assert reason.startswith("page_1h burns too fast, over a long window and over the short one. Over the last 1h")
    assert reason.count("above the factor of 14.4") == 2


def test_tasks_are_told_as_they_are_called(chassis: IFChassis) -> None:
    """Exports with their parameters' names, and the conventions that fit; one, where the contract says which."""
    load(chassis, tasks={"run": {"abi": "scalar"}})
    tasks = {task.name: task for task in page(chassis).tasks}
    assert set(tasks) == {"run", "spin", "say", "grow"}
    assert tasks["run"].signature == "(how: i32) -> i32"
    assert tasks["run"].calling_conventions == ("scalar",)
    assert tasks["spin"].signature == "() -> nothing"


def test_a_module_of_many_exports_does_not_flood_the_page(chassis: IFChassis) -> None:
    """Five hundred tasks are shown; those of the contract are among them wherever the module has them."""
    exports = "".join(f'(export "t{number}" (func 0))' for number in range(3_000))
    terms = contract("many", tasks={"t2999": {"abi": "scalar"}})
    chassis.load_swarm("many", wat(f"(module (func) {exports})"), terms)
    names = [task.name for task in page(chassis, "many").tasks]
    assert names == ["t2999", *(f"t{number}" for number in range(499))]


def test_looking_disturbs_nobody(chassis: IFChassis) -> None:
    """Swarms come, run, are replaced and go while others look, and every board is whole."""
    load(chassis)
    stop, failures = threading.Event(), []

    def churn() -> None:
        while not stop.is_set():
            chassis.execute_task("guest", "run", [1], check=False)
            chassis.execute_task("guest", "say")
            chassis.replace_swarm("guest", GUEST, contract("guest"))
            chassis.load_swarm("other", ADDER, contract("other"))
            chassis.unload_swarm("other")

    def look() -> None:
        try:
            for _ in range(20):
                board = board_of(chassis)
                assert {row.swarm_id for row in board.overview.rows} == set(board.pages)
        except Exception as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    churning = threading.Thread(target=churn)
    looking = [threading.Thread(target=look) for _ in range(2)]
    for thread in (churning, *looking):
        thread.start()
    for thread in looking:
        thread.join()
    stop.set()
    churning.join()
    assert failures == []


def test_a_shut_off_swarm_says_why(chassis: IFChassis) -> None:
    """What the budget policy does, and its reason; a refusal it causes is among the failures."""
    load(chassis, enforcement={"on_consecutive_failures": 2, "retry_after_seconds": 60})
    assert (page(chassis).enforcement, page(chassis).enforcement_reason) == ("closed", "")
    for _ in range(3):
        chassis.execute_task("guest", "run", [1], check=False)
    found = page(chassis)
    assert found.enforcement == "quarantined"
    assert "2 failures in a row" in found.enforcement_reason
    assert [line.outcome for line in found.failures] == ["quarantined", "trap", "trap"]
    assert {row.enforcement for row in overview_of(chassis).rows} == {"quarantined"}


def test_failures_and_logs_are_newest_first(chassis: IFChassis) -> None:
    """What a guest said is escaped, with its level; what it failed of has a message and its blame."""
    load(chassis)
    chassis.execute_task("guest", "say")
    chassis.execute_task("guest", "run", [1], check=False)
    chassis.execute_task("guest", "nothing", check=False)
    SCRIBE.flush()
    found = page(chassis)
    assert [(line.task, line.outcome, line.blame) for line in found.failures] == [
        ("nothing", "unknown_task", "caller"),
        ("run", "trap", "guest"),
    ]
    assert [(line.level, line.text[:11]) for line in found.logs] == [("error", "\\x1b[31mred")]


# --- limits ----------------------------------------------------------------------------------------------


def test_every_limit_of_a_contract_has_its_line(chassis: IFChassis) -> None:
    """In the contract's order, each with its bound in the stated unit: a new limit cannot be forgotten."""
    load(chassis)
    limits = ResourceLimits()
    lines = page(chassis).limits
    assert [line.name for line in lines] == [field.name for field in attrs.fields(ResourceLimits)] == list(dict(limits))
    assert {line.unit for line in lines} <= {"By", "s", "%", "tasks/s", "By/s", "tasks", "instructions"}
    assert {line.name for line in lines if line.limit is None} == {"max_fuel"}
    for line in lines:
        assert (line.ratio is None) == (line.used is None or line.limit is None)


def test_use_is_what_was_used(chassis: IFChassis) -> None:
    """Peaks and sizes against their bounds."""
    load(chassis, resource_limits={"max_memory_mb": 4, "max_log_bytes_per_second": 1_100})
    assert use(chassis, "max_memory_mb").used is None
    chassis.execute_task("guest", "grow")
    chassis.execute_task("guest", "say")
    assert use(chassis, "max_memory_mb").ratio == 0.75
    assert use(chassis, "max_module_mb").used == len(GUEST)
    assert 0 < (use(chassis, "max_log_bytes_per_second").ratio or 0) <= 1
    longest = use(chassis, "max_execution_time_seconds").used
    assert longest is not None
    assert 0 < longest < 5
    assert 0 <= (use(chassis, "max_cpu_percent").used or -1) < 200


@pytest.mark.parametrize(
    ("limit", "fields", "hit"),
    [
        pytest.param("max_api_calls_per_second", {"max_api_calls_per_second": 1}, ["run", [0]], id="rate"),
        pytest.param("max_execution_time_seconds", {"max_execution_time_seconds": 0.05}, ["spin"], id="time"),
        pytest.param("max_fuel", {"max_fuel": 1_000}, ["spin"], id="fuel"),
        pytest.param("max_log_bytes_per_second", {"max_log_bytes_per_second": 1_100}, ["say"], id="log"),
        pytest.param("max_cpu_percent", {"max_cpu_percent": 5, "max_execution_time_seconds": 0.3}, ["spin"], id="cpu"),
    ],
)
def test_a_limit_that_was_hit_counts_it(chassis: IFChassis, limit: str, fields: dict[str, Any], hit: list[Any]) -> None:
    """Before anything was too much nothing is counted, afterwards something is."""
    load(chassis, resource_limits=fields)
    assert use(chassis, limit).hits == 0
    for _ in range(3):
        chassis.execute_task("guest", *hit, check=False)
    assert use(chassis, limit).hits in {1, 2, 3}


def test_what_waits_and_runs_is_shown(chassis: IFChassis) -> None:
    """Slots and the queue as they are now; a task for which there is no place is a hit of the queue."""
    load(chassis, resource_limits={"max_queued_tasks": 1})
    running = chassis.submit_task("guest", "spin", check=False)
    waiting = chassis.submit_task("guest", "spin", check=False)
    until = time.monotonic() + 5
    while (page(chassis).running, page(chassis).queued) != (1, 1) and time.monotonic() < until:
        threading.Event().wait(0.005)
    assert chassis.execute_task("guest", "run", [0], check=False).status == "busy"
    lines = {name: use(chassis, name) for name in ("max_concurrent_tasks", "max_queued_tasks")}
    assert [(line.used, line.ratio) for line in lines.values()] == [(1, 1), (1, 1)]
    assert lines["max_queued_tasks"].hits == 1
    waiting.cancel()
    running.cancel()


# --- what survives ---------------------------------------------------------------------------------------


def test_history_survives_a_restart(cache_dir: Path, tmp_path: Path) -> None:
    """With a state folder, budget and activity of the next chassis are those of the one before."""
    pages = []
    for run in range(2):
        with IFChassis(cache_dir=cache_dir, state_dir=tmp_path / "state") as chassis:
            load(chassis)
            if run == 0:
                for number in range(200):
                    chassis.execute_task("guest", "run", [int(number % 100 == 0)], check=False)
            pages.append(page(chassis))
    before, after = pages
    assert after.outcomes == {}
    assert after.latency == before.latency
    for old, new in zip(before.objectives[:2], after.objectives[:2], strict=True):
        assert new.numbers["good_events"] == old.numbers["good_events"] > 0
        assert new.numbers["bad_events"] == old.numbers["bad_events"]
        assert new.budget[-1].value == old.budget[-1].value
    ran = [sum(point.value or 0 for point in one.activity) for one in pages]
    assert ran[0] > 0
    assert ran[1] > 0


def test_a_board_holds_every_page(chassis: IFChassis) -> None:
    """The overview and the page of each swarm, as JSON of a size that its swarms explain."""
    load(chassis)
    chassis.load_swarm("adder", ADDER, contract("adder"))
    board = board_of(chassis)
    assert list(board.pages) == ["guest", "adder"]
    assert {row.swarm_id for row in board.overview.rows} == set(board.pages)
    assert len(to_text(board)) < 100_000
