"""How an objective does in one word, and the rows that are shown of it."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from infrafabric.telemetry import AlertState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infrafabric.telemetry import SloSnapshot
    from infrafabric.telemetry.slo.snapshot import ObjectiveSnapshot


class Health(enum.IntEnum):
    """What ``slo status`` ends with: 0-3, as monitoring plug-ins do (OK, warning, critical, unknown)."""

    HEALTHY = 0
    BURNING = 1
    EXHAUSTED = 2
    NO_DATA = 3

    @property
    def word(self) -> str:
        """As it is shown."""
        return self.name.lower().replace("_", " ")


#: The worst first. Nothing to judge is better than anything known to be wrong, and worse than health that is known.
_WORST = (Health.EXHAUSTED, Health.BURNING, Health.HEALTHY, Health.NO_DATA)


def health_of(objective: ObjectiveSnapshot) -> Health:
    """Burning is what an alert says that fires: both of its windows burn too fast.

    Too few events for any alert to judge are no data.
    """
    if objective.state is AlertState.EXHAUSTED:
        return Health.EXHAUSTED
    if any(tier.state is AlertState.FIRING for tier in objective.alerts):
        return Health.BURNING
    enough = max((tier.minimum_events for tier in objective.alerts), default=1)
    return Health.HEALTHY if objective.total_events >= enough else Health.NO_DATA


def worst_of(healths: Iterable[Health]) -> Health:
    """The worst of some; without any, there is no data."""
    return min(healths, key=_WORST.index, default=Health.NO_DATA)


def rows(snapshots: Iterable[SloSnapshot]) -> list[dict[str, Any]]:
    """A row of plain data for each objective, the worst first, then what has least budget left."""
    found = [(snapshot, objective) for snapshot in snapshots for objective in snapshot.objectives]
    found.sort(key=lambda pair: (_WORST.index(health_of(pair[1])), pair[1].budget.remaining_ratio))
    return [_row(snapshot, objective) for snapshot, objective in found]


def _row(snapshot: SloSnapshot, objective: ObjectiveSnapshot) -> dict[str, Any]:
    fastest = objective.alerts[0] if objective.alerts else None
    return {
        "subject": snapshot.subject,
        "objective": objective.name,
        "health": health_of(objective).word,
        "state": objective.state.value,
        "objective_percent": float(f"{100 * objective.objective_ratio:.12g}"),
        "sli_percent": None if objective.sli is None else 100 * objective.sli,
        "good_events": objective.good_events,
        "bad_events": objective.bad_events,
        "budget_remaining_ratio": objective.budget.remaining_ratio,
        "budget_remaining_events": objective.budget.remaining_events,
        "burn_rate": None if fastest is None else fastest.long_burn_rate,
        "burn_window": None if fastest is None else fastest.long,
        "seconds_to_exhaustion": objective.seconds_to_exhaustion,
        "firing": [tier.name for tier in objective.alerts if tier.state is AlertState.FIRING],
        "period_seconds": snapshot.period_seconds,
        "enforcement": snapshot.enforcement,
        "taken_at": snapshot.taken_at,
    }
