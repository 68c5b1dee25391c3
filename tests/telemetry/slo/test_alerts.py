"""When alerts change state, and who is told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from infrafabric.errors import Outcome
from infrafabric.telemetry.slo.alerts import AlertState, Minimums, StateChange, worst
from infrafabric.telemetry.slo.objectives import ObjectiveTargets
from tests.telemetry.slo.world import World

if TYPE_CHECKING:
    from infrafabric.telemetry.slo.snapshot import TierSnapshot

HOUR, DAY = 3_600, 86_400


def availability(percent: float = 99.9, period_seconds: int = 30 * DAY, **minimums: int) -> World:
    """A world with an availability objective only."""
    targets = ObjectiveTargets(
        target_availability_percent=percent,
        target_latency_ms=None,
        target_throughput_rps=None,
        period_seconds=period_seconds,
    )
    return World(targets, minimums=Minimums(**minimums))


def tier(world: World, name: str = "page_1h") -> TierSnapshot:
    """One tier of the availability objective."""
    return next(t for t in world.snapshot().objective("availability").alerts if t.name == name)


@pytest.mark.parametrize(
    ("good", "bad", "state"),
    [
        pytest.param(9_856, 144, "inactive", id="exactly at 14.4"),
        pytest.param(9_855, 145, "firing", id="one failure above"),
        pytest.param(9_857, 144, "inactive", id="one success below"),
        pytest.param(9_855, 144, "firing", id="one success fewer"),
    ],
)
def test_a_burn_rate_at_its_factor_does_not_fire(good: int, bad: int, state: str) -> None:
    """The comparison is strict, on whole numbers: 144 bad of 10,000 at 99.9 % are exactly 14.4 times the budget."""
    world = availability()
    world.record(times=good)
    world.record(Outcome.TRAP, times=bad)
    assert tier(world).state == state
    if good + bad == 10_000 and bad == 144:
        assert tier(world).long_burn_rate == 14.4


def test_a_tier_walks_through_its_states() -> None:
    """An incident takes the fastest tier from nothing over increasing and firing to recovering and back."""
    world = availability(99)
    seen = [tier(world).state]

    def go(minutes: int, bad: int) -> None:
        for _ in range(minutes):
            world.pass_seconds(60)
            world.record(times=100 - bad)
            world.record(Outcome.TRAP, times=bad)
            state = tier(world).state
            if state != seen[-1]:
                seen.append(state)

    world.record(times=5)
    seen.append(tier(world).state)
    go(60, bad=0)
    go(30, bad=40)
    go(10, bad=0)
    go(60, bad=0)
    world.pass_seconds(2 * HOUR)
    seen.append(tier(world).state)
    assert seen == [
        "no_data",
        "insufficient_data",
        "inactive",
        "increasing",
        "firing",
        "recovering",
        "inactive",
        "no_data",
    ]


@pytest.mark.parametrize(
    ("percent", "unreachable"),
    [
        pytest.param(93.06, [], id="14.4 x 6.94 % is below one"),
        pytest.param(93.05, ["page_1h"], id="14.4 x 6.95 % is above one"),
        pytest.param(75, ["page_1h", "page_6h"], id="6 x 25 %"),
        pytest.param(50, ["page_1h", "page_6h", "ticket_1d"], id="3 x 50 %"),
        pytest.param(66.666, ["page_1h", "page_6h", "ticket_1d"], id="3 x 33.334 %"),
        pytest.param(66.667, ["page_1h", "page_6h"], id="3 x 33.333 %"),
    ],
)
def test_a_tier_that_cannot_fire_says_so(percent: float, unreachable: list[str]) -> None:
    """When no error ratio can exceed the factor times the budget, the tier is unreachable, in a total outage too."""
    world = availability(percent)
    world.record(Outcome.TRAP, times=100)
    alerts = world.snapshot().objective("availability").alerts
    assert [alert.name for alert in alerts if alert.state == "unreachable"] == unreachable
    assert all(alert.state == "firing" for alert in alerts if alert.name not in unreachable)


@pytest.mark.parametrize(
    ("good", "bad", "state"),
    [
        pytest.param(0, 9, "insufficient_data", id="nine events"),
        pytest.param(0, 10, "firing", id="ten events"),
        pytest.param(30, 1, "insufficient_data", id="one failure of few would exceed"),
        pytest.param(29, 2, "firing", id="two failures of few"),
        pytest.param(98, 1, "inactive", id="one failure of many does not exceed"),
        pytest.param(9, 0, "insufficient_data", id="nine successes"),
        pytest.param(10, 0, "inactive", id="ten successes"),
    ],
)
def test_little_traffic_does_not_fire(good: int, bad: int, state: str) -> None:
    """A tier needs ten events, and two failures to exceed."""
    world = availability(99.9 if (good, bad) != (98, 1) else 99)
    world.record(times=good)
    world.record(Outcome.TRAP, times=bad)
    assert tier(world).state == state


def test_a_quiet_swarm_that_fails_for_ever_is_noticed() -> None:
    """Ten tasks an hour, all failing, page within two hours, although 70 an hour are needed to exclude one failure."""
    world = availability()
    fired = []
    for minute in range(0, 120, 6):
        world.pass_seconds(360)
        world.record(Outcome.TRAP)
        fired.append((minute, tier(world).state))
    assert tier(world).single_failure_events == 70
    assert ("firing" in dict(fired).values()) is True


@pytest.mark.parametrize(
    ("percent", "factor", "needed"),
    [(99.9, "page_1h", 70), (99.9, "ticket_3d", 1_000), (99.5, "page_6h", 34), (90, "page_6h", 2)],
)
def test_below_how_many_events_one_failure_exceeds(percent: float, factor: str, needed: int) -> None:
    """The tier tells how much traffic one failure alone needs: 1 / (factor x budget), 69.4 at 99.9 %."""
    world = availability(percent)
    assert tier(world, factor).single_failure_events == needed


@pytest.mark.parametrize(
    ("bad", "remaining", "state"),
    [pytest.param(16_799, 1, "firing", id="one left"), pytest.param(16_800, 0, "exhausted", id="used up")],
)
def test_two_weeks_of_24_000_a_day_at_95_percent(bad: int, remaining: int, state: str) -> None:
    """OpenSLO's worked example: of 336,000 requests in two weeks, 16,800 bad ones exhaust the budget."""
    world = availability(95, 14 * DAY)
    for _ in range(13):
        world.record(times=24_000 - 1_000)
        world.record(Outcome.TRAP, times=1_000)
        world.pass_seconds(DAY)
    world.record(times=24_000 - (bad - 13_000))
    world.record(Outcome.TRAP, times=bad - 13_000)
    objective = world.snapshot().objective("availability")
    assert (objective.total_events, objective.bad_events) == (336_000, bad)
    assert (objective.budget.events, objective.budget.remaining_events) == (16_800, remaining)
    assert objective.budget.remaining_ratio == remaining / 16_800
    assert objective.state == state
    assert (objective.seconds_to_exhaustion == 0) is (state == "exhausted")


@pytest.mark.parametrize(
    ("name", "seconds", "share"),
    [("page_1h", HOUR, 0.02), ("page_6h", 6 * HOUR, 0.05), ("ticket_1d", DAY, 0.1), ("ticket_3d", 3 * DAY, 0.1)],
)
def test_a_tier_at_its_factor_has_used_its_share(name: str, seconds: int, share: float) -> None:
    """Burning at the factor for the long window uses the share of the budget that the workbook's table states."""
    world = availability(95)
    found = tier(world, name)
    parts = 30 * DAY // seconds
    for _ in range(parts - 1):
        world.record(times=100)
        world.pass_seconds(seconds)
    world.record(Outcome.TRAP, times=round(100 * found.threshold_ratio))
    world.record(times=round(100 * (1 - found.threshold_ratio)))
    assert tier(world, name).long_burn_rate == pytest.approx(found.factor)
    used = 1 - world.snapshot().objective("availability").budget.remaining_ratio
    assert used == pytest.approx(share) == found.budget_ratio
    assert found.exhaustion_seconds == pytest.approx(30 * DAY / found.factor)


def test_time_to_exhaustion_is_the_rest_at_the_burn_of_the_last_hour() -> None:
    """What is left of the budget, times the period, over the long burn rate of the fastest tier."""
    world = availability(99)
    world.record(times=10_000)
    assert world.snapshot().objective("availability").seconds_to_exhaustion is None
    world.pass_seconds(2 * HOUR)
    world.record(times=980)
    world.record(Outcome.TRAP, times=20)
    objective = world.snapshot().objective("availability")
    assert objective.budget.remaining_ratio == (110 - 20) / 110
    assert objective.alerts[0].long_burn_rate == 2
    assert objective.seconds_to_exhaustion == pytest.approx(90 / 110 * 30 * DAY / 2)


def test_an_objective_is_as_bad_as_its_worst_tier() -> None:
    """States are ordered from unreachable to exhausted; of nothing, unreachable is all that can be said."""
    assert list(AlertState) == [
        "unreachable", "no_data", "insufficient_data", "inactive", "recovering", "increasing", "firing", "exhausted"
    ]  # fmt: skip
    assert worst([AlertState.FIRING, AlertState.NO_DATA]) is AlertState.FIRING
    assert worst([]) is AlertState.UNREACHABLE


def test_exhausted_is_told_apart_from_little_traffic() -> None:
    """One failure of twenty is no exhausted budget yet; two are."""
    world = availability()
    world.record(times=19)
    world.record(Outcome.TRAP)
    assert world.snapshot().objective("availability").state == "insufficient_data"
    world.record(Outcome.TRAP)
    assert world.snapshot().objective("availability").state == "exhausted"


def test_changes_are_told_once_with_their_numbers() -> None:
    """Each change of a tier and of its objective is told once, numbered, with its burn rates and the time."""
    world = availability()
    world.record(times=9_000)
    world.record(Outcome.TRAP, times=1_000)
    returned = world.engine.evaluate()
    assert tuple(world.changes) == returned
    assert world.engine.evaluate() == ()
    first, last = world.changes[0], world.changes[-1]
    assert (first.tier, first.severity, first.previous, first.current) == ("page_1h", "page", "no_data", "firing")
    assert (first.long_burn_rate, first.short_burn_rate, first.subject) == (100, 100, "swarm")
    assert (last.tier, last.severity, last.long_burn_rate, last.current) == (None, None, None, "exhausted")
    assert [change.number for change in world.changes] == [1, 2, 3, 4, 5]
    assert {change.at for change in world.changes} == {world.wall_ns / 1e9}
    assert str(first) == "swarm: availability page_1h went from no_data to firing"
    assert tier(world).since == first.at
    world.pass_seconds(5)
    assert tier(world).since == first.at, "a state that holds keeps its time"


def test_an_observer_that_fails_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """A failing observer is logged; the others are told, and the evaluation returns."""
    world = availability()
    told: list[StateChange] = []

    def fails(change: StateChange) -> None:
        raise RuntimeError(f"no pager for {change.objective}")

    world.engine.alerts._observers.insert(0, fails)
    stop = world.engine.alerts.subscribe(told.append)
    world.record(times=10)
    with caplog.at_level(logging.ERROR, "infrafabric.telemetry"):
        changes = world.engine.evaluate()
    assert tuple(told) == changes != ()
    assert "no pager for availability" in caplog.text
    stop()
    stop()
    world.record(Outcome.TRAP, times=90)
    assert world.engine.evaluate()
    assert tuple(told) == changes


def test_an_observer_may_ask_the_engine() -> None:
    """Observers run outside the lock: one that takes a snapshot or records does not hang."""
    world = availability()
    states = []
    world.engine.alerts.subscribe(lambda _: states.append(world.engine.snapshot().state))
    world.engine.alerts.subscribe(lambda _: world.engine.record(Outcome.SUCCESS))
    world.record(times=20)
    world.engine.evaluate()
    assert states


@pytest.mark.parametrize("name", ["events", "failures"])
def test_minimums_are_whole_numbers_from_one(name: str) -> None:
    """A minimum of zero would divide nothing by nothing."""
    assert getattr(Minimums(**{name: 1}), name) == 1
    for wrong in (0, 1.5, True):
        with pytest.raises(ValueError, match=f"the minimum of {name} is"):
            Minimums(**{name: wrong})  # type: ignore[arg-type]
