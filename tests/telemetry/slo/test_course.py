"""How the numbers went over time, against what was recorded and against the snapshot of now."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infrafabric.errors import Outcome
from infrafabric.telemetry.slo.activity import ACTIVITY_POINTS
from infrafabric.telemetry.slo.latency import BINS, bin_edge_ns, bin_of, merged
from infrafabric.telemetry.slo.objectives import ObjectiveTargets
from tests.telemetry.slo.world import NS, World

if TYPE_CHECKING:
    from pathlib import Path

    from infrafabric.telemetry.slo.course import BurnCourse, ObjectiveCourse, SloCourse

HOUR, DAY = 3_600, 86_400
PERIODS = [HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY]
#: What a minute's far edge may be off: the widest bucket of the rings that hold an hour.
MINUTE_SLACK = 61


def objective(course: SloCourse, name: str = "availability") -> ObjectiveCourse:
    """One objective of a course."""
    return next(objective for objective in course.objectives if objective.name == name)


def burn(course: SloCourse, window: str) -> BurnCourse:
    """Availability's burn over one window."""
    return next(burn for burn in objective(course).burn if burn.window == window)


def world_of(period_seconds: int = 30 * DAY, percent: float = 99.0) -> World:
    """A world whose swarm promises this availability over this period."""
    return World(ObjectiveTargets(target_availability_percent=percent, period_seconds=period_seconds))


# --- activity --------------------------------------------------------------------------------------------


def test_activity_is_the_tasks_of_each_minute() -> None:
    """Sixty tasks a minute are one a second, in each of the minutes in which they came and in no other."""
    world = world_of()
    world.pass_seconds(HOUR)
    for minute in range(60):
        world.record(times=60 if minute >= 50 else 0)
        world.pass_seconds(60)
    rates = [point.value for point in world.engine.course().activity]
    assert len(rates) == ACTIVITY_POINTS
    assert rates[:49] == [0.0] * 49
    assert rates[51:] == pytest.approx([1.0] * 9, abs=0.25)
    assert sum(rate or 0 for rate in rates) == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("period_seconds", PERIODS)
def test_the_last_minute_counts_the_last_minute(period_seconds: int) -> None:
    """Tasks of the last minute are its rate, whatever the period; those of five minutes ago are not in it."""
    world = world_of(period_seconds)
    world.record(times=600)
    world.pass_seconds(300)
    world.record(times=120)
    world.pass_seconds(30)
    last = world.engine.course().activity[-1]
    assert last.value is not None
    assert 120 / MINUTE_SLACK / 2 < last.value <= 120 / 60
    assert last.at == pytest.approx(world.wall_ns / NS)


def test_a_minute_in_which_watching_began_is_not_diluted() -> None:
    """Thirty tasks in the first ten seconds are three a second, not half a task; before that there is no number."""
    world = world_of()
    world.pass_seconds(2)
    world.record(times=30)
    world.pass_seconds(8)
    *before, last = [point.value for point in world.engine.course().activity]
    assert last == pytest.approx(3.0)
    assert set(before) == {None}


def test_failures_of_the_guest_are_activity_and_refusals_are_not() -> None:
    """A trap was work; a task turned away was none."""
    world = world_of()
    world.record(Outcome.TRAP, times=10)
    world.record(Outcome.RATE_LIMITED, times=1_000)
    world.pass_seconds(10)
    assert world.engine.course().activity[-1].value == pytest.approx(1.0)


def test_nothing_is_known_before_the_first_task() -> None:
    """A swarm that never ran has no charts, and asking for them takes no memory for rings."""
    world = world_of()
    course = world.engine.course()
    assert (course.activity, course.latency) == ((), ())
    assert [(one.budget, one.burn) for one in course.objectives] == [((), ())] * 3
    assert world.engine.is_empty


# --- budgets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("period_seconds", PERIODS)
def test_a_budget_falls_from_one_to_what_is_left(period_seconds: int) -> None:
    """It begins at 1, never rises, and its last point is the snapshot's."""
    world = world_of(period_seconds)
    for _ in range(40):
        world.record(times=99)
        world.record(Outcome.TRAP)
        world.pass_seconds(period_seconds / 50)
    points = [point.value for point in objective(world.engine.course()).budget]
    values = [value for value in points if value is not None]
    assert values[0] == 1.0
    assert all(later <= earlier for earlier, later in pairwise(values))
    assert values[-1] == world.snapshot().objective("availability").budget.remaining_ratio == 0.0
    assert len(values) > 20


def test_a_budget_shows_when_it_burnt() -> None:
    """Whole before the failures of one hour, spent by them, flat afterwards."""
    world = world_of(percent=90.0)
    world.record(times=9)
    world.pass_seconds(10 * DAY)
    world.record(Outcome.TRAP)
    failed_at = world.wall_ns / NS
    world.pass_seconds(10 * DAY)
    for point in objective(world.engine.course()).budget:
        near = abs(point.at - failed_at) <= HOUR
        assert near or point.value == (1.0 if point.at < failed_at else 0.0)


def test_what_is_excluded_burns_nothing_in_the_past_either() -> None:
    """With the failures of a maintenance left out, the course stays at 1 and agrees with the snapshot."""
    world = world_of()
    world.record(times=1_000)
    world.pass_seconds(HOUR)
    number = world.engine.exclude(None, None, reason="maintenance", author="ops")
    world.record(Outcome.TRAP, times=500)
    world.pass_seconds(HOUR)
    world.engine.end_exclusion(number)
    world.pass_seconds(HOUR)
    course = world.engine.course()
    assert {point.value for point in objective(course).budget} == {1.0}
    assert {point.value for point in burn(course, "1h").points} <= {None, 0.0}
    world.engine.withdraw_exclusion(number)
    assert objective(world.engine.course()).budget[-1].value == pytest.approx(1 - 500 / 15)


@settings(max_examples=60)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["good", "bad", "begin", "end", "pass"]), st.integers(1, 90 * 60)), max_size=40
    )
)
def test_exclusions_of_any_kind_leave_course_and_snapshot_agreed(steps: list[tuple[str, int]]) -> None:
    """Overlapping, open, ended and empty exclusions: what is left now, and what burns now, are the snapshot's."""
    world, running = world_of(), list[int]()
    for kind, amount in steps:
        if kind == "begin":
            running.append(world.engine.exclude(None, None, reason="maintenance", author="ops"))
        elif kind == "end" and running:
            world.engine.end_exclusion(running.pop(amount % len(running)))
        elif kind == "pass":
            world.pass_seconds(amount)
        else:
            world.record(Outcome.TRAP if kind == "bad" else Outcome.SUCCESS, times=amount % 20)
    snapshot = world.snapshot().objective("availability")
    found = objective(world.engine.course())
    assert not found.budget or found.budget[-1].value == snapshot.budget.remaining_ratio
    assert len(found.budget) < 2 or found.budget[0].value == 1.0
    for one, tier in zip(found.burn, snapshot.alerts, strict=False):
        assert (one.points[-1].value or 0.0) == pytest.approx(tier.long_burn_rate)


def test_many_exclusions_do_not_make_charts_slow() -> None:
    """With as many as there can be, charts are still a matter of milliseconds."""
    world = world_of()
    for _ in range(256):
        world.record(times=5)
        number = world.engine.exclude(None, None, reason="maintenance", author="ops")
        world.record(Outcome.TRAP, times=2)
        world.pass_seconds(HOUR)
        world.engine.end_exclusion(number)
    began = time.thread_time()
    assert {point.value for point in objective(world.engine.course()).budget} == {1.0}
    assert time.thread_time() - began < 0.5


# --- burn rates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("period_seconds", PERIODS)
def test_every_tier_has_its_burn_rate_up_to_now(period_seconds: int) -> None:
    """The last point of each is the alert's own burn rate, beside the factor it fires above."""
    world = world_of(period_seconds)
    for _ in range(50):
        world.record(times=19)
        world.record(Outcome.TRAP)
        world.pass_seconds(period_seconds / 400)
    snapshot = world.snapshot().objective("availability")
    courses = objective(world.engine.course()).burn
    assert [(one.tier, one.window, one.factor, one.severity) for one in courses] == [
        (tier.name, tier.long, tier.factor, tier.severity) for tier in snapshot.alerts
    ]
    for one, tier in zip(courses, snapshot.alerts, strict=True):
        assert (one.points[-1].value or 0.0) == pytest.approx(tier.long_burn_rate)


def test_a_burn_rate_rises_and_falls_with_its_window() -> None:
    """An hour of failures shows for one window's length, and where no task ran there is no number, not a zero."""
    world = world_of()
    world.record(times=10)
    world.pass_seconds(10 * HOUR)
    for _ in range(60):
        world.record(times=5)
        world.record(Outcome.TRAP, times=5)
        world.pass_seconds(60)
    failed_until = world.wall_ns / NS
    for _ in range(60 * 4):
        world.record(times=10)
        world.pass_seconds(60)
    points = burn(world.engine.course(), "1h").points
    slack = 900  # points are twelve minutes apart, buckets five minutes wide
    for point in points:
        since = point.at - failed_until
        if -slack <= since <= slack:
            assert point.value == pytest.approx(50.0, rel=0.3), since
        elif HOUR + slack < since:
            assert point.value == 0.0, since
        elif -9 * HOUR + slack < since < -HOUR - slack:
            assert point.value is None, since


# --- what nobody watched ---------------------------------------------------------------------------------


def test_a_history_that_survived_a_restart_is_the_same(tmp_path: Path) -> None:
    """Right after a restart every chart has the values it had before, to a bucket."""
    world = world_of()
    for _ in range(48):
        world.record(times=99)
        world.record(Outcome.TRAP)
        world.pass_seconds(300)
    before = world.engine.course()
    world.engine.save(tmp_path / "history")
    world.start().load(tmp_path / "history")
    after = world.engine.course()
    assert after.latency == before.latency
    assert [point.value for point in after.activity] == [point.value for point in before.activity]
    assert objective(after) == objective(before)


def test_downtime_is_a_gap(tmp_path: Path) -> None:
    """While the program was down there is no number; what was before it has not changed."""
    world = world_of()
    for _ in range(48):
        world.record(times=99)
        world.record(Outcome.TRAP)
        world.pass_seconds(300)
    before, stopped_at = world.engine.course(), world.wall_ns / NS
    world.engine.save(tmp_path / "history")
    world.pass_seconds(1_800)
    world.start().load(tmp_path / "history")
    after = world.engine.course()

    old, new = objective(before).budget, objective(after).budget
    assert new[-1].value == old[-1].value
    down = [point.value for point in new if stopped_at + 60 < point.at < world.wall_ns / NS - 60]
    assert down
    assert set(down) == {None}
    for point in new:
        if point.at < stopped_at - 60:
            nearest = min(old, key=lambda known: abs(known.at - point.at))
            assert point.value == pytest.approx(nearest.value, abs=0.03)

    # The thirty minutes before it stopped are the first thirty of the hour now; the rest was not watched.
    assert sum(point.value or 0 for point in before.activity[30:]) == pytest.approx(10)
    assert sum(point.value or 0 for point in after.activity[:30]) == pytest.approx(10, abs=1.7)
    assert {point.value for point in after.activity[31:-1]} == {None}


def test_sleep_is_a_gap() -> None:
    """While the machine slept nothing was measured."""
    world = world_of()
    world.record(times=60)
    world.pass_seconds(1_200)
    world.sleep_seconds(1_200)
    world.record(times=60)
    world.pass_seconds(600)
    rates = [point.value for point in world.engine.course().activity]
    awake = [place for place, rate in enumerate(rates) if rate is not None]
    first, last = 10, 49  # twenty minutes before it slept, ten since
    assert set(awake) <= {*range(first, first + 21), *range(last, 60)}
    assert len(awake) in {30, 31, 32}
    assert rates[-1] == 0.0


def test_a_course_under_other_targets_goes_on() -> None:
    """A replaced contract draws its own objectives over the history that is left."""
    world = world_of()
    world.record(times=100)
    world.pass_seconds(HOUR)
    world.engine.retarget(ObjectiveTargets(target_availability_percent=99.9, target_throughput_rps=None))
    course = world.engine.course()
    assert [one.name for one in course.objectives] == ["availability", "latency"]
    assert objective(course).budget[-1].value == 1.0


def test_throughput_alone_has_no_activity() -> None:
    """Slices are no tasks: where only they are counted, nothing is said of tasks."""
    world = World(ObjectiveTargets(target_availability_percent=None, target_latency_ms=None))
    world.record(times=10)
    assert world.engine.course().activity == ()
    assert world.engine.outline().activity.tasks_per_second == ()


# --- outlines and latencies ------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(list(Outcome)), st.integers(0, 500), st.integers(0, 4 * HOUR)), max_size=30
    ),
    period_seconds=st.sampled_from(PERIODS),
)
def test_an_outline_says_what_the_snapshot_says(steps: list[tuple[Outcome, int, int]], period_seconds: int) -> None:
    """Whatever happened, the list of many swarms and the page of one show the same numbers."""
    world = world_of(period_seconds)
    for outcome, latency_ms, seconds in steps:
        world.record(outcome, latency_ms, times=3)
        world.pass_seconds(seconds)
    snapshot, outline, course = world.snapshot(), world.engine.outline(), world.engine.course()
    assert outline.percentiles == snapshot.percentiles
    assert outline.activity.tasks_per_second == tuple(point.value for point in course.activity)
    for short, full in zip(outline.objectives, snapshot.objectives, strict=True):
        for name in ("name", "state", "objective_ratio", "target", "sli", "seconds_to_exhaustion"):
            assert getattr(short, name) == getattr(full, name)
        assert short.budget_remaining_ratio == full.budget.remaining_ratio
        fastest = full.alerts[0]
        window = next(burn for burn in full.burn_rates if burn.name == fastest.long)
        assert short.burn_rate == (fastest.long_burn_rate if window.good_events + window.bad_events else None)


@given(st.lists(st.integers(0, 10**14), max_size=200))
def test_merged_bins_lose_nothing(latencies_ns: list[int]) -> None:
    """At most thirty bins hold every latency, each between the edge before its bin's and its own."""
    counts = [0] * BINS
    for latency_ns in latencies_ns:
        counts[bin_of(latency_ns)] += 1
    bins = merged(counts)
    assert len(bins) <= 30
    assert sum(tasks for _, tasks in bins) == len(latencies_ns)
    lower = 0
    for upper, tasks in bins:
        inside = [one for one in latencies_ns if lower <= bin_edge_ns(bin_of(one)) < upper]
        assert tasks == len(inside)
        lower = upper
