"""Every SLO number of one swarm at one moment, frozen.

Records hold floats for people and integers for machines; a ratio over no events is None, never NaN. One flat
dictionary was rejected: a name that does not exist would then be found out by whoever is paged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.telemetry.slo.alerts import AlertState

if TYPE_CHECKING:
    from infrafabric.telemetry.slo.burn import DroppedTier
    from infrafabric.telemetry.slo.exclusions import Exclusion


@attrs.frozen(kw_only=True)
class EventCounts:
    """Good and bad events, their share (None without events) and what they leave of the error budget."""

    good_events: int
    bad_events: int
    total_events: int
    sli: float | None
    budget_remaining_ratio: float


@attrs.frozen(kw_only=True)
class ErrorBudget:
    """How many events may be bad in the period, and how many still may. Below zero: overspent.

    ``ratio`` is the share of events that may be bad, ``events`` that share of the events seen.
    """

    ratio: float
    events: float
    remaining_events: float
    remaining_ratio: float


@attrs.frozen(kw_only=True)
class BurnRate:
    """How fast one window burns: 1 uses up the budget in exactly the period.

    ``threshold`` is the factor of the tier that has this window as its long one, else as its short one; None for the
    period. The ``raw`` numbers count excluded events, too.
    """

    name: str
    seconds: float
    bucket_seconds: float
    good_events: int
    bad_events: int
    burn_rate: float
    raw_good_events: int
    raw_bad_events: int
    raw_burn_rate: float
    threshold: float | None


@attrs.frozen(kw_only=True)
class TierSnapshot:
    """One alert. ``since`` is epoch seconds; ``exhaustion_seconds`` is how long the budget lasts at the factor.

    Below ``single_failure_events`` events in the long window, one failure alone exceeds the factor.
    """

    name: str
    severity: str
    state: AlertState
    since: float
    factor: float
    threshold_ratio: float
    budget_ratio: float
    exhaustion_seconds: float
    long: str
    short: str
    long_seconds: float
    short_seconds: float
    long_burn_rate: float
    short_burn_rate: float
    minimum_events: int
    minimum_failures: int
    single_failure_events: int


@attrs.frozen(kw_only=True)
class ObjectiveSnapshot:
    """One objective. ``target`` is seconds for latency, tasks per second for throughput, None for availability.

    Counts are over the period, less exclusions; ``raw`` has them all. ``seconds_to_exhaustion`` is None while nothing
    burns.
    """

    name: str
    state: AlertState
    since: float
    event: str
    objective_ratio: float
    target: float | None
    good_events: int
    bad_events: int
    total_events: int
    sli: float | None
    budget: ErrorBudget
    raw: EventCounts
    seconds_to_exhaustion: float | None
    burn_rates: tuple[BurnRate, ...]
    alerts: tuple[TierSnapshot, ...]
    dropped: tuple[DroppedTier, ...]


@attrs.frozen(kw_only=True)
class Coverage:
    """Which share of the period was watched; the rest is before the start, downtime and sleep.

    ``holes`` counts the gaps since watching began that still lie in the period.
    """

    ratio: float
    watched_seconds: float
    holes: int
    hole_seconds: float


@attrs.frozen(kw_only=True)
class LatencySummary:
    """Latency of the successful tasks of the last hour, within about 6 %; None without any."""

    window_seconds: int
    events: int
    p50_seconds: float | None
    p95_seconds: float | None
    p99_seconds: float | None


@attrs.frozen(kw_only=True)
class EndingCount:
    """How often tasks ended in one way over the period."""

    name: str
    events: int


@attrs.frozen(kw_only=True)
class SloSnapshot:
    """Everything known about the objectives of ``subject`` at ``taken_at`` (epoch seconds).

    ``failures`` burn the budget; ``excluded`` are the caller's or the host's, ``refused`` are the operator's limits:
    both are counted over the period and never burn. ``enforcement`` is what the contract's budget policy does now:
    closed, throttled, quarantined or half_open.
    """

    subject: str
    taken_at: float
    period_seconds: int
    state: AlertState
    objectives: tuple[ObjectiveSnapshot, ...]
    coverage: Coverage
    percentiles: LatencySummary
    failures: tuple[EndingCount, ...]
    excluded: tuple[EndingCount, ...]
    refused: tuple[EndingCount, ...]
    exclusions: tuple[Exclusion, ...]
    enforcement: str = "closed"

    def objective(self, name: str) -> ObjectiveSnapshot:
        """The objective of that name. `LookupError` lists the names there are."""
        for objective in self.objectives:
            if objective.name == name:
                return objective
        known = ", ".join(objective.name for objective in self.objectives)
        raise LookupError(f"{self.subject} has no objective {name!r}; known: {known}")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; every tuple becomes a mapping by name, which is also its path for `explain`."""
        plain: dict[str, Any] = _plain(self)
        for kind in ("failures", "excluded", "refused"):
            plain[kind] = {name: ending["events"] for name, ending in plain[kind].items()}
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, AlertState):
        return value.value
    if isinstance(value, tuple):
        return {item.name: _plain(item) for item in value}
    if attrs.has(type(value)):
        return {field.name: _plain(getattr(value, field.name)) for field in attrs.fields(type(value))}
    return value
