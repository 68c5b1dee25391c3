"""Turns counts into the numbers people read.

The engine takes a `Reading` under its lock, a copy of a few hundred integers; the arithmetic here runs after the
lock is free, so that nobody who watches slows a task down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from infrafabric.errors import Blame
from infrafabric.telemetry.slo.alerts import AlertState, ObjectiveRules, burn_rate, worst
from infrafabric.telemetry.slo.latency import WINDOW_SECONDS, percentile_ns
from infrafabric.telemetry.slo.ledger import FAILURES, GUEST_FAILURES, WindowCounts
from infrafabric.telemetry.slo.snapshot import (
    BurnRate,
    Coverage,
    EndingCount,
    ErrorBudget,
    EventCounts,
    LatencySummary,
    ObjectiveSnapshot,
    SloSnapshot,
    TierSnapshot,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infrafabric.telemetry.slo.alerts import AlertBook, Minimums
    from infrafabric.telemetry.slo.burn import BurnPlan
    from infrafabric.telemetry.slo.exclusions import Exclusion
    from infrafabric.telemetry.slo.ledger import Ledger
    from infrafabric.telemetry.slo.objectives import Objective


@attrs.frozen(kw_only=True)
class Reading:
    """All counts and states at one moment."""

    taken_at: float
    plan: BurnPlan
    objectives: tuple[Objective, ...]
    rules: tuple[ObjectiveRules, ...]
    minimums: Minimums
    windows: Sequence[WindowCounts]
    states: list[list[AlertState]]
    since: list[list[float]]
    endings: list[int]
    latency: list[int]
    coverage: Coverage
    exclusions: tuple[Exclusion, ...]


def take(ledger: Ledger, book: AlertBook, windows: Sequence[WindowCounts], taken_at: float) -> Reading:
    """Copy what a snapshot needs. The caller holds the lock and has advanced the ledger."""
    line, period_ns = ledger.timeline, ledger.plan.period_ns
    start = line.last_ns - period_ns
    watched = line.watched_ns(start)
    known = line.last_ns - max(start, line.started_ns)
    return Reading(
        taken_at=taken_at,
        plan=ledger.plan,
        objectives=ledger.objectives,
        rules=book.rules,
        minimums=book.minimums,
        windows=windows,
        states=list(book.states),
        since=[list(row) for row in book.since],
        endings=ledger.endings_in_period(),
        latency=[] if ledger.latency is None else ledger.latency.counts(),
        coverage=Coverage(
            ratio=watched / period_ns,
            watched_seconds=watched / 1e9,
            holes=sum(end > start for _, end in line.holes),
            hole_seconds=(known - watched) / 1e9,
        ),
        exclusions=ledger.exclusions.listed(),
    )


def snapshot_of(reading: Reading, subject: str, enforcement: str = "closed") -> SloSnapshot:
    """The snapshot of a reading."""
    objectives = tuple(_objective(reading, row) for row in range(len(reading.objectives)))
    burnt = len(FAILURES)
    named = dict(zip(FAILURES, reading.endings[:burnt], strict=True))
    excused = dict(zip(GUEST_FAILURES, reading.endings[burnt:], strict=True))
    blamed_elsewhere = {o: n for o, n in named.items() if o.blame in {Blame.CALLER, Blame.HOST}} | excused
    return SloSnapshot(
        subject=subject,
        taken_at=reading.taken_at,
        period_seconds=reading.plan.period_ns // 10**9,
        state=worst(objective.state for objective in objectives),
        objectives=objectives,
        coverage=reading.coverage,
        percentiles=percentiles(reading.latency),
        failures=tuple(EndingCount(name=o.value, events=n) for o, n in named.items() if o.blame is Blame.GUEST),
        excluded=tuple(EndingCount(name=o.value, events=n) for o, n in blamed_elsewhere.items()),
        refused=tuple(EndingCount(name=o.value, events=n) for o, n in named.items() if o.refused),
        exclusions=reading.exclusions,
        enforcement=enforcement,
    )


def _objective(reading: Reading, row: int) -> ObjectiveSnapshot:
    objective, rules = reading.objectives[row], reading.rules[row]
    windows, column = reading.windows, rules.column
    good, bad = windows[-1].adjusted[column : column + 2]
    counts = counts_of(objective, good, bad)
    allowed = (good + bad) * objective.budget[0] / objective.budget[1]
    return ObjectiveSnapshot(
        name=objective.name,
        state=reading.states[row][-1],
        since=reading.since[row][-1],
        event=objective.event,
        objective_ratio=objective.objective_ratio,
        target=objective.threshold,
        good_events=good,
        bad_events=bad,
        total_events=good + bad,
        sli=counts.sli,
        budget=ErrorBudget(
            ratio=objective.budget_ratio,
            events=allowed,
            remaining_events=allowed - bad,
            remaining_ratio=counts.budget_remaining_ratio,
        ),
        raw=counts_of(objective, *windows[-1].raw[column : column + 2]),
        seconds_to_exhaustion=exhaustion(windows, rules, counts.budget_remaining_ratio, reading.plan.period_ns / 1e9),
        burn_rates=_burn_rates(reading, rules),
        alerts=tuple(_tier(reading, row, place, objective) for place in range(len(rules.tiers))),
        dropped=rules.dropped,
    )


def counts_of(objective: Objective, good: int, bad: int) -> EventCounts:
    """Good and bad events with what they leave of the budget."""
    total = good + bad
    share, whole = objective.budget
    return EventCounts(
        good_events=good,
        bad_events=bad,
        total_events=total,
        sli=good / total if total else None,
        # Subtracted as integers: a budget used to the last event reads 0.0, not 1e-16.
        budget_remaining_ratio=(total * share - bad * whole) / (total * share) if total else 1.0,
    )


def exhaustion(
    windows: Sequence[WindowCounts], rules: ObjectiveRules, remaining_ratio: float, period_seconds: float
) -> float | None:
    """Seconds until the budget is gone at the burn of the fastest tier's long window."""
    if remaining_ratio <= 0:
        return 0.0
    burn = burn_rate(windows[rules.tiers[0].long].adjusted, rules) if rules.tiers else 0.0
    return remaining_ratio * period_seconds / burn if burn else None


def _burn_rates(reading: Reading, rules: ObjectiveRules) -> tuple[BurnRate, ...]:
    """The windows of the objective's own tiers, shortest first, then the period."""
    thresholds: dict[int, float | None] = {tier.short: tier.factor[0] / tier.factor[1] for tier in rules.tiers}
    thresholds |= {tier.long: tier.factor[0] / tier.factor[1] for tier in rules.tiers}
    plan = reading.plan
    order = sorted(thresholds, key=lambda place: plan.windows[place].seconds)
    found = []
    for place in (*order, len(plan.windows) - 1):
        window, counts = plan.windows[place], reading.windows[place]
        found.append(
            BurnRate(
                name=window.label,
                seconds=window.seconds,
                bucket_seconds=window.bucket_seconds,
                good_events=counts.adjusted[rules.column],
                bad_events=counts.adjusted[rules.column + 1],
                burn_rate=burn_rate(counts.adjusted, rules),
                raw_good_events=counts.raw[rules.column],
                raw_bad_events=counts.raw[rules.column + 1],
                raw_burn_rate=burn_rate(counts.raw, rules),
                threshold=thresholds.get(place),
            )
        )
    return tuple(found)


def _tier(reading: Reading, row: int, place: int, objective: Objective) -> TierSnapshot:
    rules = reading.rules[row]
    tier = rules.tiers[place]
    long, short = reading.plan.windows[tier.long], reading.plan.windows[tier.short]
    numerator, denominator = tier.factor[0] * objective.budget[0], tier.factor[1] * objective.budget[1]
    return TierSnapshot(
        name=tier.name,
        severity=tier.severity,
        state=reading.states[row][place],
        since=reading.since[row][place],
        factor=tier.factor[0] / tier.factor[1],
        threshold_ratio=numerator / denominator,
        budget_ratio=tier.budget_ratio,
        exhaustion_seconds=reading.plan.period_ns * tier.factor[1] / (10**9 * tier.factor[0]),
        long=long.label,
        short=short.label,
        long_seconds=long.seconds,
        short_seconds=short.seconds,
        long_burn_rate=burn_rate(reading.windows[tier.long].adjusted, rules),
        short_burn_rate=burn_rate(reading.windows[tier.short].adjusted, rules),
        minimum_events=reading.minimums.events,
        minimum_failures=reading.minimums.failures,
        single_failure_events=-(-denominator // numerator),
    )


#: The percentiles of no task.
NO_LATENCY = LatencySummary(
    window_seconds=WINDOW_SECONDS, events=0, p50_seconds=None, p95_seconds=None, p99_seconds=None
)


def percentiles(counts: list[int]) -> LatencySummary:
    """The percentiles of latencies counted by bin."""
    total = sum(counts)
    if not total:
        return NO_LATENCY
    p50, p95, p99 = (_seconds(percentile_ns(counts, total, percent)) for percent in (50, 95, 99))
    return LatencySummary(
        window_seconds=WINDOW_SECONDS, events=total, p50_seconds=p50, p95_seconds=p95, p99_seconds=p99
    )


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e9
