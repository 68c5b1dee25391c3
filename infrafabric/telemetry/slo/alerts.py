"""Multiwindow, multi-burn-rate alerts: the state of each tier, and who is told when it changes.

A tier fires when its long *and* its short window burn faster than its factor, compared strictly and in whole numbers
(`bad / total > factor x budget`, multiplied out). Little traffic never fires on one unlucky task: a tier stays
``insufficient_data`` until its long window has seen enough events and, to exceed, at least two failures.
Demanding so many events that one failure alone cannot exceed was rejected: at 99.9 % a swarm with ten tasks an hour
could then fail all of them for ever without an alert.
"""

from __future__ import annotations

import contextlib
import enum
import logging
from typing import TYPE_CHECKING, Final

import attrs

from infrafabric.telemetry.slo.burn import BurnPlan, DroppedTier, Tier, tiers_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from infrafabric.telemetry.slo.ledger import WindowCounts
    from infrafabric.telemetry.slo.objectives import Objective

_log = logging.getLogger("infrafabric.telemetry")


class AlertState(enum.StrEnum):
    """State of a tier or of an objective, the worst last."""

    UNREACHABLE = "unreachable"  # the factor times the budget is 1 or more: no error ratio can exceed it
    NO_DATA = "no_data"  # the long window holds no event
    INSUFFICIENT_DATA = "insufficient_data"  # too few events, or too few failures, to judge
    INACTIVE = "inactive"  # neither window exceeds, or they cannot yet
    RECOVERING = "recovering"  # the long window still exceeds, the short one no longer does
    INCREASING = "increasing"  # the short window exceeds, the long one does not yet
    FIRING = "firing"  # both exceed
    EXHAUSTED = "exhausted"  # objectives only: the period's error budget is gone


_ORDER: Final = tuple(AlertState)


def worst(states: Iterable[AlertState]) -> AlertState:
    """The worst of some states; ``unreachable`` of none."""
    return max(states, key=_ORDER.index, default=AlertState.UNREACHABLE)


@attrs.frozen(kw_only=True)
class StateChange:
    """A tier, or an objective as a whole (``tier`` None), came into another state.

    ``number`` counts the changes of one engine, ``at`` is epoch seconds; ``long_burn_rate`` and ``short_burn_rate``
    are the tier's at that moment (None for an objective).
    """

    number: int
    at: float
    subject: str
    objective: str
    tier: str | None
    severity: str | None
    previous: AlertState
    current: AlertState
    long_burn_rate: float | None
    short_burn_rate: float | None

    def __str__(self) -> str:
        what = self.objective if self.tier is None else f"{self.objective} {self.tier}"
        return f"{self.subject}: {what} went from {self.previous} to {self.current}"


@attrs.frozen(kw_only=True)
class Minimums:
    """What a window must hold before it is judged: events, and failures among them."""

    events: int = 10
    failures: int = 2

    def __attrs_post_init__(self) -> None:
        for name, count in (("events", self.events), ("failures", self.failures)):
            if type(count) is not int or count < 1:
                raise ValueError(f"the minimum of {name} is {count!r}; expected a whole number from 1")


class ObjectiveRules:
    """The tiers of one objective, with the whole-number products that their comparison needs."""

    __slots__ = ("budget", "column", "dropped", "limits", "name", "tiers")

    def __init__(self, objective: Objective, column: int, plan: BurnPlan) -> None:
        self.name: Final = objective.name
        self.column: Final = column
        self.budget: Final = objective.budget
        self.tiers: tuple[Tier, ...]
        self.dropped: tuple[DroppedTier, ...]
        self.tiers, self.dropped = tiers_for(plan, objective.minimum_bucket_ns)
        #: For each tier (a, b): it exceeds when bad * a > total * b.
        self.limits: Final = [(tier.factor[1] * self.budget[1], tier.factor[0] * self.budget[0]) for tier in self.tiers]

    def states(self, windows: Sequence[WindowCounts], minimums: Minimums) -> list[AlertState]:
        """The state of each tier, then that of the objective."""
        column = self.column
        found = []
        for tier, (bad_weight, total_weight) in zip(self.tiers, self.limits, strict=True):
            if total_weight >= bad_weight:
                found.append(AlertState.UNREACHABLE)
                continue
            long, short = windows[tier.long].adjusted, windows[tier.short].adjusted
            bad = long[column + 1]
            total = long[column] + bad
            short_bad = short[column + 1]
            over = bad * bad_weight > total * total_weight
            short_over = short_bad * bad_weight > (short[column] + short_bad) * total_weight
            found.append(_judge(total, bad, minimums, over=over, short_over=short_over))
        spent = self._exhausted(windows[-1].adjusted, minimums)
        found.append(AlertState.EXHAUSTED if spent else worst(found))
        return found

    def _exhausted(self, period: list[int], minimums: Minimums) -> bool:
        good, bad = period[self.column], period[self.column + 1]
        total = good + bad
        spent = bad * self.budget[1] >= total * self.budget[0]
        return spent and bad >= minimums.failures and total >= minimums.events


def _judge(total: int, bad: int, minimums: Minimums, *, over: bool, short_over: bool) -> AlertState:
    if total == 0:
        return AlertState.NO_DATA
    if total < minimums.events or (bad < minimums.failures and (over or short_over)):
        return AlertState.INSUFFICIENT_DATA
    if over:
        return AlertState.FIRING if short_over else AlertState.RECOVERING
    return AlertState.INCREASING if short_over else AlertState.INACTIVE


class AlertBook:
    """The states of one engine's tiers and objectives, since when they hold, and who is told.

    The engine's lock guards `update`; observers are called outside of it.
    """

    __slots__ = ("_observers", "changes", "minimums", "rules", "since", "states")

    def __init__(self, rules: Sequence[ObjectiveRules], minimums: Minimums, now: float) -> None:
        self.minimums: Final = minimums
        self._observers: list[Callable[[StateChange], None]] = []
        self.changes = 0
        self.rules: tuple[ObjectiveRules, ...] = ()
        self.states: list[list[AlertState]] = []
        self.since: list[list[float]] = []
        self.follow(rules, now)

    def follow(self, rules: Sequence[ObjectiveRules], now: float) -> None:
        """Watch these rules from now on; a tier of the same name keeps its state."""
        known = self.dump()
        self.rules = tuple(rules)
        self.states = [[AlertState.NO_DATA] * (len(rule.tiers) + 1) for rule in rules]
        self.since = [[now] * (len(rule.tiers) + 1) for rule in rules]
        self.restore(known)

    def subscribe(self, observer: Callable[[StateChange], None]) -> Callable[[], None]:
        """Call ``observer`` on every change from now on; gives the function that stops this.

        An observer that raises is logged and changes nothing else.
        """
        self._observers.append(observer)

        def unsubscribe() -> None:
            with contextlib.suppress(ValueError):  # stopped already
                self._observers.remove(observer)

        return unsubscribe

    def update(self, windows: Sequence[WindowCounts], subject: str, now: Callable[[], float]) -> list[StateChange]:
        """Judge the windows; gives what changed, for `tell`."""
        changed: list[StateChange] = []
        for row, rule in enumerate(self.rules):
            current, previous = rule.states(windows, self.minimums), self.states[row]
            if current == previous:
                continue
            at = now()
            self.states[row] = current
            for place, (old, new) in enumerate(zip(previous, current, strict=True)):
                if old is new:
                    continue
                self.since[row][place] = at
                self.changes += 1
                tier = rule.tiers[place] if place < len(rule.tiers) else None
                change = StateChange(
                    number=self.changes,
                    at=at,
                    subject=subject,
                    objective=rule.name,
                    tier=None if tier is None else tier.name,
                    severity=None if tier is None else tier.severity,
                    previous=old,
                    current=new,
                    long_burn_rate=None if tier is None else burn_rate(windows[tier.long].adjusted, rule),
                    short_burn_rate=None if tier is None else burn_rate(windows[tier.short].adjusted, rule),
                )
                changed.append(change)
        return changed

    def tell(self, changes: Sequence[StateChange]) -> None:
        """Hand the changes to every observer."""
        for change in changes:
            for observer in tuple(self._observers):
                try:
                    observer(change)
                except Exception:  # noqa: BLE001 - whatever it is, it is the observer's own
                    _log.exception("an observer of SLO state changes failed on %s", change)

    def dump(self) -> list[list[str | float]]:
        """Plain data for `restore`: rows of objective, tier ("" for the objective), state, since."""
        return [
            [rule.name, name, self.states[row][place].value, self.since[row][place]]
            for row, rule in enumerate(self.rules)
            for place, name in enumerate((*(tier.name for tier in rule.tiers), ""))
        ]

    def restore(self, state: list[list[str | float]]) -> None:
        """Take over the states that `dump` gave, so that a restart announces nothing twice."""
        known = {(row[0], row[1]): (AlertState(str(row[2])), float(row[3])) for row in state}
        for row, rule in enumerate(self.rules):
            for place, name in enumerate((*(tier.name for tier in rule.tiers), "")):
                if (rule.name, name) in known:
                    self.states[row][place], self.since[row][place] = known[rule.name, name]


def burn_rate(counts: list[int], rule: ObjectiveRules) -> float:
    """How many times faster than the budget allows the window burns: 1 uses it up in exactly the period."""
    bad = counts[rule.column + 1]
    total = counts[rule.column] + bad
    return bad * rule.budget[1] / (total * rule.budget[0]) if total else 0.0
