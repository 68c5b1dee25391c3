"""The burn-rate alerts of one objective, as far as a server that scrapes can watch them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import attrs

from infrafabric.telemetry.slo.alerts import Minimums
from infrafabric.telemetry.slo.burn import plan_for, span, tiers_for

if TYPE_CHECKING:
    from infrafabric.telemetry.export.subject import ExportSubject
    from infrafabric.telemetry.slo.objectives import Objective

#: How often the exported rules are evaluated, at most, and how often, at most this far apart, the server has to scrape.
EVALUATION_SECONDS: Final = 30
SCRAPE_SECONDS: Final = 15
#: A window needs four scrapes to hold a rate.
_WINDOW_SECONDS_MIN: Final = 4 * SCRAPE_SECONDS


@attrs.frozen(kw_only=True)
class WatchedTier:
    """An alert. ``threshold`` is the exact share of bad events above which both windows fire it.

    Every ``step_seconds`` it is evaluated: as often as the buckets of its short window let it change.
    """

    name: str
    severity: str
    factor: Fraction
    threshold: Fraction
    long_seconds: float
    short_seconds: float
    step_seconds: int


def watched_tiers(subject: ExportSubject, objective: Objective) -> tuple[WatchedTier, ...]:
    """The alerts that can fire: those whose factor the budget lets be exceeded, in windows that the period has."""
    plan = plan_for(subject.targets.period_seconds)
    budget = Fraction(*objective.budget)
    return tuple(
        WatchedTier(
            name=tier.name,
            severity=tier.severity,
            factor=Fraction(*tier.factor),
            threshold=Fraction(*tier.factor) * budget,
            long_seconds=plan.windows[tier.long].seconds,
            short_seconds=plan.windows[tier.short].seconds,
            step_seconds=max(EVALUATION_SECONDS, math.ceil(plan.windows[tier.short].bucket_seconds)),
        )
        for tier in tiers_for(plan, objective.minimum_bucket_ns)[0]
        if Fraction(*tier.factor) * budget < 1
    )


def no_minimums(tool: str) -> str:
    """What is lost where a format has no minimum of events."""
    minimums = Minimums()
    return (
        f"{tool} has no minimum of events and failures ({minimums.events} and {minimums.failures} here): "
        "with little traffic one failure fires its alerts"
    )


def scrapable(tiers: tuple[WatchedTier, ...]) -> tuple[tuple[WatchedTier, ...], list[str]]:
    """The alerts whose windows hold enough scrapes, and a sentence for each of the others."""
    kept = tuple(tier for tier in tiers if tier.short_seconds >= _WINDOW_SECONDS_MIN)
    losses = [
        f"alert {tier.name} is left out: its short window of {span(tier.short_seconds)} holds fewer than four scrapes "
        f"of {SCRAPE_SECONDS} s; a longer period has it"
        for tier in tiers
        if tier not in kept
    ]
    return kept, losses
