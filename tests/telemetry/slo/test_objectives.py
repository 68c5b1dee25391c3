"""Targets as exact integers."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.telemetry.slo.objectives import ObjectiveTargets


@pytest.mark.parametrize(
    ("percent", "budget"),
    [
        (99.9, (1, 1000)),
        (99.95, (1, 2000)),
        (95, (1, 20)),
        (99.999, (1, 100_000)),
        (93.06, (347, 5000)),
        (0.1, (999, 1000)),
    ],
)
def test_a_budget_is_the_exact_decimal(percent: float, budget: tuple[int, int]) -> None:
    """99.9 % leaves exactly one in a thousand, not what is left in binary."""
    availability = ObjectiveTargets(target_availability_percent=percent).objectives()[0]
    assert availability.budget == budget
    assert availability.objective_ratio == float(Decimal(str(percent)) / 100)


@pytest.mark.parametrize(
    ("milliseconds", "nanoseconds"), [(100, 100_000_000), (0.1, 100_000), (0.0000019, 1), (1.005, 1_005_000)]
)
def test_a_latency_target_is_whole_nanoseconds(milliseconds: float, nanoseconds: int) -> None:
    """A latency target is compared in integers, rounded down."""
    assert ObjectiveTargets(target_latency_ms=milliseconds).latency_target_ns == nanoseconds


@pytest.mark.parametrize(("rps", "tasks"), [(10, (100, 1)), (0.1, (1, 1)), (0.25, (5, 2)), (1 / 3, None)])
def test_a_slice_target_is_ten_seconds_of_the_rate(rps: float, tasks: tuple[int, int] | None) -> None:
    """A slice has to serve ten seconds' worth, exactly."""
    numerator, denominator = ObjectiveTargets(target_throughput_rps=rps).slice_target
    assert (numerator, denominator) == (tasks or Decimal(str(rps * 10)).as_integer_ratio())


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("target_availability_percent", [0.001, 50, 99.9999, None], [0, 100, -1, math.nan, math.inf, True, "99"]),
        ("latency_objective_percent", [0.001, 99.99], [0, 100, None, math.nan]),
        ("throughput_objective_percent", [0.001, 99.99], [0, 100, None]),
        ("target_latency_ms", [0.001, 86_400_000, None], [0, -5, math.inf, "10", 1e12]),
        ("target_throughput_rps", [0.001, 100_000, None], [0, -5, math.nan, 1e12]),
        ("period_seconds", [3_600, 7_776_000], [3_599, 7_776_001, 3_600.0, "1h", True, None]),
    ],
)
def test_a_target_out_of_range_is_named(field: str, good: list[Any], bad: list[Any]) -> None:
    """Each field takes what is just inside its range and refuses what is just outside, by name and number."""
    for value in good:
        assert getattr(ObjectiveTargets(**{field: value}), field) == value
    for value in bad:
        with pytest.raises(ValueError, match=f"^{field} is .*; expected"):
            ObjectiveTargets(**{field: value})


def test_targets_of_none_leave_objectives_out() -> None:
    """An objective without a target is not measured; without any there is nothing to do."""
    only = ObjectiveTargets(target_availability_percent=None, target_throughput_rps=None)
    assert [objective.name for objective in only.objectives()] == ["latency"]
    assert [objective.name for objective in ObjectiveTargets().objectives()] == [
        "availability",
        "latency",
        "throughput",
    ]
    with pytest.raises(ValueError, match="every target is None"):
        ObjectiveTargets(target_availability_percent=None, target_latency_ms=None, target_throughput_rps=None)


@given(st.floats(0.0001, 99.9999))
def test_a_budget_and_its_objective_make_a_whole(percent: float) -> None:
    """Budget and objective add up to one, whatever the percentage."""
    availability = ObjectiveTargets(target_availability_percent=percent).objectives()[0]
    assert 0 < availability.budget[0] < availability.budget[1]
    assert math.isclose(availability.budget_ratio + availability.objective_ratio, 1)
