"""Every instrument of a running chassis, by its numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics.export import Gauge, Histogram, Sum

from infrafabric.chassis import IFChassis
from infrafabric.errors import ModuleError
from infrafabric.telemetry.otel import series
from infrafabric.telemetry.otel.instruments import INSTRUMENTS, SECONDS
from infrafabric.testing import ADDER, contract, wat

if TYPE_CHECKING:
    from pathlib import Path

    from tests.telemetry.otel.conftest import Sdk

#: ``run(1)`` traps, ``run(0)`` answers; one page of memory, which may grow.
SWITCH = wat(
    '(module (memory (export "memory") 1 4) (func (export "run") (param i32) (result i32) '
    "(if (local.get 0) (then unreachable)) i32.const 7))"
)
SWARM, TASK = ("infrafabric.swarm.id", "s"), ("infrafabric.task.name", "run")


@pytest.fixture
def busy(chassis: IFChassis, sdk: Sdk) -> Sdk:
    """A swarm that answered three tasks, failed one, and turned two away."""
    chassis.load_swarm("s", SWITCH, contract("s", tasks={"run": {"slos": {"target_latency_ms": 60_000}}}))
    for value in (0, 1, 0, 0):
        chassis.execute_task("s", "run", [value], check=False)
    for name in ("nothing", "run"):
        chassis.execute_task("s", name, [1 << 40], check=False)
    return sdk


def test_durations_by_task_and_error(busy: Sdk) -> None:
    """One histogram; what never ran is not in it."""
    found = busy.points("infrafabric.task.duration")
    assert {key: point.count for key, point in found.items()} == {
        (SWARM, TASK): 3,
        (("error.type", "trap"), SWARM, TASK): 1,
    }
    assert 0 < found[(SWARM, TASK)].sum < 1


def test_what_was_turned_away_by_its_reason(busy: Sdk) -> None:
    """Each reason is a series."""
    assert busy.points("infrafabric.task.refused") == {
        (("infrafabric.refusal.reason", "invalid_params"), SWARM): 1,
        (("infrafabric.refusal.reason", "unknown_task"), SWARM): 1,
    }


def test_usage_beside_its_limit(busy: Sdk) -> None:
    """Bytes of one instance, seconds of CPU, tasks, dropped records."""
    assert busy.points("infrafabric.swarm.memory.usage") == {(SWARM,): 65_536}
    assert busy.points("infrafabric.swarm.memory.limit") == {(SWARM,): 256 << 20}
    assert busy.points("infrafabric.task.active") == {(SWARM,): 0}
    assert busy.points("infrafabric.swarm.log.dropped") == {(SWARM,): 0}
    assert 0 < busy.points("infrafabric.swarm.cpu.time")[(SWARM,)] < 1


def test_objectives_are_those_of_the_slo_engine(busy: Sdk, chassis: IFChassis) -> None:
    """Events, objective, SLI, burn rates, budget and states are the snapshot's numbers, a task's own beside them."""
    for task, about in ((None, (SWARM,)), ("run", (SWARM, TASK))):
        snapshot = chassis.slo("s", task)
        assert snapshot is not None
        for objective in snapshot.objectives:
            name = ("infrafabric.slo.objective", objective.name)
            key = tuple(sorted((*about, name)))
            assert busy.points("infrafabric.slo.objective")[key] == objective.objective_ratio
            assert busy.points("infrafabric.slo.sli").get(key) == objective.sli
            assert busy.points("infrafabric.slo.error_budget.remaining")[key] == objective.budget.remaining_ratio
            events = busy.points("infrafabric.slo.events")
            for result, count in (("good", objective.good_events), ("bad", objective.bad_events)):
                assert events[tuple(sorted((*key, ("infrafabric.slo.result", result))))] == count
            rates = busy.points("infrafabric.slo.burn_rate")
            for burn in objective.burn_rates:
                assert rates[tuple(sorted((*key, ("infrafabric.slo.window", burn.name))))] == burn.burn_rate
            states = busy.points("infrafabric.slo.alert.state")
            assert states[tuple(sorted((*key, ("infrafabric.slo.state", objective.state.value))))] == 1
            for tier in objective.alerts:
                labels = {"alert": tier.name, "severity": tier.severity, "state": tier.state.value}
                marks = (*key, *((f"infrafabric.slo.{label}", value) for label, value in labels.items()))
                assert states[tuple(sorted(marks))] == 1
    availability = chassis.slo("s").objective("availability")  # type: ignore[union-attr]
    assert (availability.good_events, availability.bad_events) == (3, 1)


def test_an_alert_is_shown_in_one_state_at_a_time(chassis: IFChassis, sdk: Sdk) -> None:
    """The series of the state before is gone from the next collection."""
    chassis.load_swarm("s", SWITCH, contract("s"))
    about = {"slo.objective": "availability"}

    def states() -> list[str]:
        points = sdk.points("infrafabric.slo.alert.state")
        marks = [dict(key) for key in points if ("infrafabric.slo.objective", about["slo.objective"]) in key]
        return [mark["infrafabric.slo.state"] for mark in marks if "infrafabric.slo.alert" not in mark]

    assert states() == ["no_data"]
    for _ in range(12):
        chassis.execute_task("s", "run", [1], check=False)
    assert states() == ["exhausted"]


def test_loads_by_what_came_of_them(cache_dir: Path, sdk: Sdk, tmp_path: Path) -> None:
    """Loading, replacing and reading a contract each have a duration, well or with the error's code."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("swarm: s\n")
    with IFChassis(cache_dir=cache_dir) as chassis:
        chassis.load_swarm("s", ADDER, contract("s"))
        chassis.replace_swarm("s", ADDER, contract("s"))
        with pytest.raises(ModuleError):
            chassis.load_swarm("t", b"\0asm\1\0\0\0\xff", contract("t"))
        with pytest.raises(ValueError, match="unknown key"):
            chassis.load_contract(broken)
        counts = {
            tuple(value for _, value in key): point.count
            for key, point in sdk.points("infrafabric.load.duration").items()
        }
    assert counts == {
        ("load", "success"): 1,
        ("replace", "success"): 1,
        ("invalid_module", "load", "invalid_module"): 1,
        ("contract_invalid", "validate", "contract_invalid"): 1,
    }


def test_latency_targets_are_bounds(chassis: IFChassis, sdk: Sdk) -> None:
    """Those of all swarms and tasks loaded at the first task, so that the share within them can be read off."""
    own = {"run": {"slos": {"target_latency_ms": 60}}}
    chassis.load_swarm("s", SWITCH, contract("s", slos={"target_latency_ms": 20_000}, tasks=own))
    chassis.load_swarm("other", SWITCH, contract("other"))
    chassis.execute_task("s", "run", [0])
    chassis.load_swarm("late", SWITCH, contract("late", slos={"target_latency_ms": 70}))
    chassis.execute_task("late", "run", [0])
    found = sdk.points("infrafabric.task.duration")
    assert len(found) == 2
    for point in found.values():
        assert point.explicit_bounds == tuple(sorted((*SECONDS, 0.06, 20.0)))
        assert point.count == 1


def test_counts_do_not_fall_when_a_swarm_is_replaced_or_loaded_again(chassis: IFChassis, sdk: Sdk) -> None:
    """Refusals, CPU time and events go on; an unloaded swarm is not shown."""
    seen: list[tuple[int, float, int]] = []

    def look() -> None:
        refused = sdk.one("infrafabric.task.refused", id="s", reason="unknown_task")
        cpu = sdk.one("infrafabric.swarm.cpu.time", id="s")
        seen.append((refused, cpu, sdk.one("infrafabric.slo.events", id="s", objective="availability", result="good")))

    for change in (chassis.load_swarm, chassis.replace_swarm, chassis.replace_swarm):
        change("s", SWITCH, contract("s"))
        chassis.execute_task("s", "run", [0])
        chassis.execute_task("s", "nothing", check=False)
        look()
    chassis.unload_swarm("s")
    assert sdk.points("infrafabric.task.active") == {}
    chassis.load_swarm("s", SWITCH, contract("s"))
    look()
    assert [row[0] for row in seen] == [1, 2, 3, 3]
    assert [row[2] for row in seen] == [1, 2, 3, 3]
    assert all(later[1] >= earlier[1] > 0 for earlier, later in pairwise(seen))


def test_every_instrument_is_as_the_table_says(busy: Sdk) -> None:
    """Name, kind, unit, description and no other attributes; and there is nothing that the table lacks."""
    kinds: dict[type[Any], str] = {Histogram: "histogram", Gauge: "gauge"}
    data = busy.reader.get_metrics_data()
    assert data is not None
    found: dict[str, tuple[str | None, str | None, str | None, set[str]]] = {}
    for scope in data.resource_metrics[0].scope_metrics:
        for metric in scope.metrics:
            kind = kinds.get(type(metric.data))
            if isinstance(metric.data, Sum):
                kind = "counter" if metric.data.is_monotonic else "updowncounter"
            used = {key for point in metric.data.data_points for key in point.attributes or {}}
            _, _, _, before = found.get(metric.name, ("", "", "", set()))
            found[metric.name] = (kind, metric.unit, metric.description, used | before)
    assert {name: row[:3] for name, row in found.items()} == {
        one.name: (one.kind, one.unit, one.meaning) for one in INSTRUMENTS
    }
    for one in INSTRUMENTS:
        assert found[one.name][3] <= set(one.attributes)


def test_the_number_of_series_is_bounded() -> None:
    """New swarms and tasks share one name once there are so many; known ones keep theirs."""
    book = series.SeriesBook(most=3)
    first = [book.series("s", task, "1.0").of_span["infrafabric.task.name"] for task in ("a", "b", None, "c", "a")]
    assert first == ["a", "b", "_OTHER", "_OTHER", "a"]
    late = book.series("t", "a", "1.0")
    assert late.ended("trap") == {
        "infrafabric.swarm.id": "_OTHER",
        "infrafabric.task.name": "_OTHER",
        "error.type": "trap",
    }


def test_two_chassis_in_one_process_show_their_swarms_side_by_side(cache_dir: Path, sdk: Sdk) -> None:
    """Instruments are the process's; a closed chassis is shown no more."""
    with IFChassis(cache_dir=cache_dir) as one:
        one.load_swarm("a", ADDER, contract("a"))
        with IFChassis(cache_dir=cache_dir) as other:
            other.load_swarm("b", ADDER, contract("b"))
            other.execute_task("b", "add", [1, 2])
            assert sorted(key[0][1] for key in sdk.points("infrafabric.task.active")) == ["a", "b"]
        assert [key[0][1] for key in sdk.points("infrafabric.task.active")] == ["a"]
