"""One time line through clock steps, sleep and restarts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from infrafabric.errors import Outcome
from infrafabric.telemetry.slo.objectives import ObjectiveTargets
from infrafabric.telemetry.slo.timeline import Timeline, machine_asleep_ns
from tests.telemetry.slo.world import EPOCH, NS, World

if TYPE_CHECKING:
    from pathlib import Path

HOUR, DAY = 3_600, 86_400


@pytest.mark.parametrize("step", [-400 * DAY, -1, 1, 400 * DAY])
def test_stepping_the_wall_clock_moves_no_event(step: int) -> None:
    """The wall clock names times; it neither empties a window nor refills it."""
    world = World()
    world.record(Outcome.TRAP)
    world.step_wall_seconds(step)
    world.record(Outcome.TRAP)
    world.pass_seconds(240)
    snapshot = world.snapshot()
    assert snapshot.objective("availability").burn_rates[0].bad_events == 2
    assert snapshot.taken_at == EPOCH + 240 + step
    assert snapshot.coverage.watched_seconds == 240


def test_sleep_passes_time_and_is_a_hole() -> None:
    """The monotonic clock stands still in sleep; the windows do not, and the hours are not covered."""
    world = World(ObjectiveTargets(period_seconds=DAY))
    world.pass_seconds(600)
    world.record(Outcome.TRAP)
    world.sleep_seconds(6 * HOUR)
    world.engine.evaluate()
    world.pass_seconds(600)
    snapshot = world.snapshot()
    assert snapshot.objective("availability").bad_events == 1
    assert all(burn.bad_events == 0 for burn in snapshot.objective("availability").burn_rates[:-1])
    coverage = snapshot.coverage
    assert (coverage.watched_seconds, coverage.holes, coverage.hole_seconds) == (1_200, 1, 6 * HOUR)
    assert coverage.ratio == 1_200 / DAY
    world.pass_seconds(DAY - 60)
    assert world.snapshot().coverage.ratio == 1
    assert world.snapshot().coverage.holes == 0


def test_short_sleeps_add_up_and_jitter_does_not() -> None:
    """Less than a second between two clocks is scheduling; naps of less are noticed together."""
    world = World()
    for _ in range(5):
        world.asleep_ns += 250_000_000
        world.engine.evaluate()
    assert world.snapshot().coverage.hole_seconds == 1
    world.asleep_ns -= 10 * NS
    assert world.snapshot().coverage.hole_seconds == 1


def test_a_monotonic_clock_that_goes_back_stands_still() -> None:
    """A broken clock cannot make the line go back."""
    line = Timeline(1_000, lambda: 1.0, lambda: 0)
    assert line.advance(5_000) == NS + 4_000
    assert line.advance(2_000) == NS + 4_000
    assert line.advance(6_000) == NS + 5_000


def test_holes_are_bounded_and_coverage_stays_a_lower_bound() -> None:
    """A process that restarts every minute keeps 256 holes; merged ones count as not watched."""
    line = Timeline(0, lambda: 0.0, lambda: 0)
    for number in range(1_000):
        line.add_hole(number * 60 * NS, (number * 60 + 10) * NS)
    line.add_hole(5, 5)
    line.last_ns = 60_000 * NS
    assert len(line.holes) == 256
    assert 0 <= line.watched_ns(0) <= 50_000 * NS
    assert line.holes[-1] == (59_940 * NS, 59_950 * NS)
    line.forget(59_945 * NS)
    assert len(line.holes) == 1


@pytest.mark.parametrize(
    ("wall_step", "hole"), [pytest.param(0, 120, id="true"), pytest.param(-HOUR, 0, id="behind: cannot be right")]
)
def test_a_restart_reports_its_downtime_as_a_hole(tmp_path: Path, wall_step: int, hole: int) -> None:
    """Between save and load nobody watched: the wall clock says for how long, unless it is behind the save."""
    world = World()
    world.pass_seconds(600)
    world.record(Outcome.TRAP)
    world.engine.save(tmp_path / "s")
    world.pass_seconds(120)
    world.step_wall_seconds(wall_step)
    world.mono_ns = 0
    world.start()
    world.engine.load(tmp_path / "s")
    world.pass_seconds(60)
    coverage = world.snapshot().coverage
    assert (coverage.watched_seconds, coverage.hole_seconds, coverage.holes) == (660, hole, int(hole > 0))
    assert world.snapshot().objective("availability").bad_events == 1


def test_coverage_begins_with_the_engine() -> None:
    """Before an engine exists nothing is known: a day of thirty is a thirtieth."""
    world = World()
    assert world.snapshot().coverage.ratio == 0
    world.pass_seconds(DAY)
    assert world.snapshot().coverage.ratio == pytest.approx(1 / 30)
    world.pass_seconds(60 * DAY)
    assert world.snapshot().coverage.ratio == 1


def test_the_machine_tells_how_long_it_slept() -> None:
    """Two readings right after one another differ by no more than scheduling."""
    before = machine_asleep_ns()
    assert before >= -NS
    assert abs(machine_asleep_ns() - before) < NS


def test_without_a_boot_clock_sleep_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that does not tell is one that never sleeps."""
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    assert machine_asleep_ns() == 0
