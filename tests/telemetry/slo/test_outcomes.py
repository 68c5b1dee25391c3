"""Who is blamed for what, and what burns which budget."""

from __future__ import annotations

from itertools import pairwise

import pytest

from infrafabric.errors import Blame, Outcome
from infrafabric.telemetry.slo.objectives import ObjectiveTargets
from tests.telemetry.slo.world import NS, World

BURNS = {"trap", "timeout", "memory_exceeded", "fuel_exhausted", "guest_error", "invalid_result"}
REFUSED = {"rate_limited", "busy", "quarantined", "host_exhausted"}


@pytest.mark.parametrize("outcome", Outcome, ids=lambda outcome: outcome.value)
def test_only_the_guests_faults_burn(outcome: Outcome) -> None:
    """Success is good, the guest's faults are bad, everything else is excluded and counted beside it."""
    world = World()
    world.record(outcome, times=3)
    snapshot = world.snapshot()
    availability, latency = snapshot.objective("availability"), snapshot.objective("latency")
    name = outcome.value
    assert (availability.good_events, availability.bad_events) == (3 * (name == "success"), 3 * (name in BURNS))
    assert latency.total_events == 3 * (name == "success")
    counted = {
        "failures": {e.name: e.events for e in snapshot.failures if e.events},
        "excluded": {e.name: e.events for e in snapshot.excluded if e.events},
        "refused": {e.name: e.events for e in snapshot.refused if e.events},
    }
    where = "failures" if name in BURNS else "refused" if name in REFUSED else "excluded"
    assert counted == {kind: {name: 3} if kind == where and name != "success" else {} for kind in counted}
    assert world.engine.refusals() == {reason: 3 * (reason == name) for reason in sorted(REFUSED)} | {}


@pytest.mark.parametrize("blame", [Blame.CALLER, Blame.OPERATOR, Blame.HOST])
def test_a_timeout_that_the_caller_asked_for_burns_nothing(blame: Blame) -> None:
    """Blame given beside the outcome decides: the same timeout burns, or is excluded under its own name."""
    world = World()
    world.record(Outcome.TIMEOUT, blame=Blame.GUEST)
    world.record(Outcome.TIMEOUT, times=2, blame=blame)
    snapshot = world.snapshot().to_dict()
    assert snapshot["failures"]["timeout"] == 1
    assert snapshot["excluded"]["timeout"] == 2
    assert snapshot["objectives"]["availability"]["bad_events"] == 1
    world.pass_seconds(20)
    throughput = world.snapshot().objective("throughput")
    assert throughput.total_events == 1, "the guest's own timeout was served, so the slice was not idle"


@pytest.mark.parametrize(
    ("latency_ns", "good"),
    [(0, True), (100_000_000, True), (100_000_001, False), (-5, True)],
    ids=["zero", "at the target", "a nanosecond above", "a clock that went back"],
)
def test_latency_within_the_target_is_good(latency_ns: int, good: bool) -> None:  # noqa: FBT001 - a column of the table
    """A success that takes exactly the target is good; a nanosecond more is not."""
    world = World()
    world.engine.record(Outcome.SUCCESS, latency_ns)
    latency = world.snapshot().objective("latency")
    assert (latency.good_events, latency.bad_events) == (good, not good)


@pytest.mark.parametrize(
    ("endings", "counts"),
    [
        pytest.param({Outcome.SUCCESS: 1}, (1, 0), id="all offered was served"),
        pytest.param({Outcome.SUCCESS: 1, Outcome.BUSY: 1}, (0, 1), id="less than offered and than the target"),
        pytest.param({Outcome.SUCCESS: 14, Outcome.BUSY: 1}, (0, 1), id="one below the target"),
        pytest.param({Outcome.SUCCESS: 15, Outcome.BUSY: 900}, (1, 0), id="the target, whatever was refused"),
        pytest.param({Outcome.BUSY: 1}, (0, 1), id="nothing served"),
        pytest.param({Outcome.TRAP: 15, Outcome.BUSY: 1}, (1, 0), id="a trap ended too: availability judges it"),
        pytest.param({Outcome.RATE_LIMITED: 50, Outcome.SUCCESS: 1}, (1, 0), id="a refused rate is not offered"),
        pytest.param({Outcome.RATE_LIMITED: 50}, (0, 0), id="only refused by rate: idle"),
        pytest.param({Outcome.INVALID_PARAMS: 50, Outcome.CANCELLED: 3}, (0, 0), id="only callers' faults: idle"),
        pytest.param({Outcome.INTERNAL: 5, Outcome.HOST_EXHAUSTED: 5, Outcome.QUARANTINED: 5}, (0, 0), id="the host's"),
        pytest.param({}, (0, 0), id="idle"),
    ],
)
def test_a_slice_is_judged_by_what_was_offered(endings: dict[Outcome, int], counts: tuple[int, int]) -> None:
    """A slice of ten seconds is good when it served min(offered, target); idle slices are not measured."""
    world = World(ObjectiveTargets(target_throughput_rps=1.5))
    for outcome, times in endings.items():
        world.record(outcome, times=times)
    throughput = world.snapshot().objective("throughput")
    assert throughput.total_events == 0, "a slice that is not over is not judged"
    world.pass_seconds(100)
    throughput = world.snapshot().objective("throughput")
    assert (throughput.good_events, throughput.bad_events) == counts


def test_a_slice_ends_on_the_tenth_second() -> None:
    """Endings fall into the slice in which they end, to the nanosecond; slices begin on whole tens of seconds."""
    world = World(ObjectiveTargets(target_throughput_rps=1))
    world.pass_seconds(7)  # 1,750,000,130: a slice begins
    world.record(times=10)
    world.pass_ns(10**10 - 1)
    world.record(Outcome.BUSY)
    assert world.snapshot().objective("throughput").total_events == 0
    world.pass_ns(1)
    world.record(Outcome.BUSY)
    assert world.snapshot().objective("throughput").good_events == 1
    world.pass_seconds(10)
    throughput = world.snapshot().objective("throughput")
    assert (throughput.good_events, throughput.bad_events) == (1, 1)


def test_a_slice_belongs_to_the_bucket_it_ends_in() -> None:
    """In buckets of a quarter of a second, a slice leaves a window when its end does, not when its first task does."""
    world = World(ObjectiveTargets(period_seconds=3_600))
    world.pass_seconds(7)  # a slice begins
    world.record()

    def slices_in_30_seconds() -> int:
        burns = {burn.name: burn for burn in world.snapshot().objective("throughput").burn_rates}
        return burns["30s"].good_events

    world.pass_seconds(39.5)
    assert slices_in_30_seconds() == 1
    world.pass_seconds(0.25)
    assert slices_in_30_seconds() == 0


def test_a_slice_ends_within_a_bucket_too() -> None:
    """With buckets of 9.33 seconds, a task in the first moment of a slice is not counted into the one before it."""
    world = World(ObjectiveTargets(period_seconds=28 * 86_400, target_throughput_rps=0.2))
    plan = world.engine._ledger.plan
    world.pass_seconds(6)  # a second before a slice's edge, which a bucket has to hold
    while plan.unit_at(world.wall_ns) != plan.unit_at(world.wall_ns + 2 * NS):
        world.pass_seconds(10)
    world.record(times=2)
    world.pass_seconds(2)
    world.record(Outcome.BUSY)
    world.pass_seconds(20)
    throughput = world.snapshot().objective("throughput")
    assert (throughput.good_events, throughput.bad_events) == (1, 1)


def test_totals_never_fall() -> None:
    """Totals go on when the period has forgotten."""
    world = World(ObjectiveTargets(period_seconds=3_600))
    world.record(times=5)
    world.record(Outcome.TRAP)
    world.record(Outcome.BUSY)
    world.pass_seconds(7_200)
    assert world.snapshot().objective("availability").total_events == 0
    assert world.engine.totals() == {"availability": (5, 1), "latency": (5, 0), "throughput": (0, 0 + 1)}
    assert world.engine.refusals()["busy"] == 1


def test_endings_are_forgotten_with_the_period() -> None:
    """Counts by ending are over the period, exact to its thirtieth part."""
    world = World()
    world.record(Outcome.TRAP)
    world.pass_seconds(29 * 86_400 - 3_600)
    assert world.snapshot().to_dict()["failures"]["trap"] == 1
    world.pass_seconds(86_400 + 3_600)
    assert world.snapshot().to_dict()["failures"]["trap"] == 0


def test_history_lists_every_bucket() -> None:
    """A window's history has one point for each bucket, oldest first, and adds up to the window."""
    world = World()
    assert world.engine.history("availability", "5m") == ()
    for second in range(300):
        world.pass_seconds(1)
        world.record(Outcome.TRAP if second % 100 == 0 else Outcome.SUCCESS)
    points = world.engine.history("availability", "5m")
    assert len(points) == 30
    burn = world.snapshot().objective("availability").burn_rates[0]
    assert sum(p.good_events for p in points) == burn.good_events
    assert sum(p.bad_events for p in points) == burn.bad_events == 2
    starts = [p.start for p in points]
    assert all(later - earlier == pytest.approx(10) for earlier, later in pairwise(starts))
    assert starts[-1] <= world.wall_ns / 1e9 < starts[-1] + 10
    for wrong in (("speed", "5m"), ("availability", "7m")):
        with pytest.raises(LookupError, match="there is no history of"):
            world.engine.history(*wrong)


def test_an_objective_is_found_by_name() -> None:
    """Asking a snapshot for an objective it has not lists those it has."""
    with pytest.raises(LookupError, match="no objective 'speed'; known: availability, latency, throughput"):
        World().snapshot().objective("speed")
