"""How the numbers of a swarm went: tasks per second, budgets and burn rates over time, from what the rings remember.

The rings hold running totals, so a point of any chart is the difference of two rows, in whole numbers. Sampling the
gauges every few seconds into further buffers was rejected: it would cost memory for each chart, know nothing of the
time before it began, and disagree with the budget it draws.

The engine takes a `Past`, a copy of the rings, under its lock; the arithmetic here runs after the lock is free.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

import attrs

from infrafabric.telemetry.slo.activity import Activity, activity
from infrafabric.telemetry.slo.latency import merged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infrafabric.telemetry.slo.alerts import AlertBook, ObjectiveRules
    from infrafabric.telemetry.slo.burn import BurnPlan, Tier
    from infrafabric.telemetry.slo.ledger import Ledger
    from infrafabric.telemetry.slo.rings import Rings

_NS: Final = 10**9
#: Points of a budget's course over what was watched of the period, and of a burn rate's.
BUDGET_POINTS: Final = 240
BURN_POINTS: Final = 120
#: A burn rate is shown over so many of its windows.
BURN_WINDOWS: Final = 24


@attrs.frozen
class CoursePoint:
    """A value at an instant (epoch seconds); None where nobody watched, or nothing came to be judged."""

    at: float
    value: float | None


@attrs.frozen(kw_only=True)
class BurnCourse:
    """The burn rate of one alert's long window over time, and the factor above which the alert fires."""

    tier: str
    severity: str
    window: str
    factor: float
    points: tuple[CoursePoint, ...]


@attrs.frozen(kw_only=True)
class ObjectiveCourse:
    """One objective over time.

    ``budget`` runs from where watching began in the period to now: the share of the budget left, where the whole is
    what the period's events allow as of now. It starts at 1, never rises, and ends at what the snapshot says is left.
    """

    name: str
    budget: tuple[CoursePoint, ...]
    burn: tuple[BurnCourse, ...]


@attrs.frozen(kw_only=True)
class SloCourse:
    """Everything over time. ``activity``: tasks per second of each of the last 60 minutes, at its end (`Activity`).

    ``latency``: (seconds, tasks) pairs: how many successful tasks of the last hour took at most so long, and more than
    the pair before.
    """

    taken_at: float
    activity: tuple[CoursePoint, ...]
    objectives: tuple[ObjectiveCourse, ...]
    latency: tuple[tuple[float, int], ...]


class _Excluded:
    """Stretches of one counter's totals that count for nothing."""

    __slots__ = ("_ends", "_left", "_starts")

    def __init__(self, stretches: Sequence[tuple[int, int]]) -> None:
        self._starts = [start for start, _ in stretches]
        self._ends = [end for _, end in stretches]
        #: How much each stretch and those after it hold together.
        self._left = [0]
        for start, end in reversed(stretches):
            self._left.append(self._left[-1] + end - start)
        self._left.reverse()

    def above(self, total: int) -> int:
        """How many of the events after the first ``total`` ones are excluded."""
        place = bisect_right(self._ends, total)
        if place == len(self._ends):
            return 0
        return self._left[place] - max(0, total - self._starts[place])


@attrs.frozen(kw_only=True)
class Past:
    """What a ledger remembers at one moment, copied."""

    taken_at: float
    now_ns: int
    started_ns: int
    holes: tuple[tuple[int, int], ...]
    plan: BurnPlan
    rules: tuple[ObjectiveRules, ...]
    rings: Rings | None
    totals: list[int]
    excluded: tuple[_Excluded, ...]
    latency: list[int]
    activity: Activity

    def course(self) -> SloCourse:
        """All of it as charts."""
        return SloCourse(
            taken_at=self.taken_at,
            activity=tuple(
                CoursePoint(self._wall(end), rate)
                for end, rate in zip(self.activity.edges[1:], self.activity.tasks_per_second, strict=True)
            ),
            objectives=tuple(
                ObjectiveCourse(name=rule.name, budget=self._budget(rule), burn=self._burn(rule)) for rule in self.rules
            ),
            latency=tuple((edge_ns / _NS, count) for edge_ns, count in merged(self.latency)),
        )

    def _budget(self, rule: ObjectiveRules) -> tuple[CoursePoint, ...]:
        start_ns = self._begin(self.plan.period_ns)
        if self.rings is None:
            return ()
        column, (share, whole) = rule.column, rule.budget
        held = self.rings.rings[self.plan.period.ring]
        oldest_ns = self.plan.unit_start_ns((held.head - self.plan.period.buckets + 1) * held.step)
        good, bad = self._since(oldest_ns, column)
        allowed = (good + bad) * share
        points = []
        for edge in self._edges(max(start_ns, oldest_ns), BUDGET_POINTS):
            burnt = (bad - self._since(edge, column)[1]) * whole
            value = (allowed - burnt) / allowed if allowed else 1.0
            points.append(CoursePoint(self._wall(edge), value if self._was_watched(edge) else None))
        return tuple(points)

    def _burn(self, rule: ObjectiveRules) -> tuple[BurnCourse, ...]:
        if self.rings is None:
            return ()
        return tuple(
            BurnCourse(
                tier=tier.name,
                severity=tier.severity,
                window=self.plan.windows[tier.long].label,
                factor=tier.factor[0] / tier.factor[1],
                points=tuple(self._burn_points(rule, tier)),
            )
            for tier in rule.tiers
        )

    def _burn_points(self, rule: ObjectiveRules, tier: Tier) -> list[CoursePoint]:
        window = self.plan.windows[tier.long]
        length_ns = int(window.seconds * _NS)
        start_ns = self._begin(min(BURN_WINDOWS * length_ns, self.plan.period_ns - length_ns))
        points = []
        for edge in self._edges(start_ns, BURN_POINTS):
            if edge == self.now_ns and self.rings is not None:  # exactly the window of the alert
                first_ns = self.rings.window_start_ns(window.ring, window.buckets)
            else:
                first_ns = edge - length_ns
            value = self._burn_rate(rule, first_ns, edge) if self._was_watched(edge) else None
            points.append(CoursePoint(self._wall(edge), value))
        return points

    def _burn_rate(self, rule: ObjectiveRules, start_ns: int, end_ns: int) -> float | None:
        column, (share, whole) = rule.column, rule.budget
        (good, bad), (later_good, later_bad) = self._since(start_ns, column), self._since(end_ns, column)
        bad -= later_bad
        total = good - later_good + bad
        return bad * whole / (total * share) if total else None

    # --- places on the line --------------------------------------------------------------------------

    def _begin(self, length_ns: int) -> int:
        """Where a look back over ``length_ns`` begins: no earlier than watching did."""
        return max(self.now_ns - length_ns, self.started_ns)

    def _edges(self, start_ns: int, most: int) -> list[int]:
        """Edges of buckets from ``start_ns`` on, evenly spread, then now; fewer where buckets are wider."""
        span_ns = self.now_ns - start_ns
        places = {self._edge(start_ns + span_ns * place // most) for place in range(most)}
        return [*sorted(place for place in places if place < self.now_ns), self.now_ns]

    def _edge(self, timeline_ns: int) -> int:
        """The start of the finest remembered bucket that holds this instant; now for now."""
        if timeline_ns >= self.now_ns or self.rings is None:
            return self.now_ns
        unit = self.plan.unit_at(timeline_ns)
        for ring in self.rings.rings:
            bucket = unit // ring.step
            if bucket > ring.head - ring.buckets:
                return self.plan.unit_start_ns(bucket * ring.step)
        last = self.rings.rings[-1]
        return self.plan.unit_start_ns((last.head - last.buckets + 1) * last.step)

    def _since(self, edge_ns: int, column: int) -> tuple[int, int]:
        """Good and bad events of an objective from an edge to now, less what is excluded."""
        if edge_ns >= self.now_ns or self.rings is None:
            return 0, 0
        then = self.rings.totals_at(self.plan.unit_at(edge_ns), self.totals)
        if then is None:
            return 0, 0
        good, bad = (
            self.totals[place] - then[place] - self.excluded[place].above(then[place]) for place in (column, column + 1)
        )
        return good, bad

    def _was_watched(self, timeline_ns: int) -> bool:
        return timeline_ns >= self.now_ns or not any(begin <= timeline_ns < end for begin, end in self.holes)

    def _wall(self, timeline_ns: int) -> float:
        return self.taken_at - (self.now_ns - timeline_ns) / _NS


def past(ledger: Ledger, book: AlertBook, taken_at: float) -> Past:
    """Copy what charts need. The caller holds the lock and has advanced the ledger."""
    line = ledger.timeline
    return Past(
        taken_at=taken_at,
        now_ns=line.last_ns,
        started_ns=line.started_ns,
        holes=tuple(line.holes),
        plan=ledger.plan,
        rules=book.rules,
        rings=None if ledger.rings is None else ledger.rings.copy(),
        totals=ledger.row(),
        excluded=tuple(_Excluded(ranges) for ranges in ledger.exclusions.ranges(ledger.row())),
        latency=[] if ledger.latency is None else ledger.latency.counts(),
        activity=activity(ledger),
    )
