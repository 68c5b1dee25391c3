"""A history that goes on under another contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.errors import Outcome
from infrafabric.telemetry.slo.objectives import ObjectiveTargets
from tests.telemetry.slo.world import World

if TYPE_CHECKING:
    from pathlib import Path

HOUR, DAY = 3_600, 86_400


@pytest.mark.parametrize("period", [HOUR, 7 * DAY, 31 * DAY, 90 * DAY])
def test_a_history_outlives_a_change_of_period(tmp_path: Path, period: int) -> None:
    """Under a contract with another period the events stay where they were, to the buckets of both."""
    world = World()
    for _ in range(30):
        world.record(times=9)
        world.record(Outcome.TRAP)
        world.pass_seconds(40)
    world.engine.save(tmp_path / "s")
    world.targets = ObjectiveTargets(period_seconds=period)
    world.start()
    world.engine.load(tmp_path / "s")
    for engine in (world.engine, _retargeted(tmp_path, period)):
        objective = engine.snapshot().objective("availability")
        assert (objective.good_events, objective.bad_events) == (270, 30)
        shortest = objective.burn_rates[0]
        batches = shortest.seconds / 40
        assert abs(shortest.bad_events - batches) <= 2
        assert engine.totals()["availability"] == (270, 30)
        world.pass_seconds(period + 60)


def _retargeted(tmp_path: Path, period: int) -> Any:
    other = World()
    other.engine.load(tmp_path / "s")
    other.step_wall_seconds(1_200)
    other.engine.retarget(ObjectiveTargets(period_seconds=period))
    return other.engine


def test_a_new_objective_starts_empty_and_an_old_one_stays() -> None:
    """A contract that adds latency and drops availability keeps what it can and invents nothing."""
    first = ObjectiveTargets(target_latency_ms=None, target_throughput_rps=None)
    world = World(first)
    world.record(times=10)
    world.engine.retarget(ObjectiveTargets(target_availability_percent=99))
    world.record(latency_ms=500)
    snapshot = world.snapshot()
    assert snapshot.objective("availability").good_events == 11
    assert (snapshot.objective("latency").good_events, snapshot.objective("latency").bad_events) == (0, 1)
    world.engine.retarget(ObjectiveTargets(target_availability_percent=None))
    assert [o.name for o in world.snapshot().objectives] == ["latency", "throughput"]
    assert world.snapshot().objective("latency").bad_events == 1
    assert world.engine.targets.target_availability_percent is None


def test_a_change_of_contract_keeps_the_states_of_its_alerts() -> None:
    """Going on under a new target announces only what is new."""
    world = World()
    world.record(Outcome.TRAP, times=50)
    world.engine.evaluate()
    world.changes.clear()
    world.engine.retarget(ObjectiveTargets(target_availability_percent=99.8))
    world.engine.evaluate()
    assert world.changes == []
