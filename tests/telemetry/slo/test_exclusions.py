"""Maintenance that does not burn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infrafabric.errors import Outcome
from infrafabric.telemetry.slo.exclusions import EXCLUSIONS_MAX, ExclusionBook
from infrafabric.telemetry.slo.objectives import ObjectiveTargets
from tests.telemetry.slo.world import EPOCH, World

if TYPE_CHECKING:
    from pathlib import Path

    from infrafabric.telemetry.slo.snapshot import ObjectiveSnapshot

HOUR, DAY = 3_600, 86_400
WHO = {"reason": "database move", "author": "ada"}


def availability(world: World) -> ObjectiveSnapshot:
    """The availability objective now."""
    return world.snapshot().objective("availability")


def traffic(world: World, seconds: int, bad: int = 0) -> None:
    """One success, and ``bad`` failures, in every second."""
    for _ in range(seconds):
        world.pass_seconds(1)
        world.record()
        world.record(Outcome.TRAP, times=bad)


def test_an_open_exclusion_shows_raw_and_adjusted_side_by_side() -> None:
    """What fails from start to end is counted, shown as raw, and burns nothing; no alert fires on it."""
    world = World()
    traffic(world, 60)
    number = world.engine.exclude(None, None, **WHO)
    traffic(world, 60, bad=3)
    world.engine.end_exclusion(number)
    traffic(world, 60)
    objective = availability(world)
    assert (objective.good_events, objective.bad_events) == (120, 0)
    assert (objective.raw.good_events, objective.raw.bad_events) == (180, 180)
    assert (objective.budget.remaining_ratio, objective.raw.sli) == (1.0, 0.5)
    assert {alert.state.value for alert in objective.alerts} == {"inactive"}
    assert (objective.burn_rates[0].burn_rate, objective.burn_rates[0].raw_burn_rate) == (0, 500)
    assert world.snapshot().to_dict()["failures"]["trap"] == 180, "endings are counted as they came"
    (listed,) = world.snapshot().exclusions
    assert (listed.reason, listed.author, listed.state) == ("database move", "ada", "ended")
    assert (listed.start, listed.end) == (EPOCH + 60, EPOCH + 120)


def test_what_is_past_is_excluded_outward_to_whole_buckets() -> None:
    """An exclusion declared afterwards covers the buckets that hold its ends: ten seconds within the last hour."""
    world = World()
    world.pass_seconds(7)  # a bucket begins
    for second in range(60):
        world.record(Outcome.TRAP if 25 <= second < 35 else Outcome.SUCCESS)
        world.pass_seconds(1)
    begin = EPOCH + 7
    world.engine.exclude(begin + 25, begin + 35, **WHO)
    assert (availability(world).good_events, availability(world).bad_events) == (40, 0)
    world.engine.withdraw_exclusion(1)
    assert (availability(world).good_events, availability(world).bad_events) == (50, 10)


def test_an_exclusion_stays_exact_when_its_buckets_grow_coarse() -> None:
    """Ten days later, in buckets of an hour, exactly the excluded ten minutes are still missing."""
    world = World()
    traffic(world, 30)
    number = world.engine.exclude(None, None, **WHO)
    traffic(world, 13, bad=1)
    world.engine.end_exclusion(number)
    traffic(world, 30, bad=1)
    world.pass_seconds(10 * DAY)
    objective = availability(world)
    assert (objective.good_events, objective.bad_events) == (60, 30)
    assert (objective.raw.good_events, objective.raw.bad_events) == (73, 43)


def test_a_planned_exclusion_begins_and_ends_by_itself() -> None:
    """Between two future times events are excluded, to the nanosecond, and no sooner or later."""
    world = World()
    world.engine.exclude(EPOCH + 100.5, EPOCH + 200.5, **WHO)
    states = [world.snapshot().exclusions[0].state]
    traffic(world, 100, bad=1)
    states.append(world.snapshot().exclusions[0].state)
    traffic(world, 100, bad=1)
    states.append(world.snapshot().exclusions[0].state)
    traffic(world, 100, bad=1)
    states.append(world.snapshot().exclusions[0].state)
    assert states == ["planned", "planned", "active", "ended"]
    assert availability(world).bad_events == 200
    assert availability(world).raw.bad_events == 300


def test_a_planned_exclusion_follows_the_wall_clock() -> None:
    """Maintenance is at ten o'clock, also when the clock is put right an hour before."""
    world = World()
    world.engine.exclude(EPOCH + 2 * HOUR, EPOCH + 3 * HOUR, **WHO)
    world.pass_seconds(60)
    world.record()
    world.step_wall_seconds(HOUR)
    world.pass_seconds(HOUR - 90)
    world.record(Outcome.TRAP)
    assert availability(world).bad_events == 1, "half a minute too early"
    world.pass_seconds(60)
    world.record(Outcome.TRAP)
    assert availability(world).bad_events == 1
    world.pass_seconds(HOUR)
    world.record(Outcome.TRAP)
    assert availability(world).bad_events == 2


@example(planned=[], declared=[(30, 30)])  # ends now, as an event comes that it no longer covers
@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=6),
    st.lists(st.tuples(st.integers(-40, 30), st.integers(1, 30)), max_size=4),
)
def test_overlapping_exclusions_cover_their_union(
    planned: list[tuple[int, int]], declared: list[tuple[int, int]]
) -> None:
    """However many overlap, planned or declared afterwards, an event is left out once, and only if one covers it."""
    world = World(ObjectiveTargets(period_seconds=DAY))  # buckets of a third of a second, for two minutes
    wall = world.wall_ns / 1e9
    for start, length in planned:
        world.engine.exclude(wall + 100 + start, wall + 100 + start + length, **WHO)
    traffic(world, 160)
    spans = [(100 + start, 100 + start + length) for start, length in planned]
    for start, length in declared:
        spans.append((100 + start, 100 + start + length))
        world.engine.exclude(wall + 100 + start, wall + 100 + start + length, **WHO)
    left = sum(not any(start <= second < end for start, end in spans) for second in range(1, 161))
    assert availability(world).good_events == left
    assert availability(world).raw.good_events == 160


@pytest.mark.parametrize(
    ("start", "end", "slices"),
    [
        pytest.param(10, 20, 2, id="one slice exactly"),
        pytest.param(11, 19, 2, id="inside one slice"),
        pytest.param(9, 21, 0, id="all three"),
        pytest.param(10, 20.5, 1, id="a moment of the next"),
    ],
)
def test_a_slice_that_touches_an_exclusion_is_left_out(start: float, end: float, slices: int) -> None:
    """A throughput slice counts only when no moment of it is excluded."""
    world = World()
    world.pass_seconds(7)  # a slice begins
    begin = world.wall_ns / 1e9
    world.engine.exclude(begin + start, begin + end, **WHO)
    traffic(world, 29)
    world.pass_seconds(10)
    throughput = world.snapshot().objective("throughput")
    assert (throughput.good_events, throughput.raw.good_events) == (slices, 3)


def test_exclusions_survive_a_restart(tmp_path: Path) -> None:
    """Ended, running and planned exclusions go on where they were."""
    world = World()
    number = world.engine.exclude(None, None, **WHO)
    traffic(world, 20, bad=1)
    world.engine.end_exclusion(number)
    world.engine.exclude(None, None, **WHO)
    traffic(world, 20, bad=1)
    world.engine.exclude(EPOCH + 100, EPOCH + 200, **WHO)
    world.engine.save(tmp_path / "swarm.slo")
    world.pass_seconds(20)
    world.start()
    world.engine.load(tmp_path / "swarm.slo")
    assert [e.state for e in world.snapshot().exclusions] == ["ended", "active", "planned"]
    world.engine.end_exclusion(2)
    traffic(world, 60, bad=1)
    assert availability(world).bad_events == 39, "from second 61 to the planned start at 100"
    assert availability(world).raw.bad_events == 100
    assert world.engine.exclude(None, None, **WHO) == 4


def test_exclusions_are_forgotten_after_the_period() -> None:
    """An exclusion that no window reaches any more is dropped."""
    world = World(ObjectiveTargets(period_seconds=HOUR))
    world.engine.exclude(None, EPOCH + 60, **WHO)
    world.record()
    world.pass_seconds(HOUR)
    assert world.snapshot().exclusions
    world.pass_seconds(4 * HOUR)
    assert not world.snapshot().exclusions


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": EPOCH + 5, "end": EPOCH + 5}, "is not after its start"),
        ({"start": None, "end": EPOCH - 5}, "is not after its start"),
        ({"start": float("nan"), "end": None}, "the exclusion's start is nan"),
        ({"start": 5, "end": float("inf")}, "the exclusion's end is inf"),
        ({"start": None, "end": None, "reason": " "}, "reason has 1 characters"),
        ({"start": None, "end": None, "author": ""}, "author has 0 characters"),
        ({"start": None, "end": None, "reason": "x" * 1_001}, "reason has 1001 characters"),
    ],
)
def test_an_exclusion_that_says_nothing_is_refused(arguments: dict[str, object], message: str) -> None:
    """Times must be times, and a reason and an author must be given."""
    world = World()
    with pytest.raises(ValueError, match=message):
        world.engine.exclude(**(WHO | arguments))  # type: ignore[arg-type]
    assert not world.snapshot().exclusions


def test_exclusions_are_bounded() -> None:
    """No caller can fill the memory with exclusions."""
    book = ExclusionBook()
    for _ in range(EXCLUSIONS_MAX):
        book.add(1.0, None, **WHO, places=(1, 2), rows=(None, None))
    with pytest.raises(ValueError, match="256 exclusions are remembered already"):
        book.add(1.0, None, **WHO, places=(1, 2), rows=(None, None))


def test_only_a_running_exclusion_can_be_ended() -> None:
    """Ending what is unknown, planned or over is an error that says which."""
    world = World()
    with pytest.raises(LookupError, match="no exclusion 1; known: none"):
        world.engine.end_exclusion(1)
    planned = world.engine.exclude(EPOCH + 100, None, **WHO)
    with pytest.raises(ValueError, match="exclusion 1 has not begun"):
        world.engine.end_exclusion(planned)
    running = world.engine.exclude(None, None, **WHO)
    world.engine.end_exclusion(running)
    with pytest.raises(ValueError, match="exclusion 2 has ended"):
        world.engine.end_exclusion(running)
    with pytest.raises(LookupError, match="no exclusion 9; known: 1, 2"):
        world.engine.withdraw_exclusion(9)
