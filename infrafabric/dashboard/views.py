"""What the templates show beside the records themselves: rows put in order, lists joined into tables.

Everything here is arranged, nothing measured: a number that a record does not have is not shown. What a board's file
says of alerts is read with care, since anybody may have written the file.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.board.records import HIGH_USE_RATIO, LOW_BUDGET_RATIO
from infrafabric.dashboard import words
from infrafabric.errors import Blame, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infrafabric.board.records import ObjectivePage, OverviewRow, SwarmPage

_BLAMES = {outcome.code: outcome.blame.value for outcome in Outcome}
_BLAME_ORDER = (Blame.GUEST, Blame.OPERATOR, Blame.CALLER, Blame.HOST, Blame.NOBODY)


@attrs.frozen(kw_only=True)
class Filter:
    """Which rows of the overview are asked for: those with ``text`` in a name, in ``state`` (empty: all)."""

    text: str = ""
    state: str = ""

    def takes(self, row: OverviewRow) -> bool:
        """Whether a row is asked for."""
        return (not self.state or row.state == self.state) and self.text.casefold() in searchable(row)


def searchable(row: OverviewRow) -> str:
    """What the text filter looks into."""
    return " ".join((row.swarm_id, row.task or "", row.objective, row.version)).casefold()


@attrs.frozen
class StateCount:
    """How many rows are in a state."""

    state: str
    rows: int


def state_counts(rows: Iterable[OverviewRow]) -> list[StateCount]:
    """The states there are, the worst first."""
    counts = Counter(row.state for row in rows)
    known = [code for code in words.OBJECTIVE_STATES if code in counts]
    return [StateCount(code, counts[code]) for code in (*known, *sorted(set(counts) - set(known)))]


def promise(name: str, ratio: float | None, target: float | None) -> str:
    """What an objective promises.

    >>> promise("latency", 0.99, 0.1).replace(words._THIN, " ")
    '99 % within 100 ms'
    """
    share = words.percent(ratio, 4)
    if name == "latency" and target is not None:
        return f"{share} within {words.seconds(target)}"
    if name == "throughput" and target is not None:
        return f"{share} of the time {words.rate(target)}"
    return f"{share} succeed" if name == "availability" else share


@attrs.frozen(kw_only=True)
class AlertRow:
    """One alert of one objective."""

    objective: str
    task: str | None
    name: str
    severity: str
    state: str
    reason: str
    factor: float | None
    long: str
    long_burn_rate: float | None
    short: str
    short_burn_rate: float | None
    since: float | None


def alert_rows(page: SwarmPage) -> list[AlertRow]:
    """Every alert of a swarm, the worst first."""
    rows = [_alert_row(objective, name, alert) for objective in page.objectives for name, alert in _alerts(objective)]
    order = {code: at for at, code in enumerate(words.OBJECTIVE_STATES)}
    return sorted(rows, key=lambda row: order.get(row.state, len(order)))


def _alerts(objective: ObjectivePage) -> list[tuple[str, dict[str, Any]]]:
    alerts = objective.numbers.get("alerts")
    known = alerts if isinstance(alerts, dict) else {}
    names = dict.fromkeys((*known, *objective.alerts))
    return [(name, alert if isinstance(alert := known.get(name), dict) else {}) for name in names]


def _alert_row(objective: ObjectivePage, name: str, alert: dict[str, Any]) -> AlertRow:
    return AlertRow(
        objective=objective.name,
        task=objective.task,
        name=name,
        severity=_text(alert.get("severity")),
        state=_text(alert.get("state")) or "no_data",
        reason=objective.alerts.get(name, ""),
        factor=figure(alert.get("factor")),
        long=_text(alert.get("long")),
        long_burn_rate=figure(alert.get("long_burn_rate")),
        short=_text(alert.get("short")),
        short_burn_rate=figure(alert.get("short_burn_rate")),
        since=figure(alert.get("since")),
    )


@attrs.frozen(kw_only=True)
class ObjectiveFigures:
    """The numbers of an objective that stand above its charts."""

    sli: float | None
    budget_remaining_ratio: float | None
    seconds_to_exhaustion: float | None
    good_events: float | None
    bad_events: float | None


def objective_figures(objective: ObjectivePage) -> ObjectiveFigures:
    """The numbers of an objective, as far as the board has them."""
    numbers, budget = objective.numbers, objective.numbers.get("budget")
    return ObjectiveFigures(
        sli=figure(numbers.get("sli")),
        budget_remaining_ratio=figure(budget.get("remaining_ratio")) if isinstance(budget, dict) else None,
        seconds_to_exhaustion=figure(numbers.get("seconds_to_exhaustion")),
        good_events=figure(numbers.get("good_events")),
        bad_events=figure(numbers.get("bad_events")),
    )


@attrs.frozen
class SeriesRow:
    """One time of a table of several series."""

    at: float
    values: tuple[float | None, ...]


def burn_rows(objective: ObjectivePage) -> list[SeriesRow]:
    """The burn rates of all windows, by time: the table behind the chart."""
    by_time: dict[float, list[float | None]] = {}
    for column, series in enumerate(objective.burn):
        for point in series.points:
            by_time.setdefault(point.at, [None] * len(objective.burn))[column] = point.value
    return [SeriesRow(at, tuple(by_time[at])) for at in sorted(by_time)]


def budget_rows(objective: ObjectivePage) -> list[SeriesRow]:
    """The budget that was left, and what an even burn since the first point would have left, by time."""
    return [SeriesRow(point.at, (point.value, objective.even_ratio(point.at))) for point in objective.budget]


@attrs.frozen
class OutcomeRow:
    """How many tasks ended in one way, and whose fault that is."""

    outcome: str
    blame: str
    tasks: int
    ratio: float


def outcome_rows(page: SwarmPage) -> list[OutcomeRow]:
    """The outcomes by blame: success first, then the guest's, the operator's, the caller's and the host's."""
    total = sum(page.outcomes.values()) or 1
    rows = [OutcomeRow(code, _blame(code), tasks, tasks / total) for code, tasks in page.outcomes.items() if tasks]
    order = {"nobody": -1} | {blame.value: at for at, blame in enumerate(_BLAME_ORDER[:-1])}
    return sorted(rows, key=lambda row: (order.get(row.blame, len(order)), -row.tasks))


def _blame(code: str) -> str:
    return _BLAMES.get(code, "unknown")


def figure(value: object) -> float | None:
    """``value`` if it is a number that can be shown."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def objective_anchor(objective: ObjectivePage) -> str:
    """Where a swarm's page shows an objective."""
    return ".".join(part for part in (objective.task, objective.name) if part)


def tone_of_budget(ratio: float | None, sli: float | None) -> str:
    """The colour of a budget: it is no signal of its own, the number stands beside it."""
    if ratio is None or sli is None:
        return "idle"
    return "bad" if ratio <= 0 else "warn" if ratio < LOW_BUDGET_RATIO else "good"


def tone_of_use(ratio: float | None) -> str:
    """The colour of the use of a limit."""
    if ratio is None:
        return "idle"
    return "bad" if ratio >= 1 else "warn" if ratio >= HIGH_USE_RATIO else "good"
