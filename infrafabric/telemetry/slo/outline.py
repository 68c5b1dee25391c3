"""What a list of many swarms shows of each: states, budgets and burn in a few numbers, cheaper than a snapshot.

A `SloSnapshot` holds every window, tier and count, which costs three times as much to make and is read for one swarm
at a time; here is what is read for a thousand. The numbers are the snapshot's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from infrafabric.telemetry.slo import reading
from infrafabric.telemetry.slo.alerts import AlertState, burn_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infrafabric.telemetry.slo.activity import Activity
    from infrafabric.telemetry.slo.alerts import AlertBook, ObjectiveRules
    from infrafabric.telemetry.slo.ledger import Ledger, WindowCounts
    from infrafabric.telemetry.slo.objectives import Objective
    from infrafabric.telemetry.slo.snapshot import LatencySummary


@attrs.frozen(kw_only=True)
class ObjectiveOutline:
    """One objective, with the fields of `ObjectiveSnapshot` of the same names.

    ``burn_rate`` is that of the fastest alert's long window; None without an event in it, or without an alert.
    """

    name: str
    state: AlertState
    objective_ratio: float
    target: float | None
    sli: float | None
    budget_remaining_ratio: float
    burn_rate: float | None
    seconds_to_exhaustion: float | None


@attrs.frozen(kw_only=True)
class SloOutline:
    """The objectives of one engine, its percentiles and its activity."""

    objectives: tuple[ObjectiveOutline, ...]
    percentiles: LatencySummary
    activity: Activity


def objectives(ledger: Ledger, book: AlertBook, windows: Sequence[WindowCounts]) -> tuple[ObjectiveOutline, ...]:
    """The outline of each objective. The caller holds the lock and has judged the windows."""
    return tuple(
        _objective(ledger, objective, rules, windows, states[-1])
        for objective, rules, states in zip(ledger.objectives, book.rules, book.states, strict=True)
    )


def _objective(
    ledger: Ledger, objective: Objective, rules: ObjectiveRules, windows: Sequence[WindowCounts], state: AlertState
) -> ObjectiveOutline:
    counts = reading.counts_of(objective, *windows[-1].adjusted[rules.column : rules.column + 2])
    fastest = windows[rules.tiers[0].long].adjusted if rules.tiers else None
    burns = fastest is not None and any(fastest[rules.column : rules.column + 2])
    period_seconds = ledger.plan.period_ns / 1e9
    return ObjectiveOutline(
        name=objective.name,
        state=state,
        objective_ratio=objective.objective_ratio,
        target=objective.threshold,
        sli=counts.sli,
        budget_remaining_ratio=counts.budget_remaining_ratio,
        burn_rate=burn_rate(fastest, rules) if fastest is not None and burns else None,
        seconds_to_exhaustion=reading.exhaustion(windows, rules, counts.budget_remaining_ratio, period_seconds),
    )
