"""The integer truth behind every SLO number: one call per task, nothing but counts.

`Ledger.record` adds to plain integers; once per bucket (ten seconds, for a period of thirty days) `advance` writes
the totals into the rings. Recording through an observability library and reading the numbers back was rejected: it
costs ten times as much, and what an exporter drops would be lost to the error budget.

Not thread-safe: `SloEngine` holds the lock.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import attrs

from infrafabric.errors import Blame, Outcome
from infrafabric.telemetry.slo.burn import BurnPlan, RingShape, plan_for
from infrafabric.telemetry.slo.exclusions import NEVER_NS, ExclusionBook, check
from infrafabric.telemetry.slo.latency import BINS, LINEAR, UNIT_BITS, LatencyRing
from infrafabric.telemetry.slo.objectives import OBJECTIVES, SLICE_NS, Objective, ObjectiveTargets
from infrafabric.telemetry.slo.rings import Rings, pick

if TYPE_CHECKING:
    from infrafabric.telemetry.slo.timeline import Timeline

#: Endings counted one by one: every failure, and the guest's again for when somebody else is to blame.
FAILURES: Final = tuple(outcome for outcome in Outcome if outcome is not Outcome.SUCCESS)
GUEST_FAILURES: Final = tuple(outcome for outcome in FAILURES if outcome.blame is Blame.GUEST)
ENDINGS: Final = (*(o.value for o in FAILURES), *(f"excused {o.value}" for o in GUEST_FAILURES))
_PLACE: Final = {outcome: number for number, outcome in enumerate(FAILURES)}
_EXCUSED_PLACE: Final = {outcome: len(FAILURES) + number for number, outcome in enumerate(GUEST_FAILURES)}
# Read on every record: a global costs half of what an enum's attribute does.
_OK: Final = Outcome.SUCCESS
_BUSY: Final = Outcome.BUSY
_GUEST: Final = Blame.GUEST
#: Endings are remembered in this many buckets over the period; objectives in 720.
ENDING_BUCKETS: Final = 30

#: Places of the counters in `Ledger.counts`, in pairs of good and bad in the order of `OBJECTIVES`.
_SUCCESS, _FAULT, _FAST, _SLOW, _SLICE_MET, _SLICE_MISSED = range(6)


@attrs.frozen
class WindowCounts:
    """Good and bad events of one window, in pairs by objective: as they happened, and less what is excluded."""

    raw: list[int]
    adjusted: list[int]


class Ledger:
    """Counts of one swarm. Memory is taken by the first record and stays as it is."""

    __slots__ = (
        "busy", "columns", "counts", "edge_ns", "ended", "ending_counts", "endings", "exclusions", "latency",
        "latency_target_ns", "objectives", "plan", "rings", "slice_end_ns", "slice_target", "targets", "timeline",
    )  # fmt: skip

    def __init__(self, targets: ObjectiveTargets, timeline: Timeline) -> None:
        self.targets = targets
        self.timeline = timeline
        self.plan: BurnPlan = plan_for(targets.period_seconds)
        self.objectives: tuple[Objective, ...] = targets.objectives()
        self.latency_target_ns = targets.latency_target_ns
        self.slice_target = targets.slice_target
        self.columns = tuple(2 * OBJECTIVES.index(o.name) + side for o in self.objectives for side in (0, 1))
        self.counts = [0] * 6
        self.ending_counts = [0] * len(ENDINGS)
        self.ended = self.busy = 0
        self.exclusions = ExclusionBook()
        self.rings: Rings | None = None
        self.endings: Rings | None = None
        self.latency: LatencyRing | None = None
        self.slice_end_ns = 0
        self.edge_ns = -(2**63)  # by the monotonic clock; the first record advances

    def record(self, outcome: Outcome, latency_ns: int, now_ns: int, blame: Blame | None) -> None:
        """Count one ending."""
        if now_ns >= self.edge_ns:
            self.advance(now_ns, recording=True)
        counts = self.counts
        if outcome is _OK:
            counts[_SUCCESS] += 1
            counts[_FAST if latency_ns <= self.latency_target_ns else _SLOW] += 1
            self.ended += 1
            units = latency_ns >> UNIT_BITS  # `latency.bin_of`, without the call
            if units >= LINEAR:
                shift = units.bit_length() - 4
                units = (shift << 3) + (units >> shift)
                if units >= BINS:
                    units = BINS - 1
            elif units < 0:
                units = 0
            self.latency.now[units] += 1  # type: ignore[union-attr] # the first record made it
        elif outcome.blame is not _GUEST:
            self.ending_counts[_PLACE[outcome]] += 1
            if outcome is _BUSY:
                self.busy += 1
        elif blame is None or blame is _GUEST:
            counts[_FAULT] += 1
            self.ended += 1
            self.ending_counts[_PLACE[outcome]] += 1
        else:
            self.ending_counts[_EXCUSED_PLACE[outcome]] += 1

    def advance(self, now_ns: int, *, recording: bool = False) -> int:
        """Bring rings, slices and exclusions up to now; gives the place on the time line."""
        line = self.timeline
        now = line.advance(now_ns)
        if self.rings is None and recording:
            self._start(now)
        book = self.exclusions
        if book:
            book.replan(line.place)
        while min(self.slice_end_ns, book.next_ns) <= now:
            if self.slice_end_ns <= book.next_ns:
                self._close_slice(now)
            else:
                book.cross(self.row())
        self._rotate(now)
        if line.holes or book:
            oldest = now - self.plan.period_ns
            line.forget(oldest)
            book.forget(oldest)
        if self.rings is not None:
            edge = self.plan.unit_start_ns(self.plan.unit_at(now) + 1)
            self.edge_ns = min(edge, self.slice_end_ns, book.next_ns) - line.shift_ns
        return now

    def row(self) -> list[int]:
        """The running totals of the objectives in use, good and bad in pairs."""
        counts = self.counts
        return [counts[column] for column in self.columns]

    def windows(self) -> list[WindowCounts]:
        """Counts of every window of the plan, as of the last `advance`."""
        now = self.row()
        rings = self.rings
        if rings is None:
            return [WindowCounts([0] * len(now), [0] * len(now))] * len(self.plan.windows)
        found = []
        for window in self.plan.windows:
            raw = adjusted = rings.window(window.ring, window.buckets, now)
            if self.exclusions:
                start_ns = rings.window_start_ns(window.ring, window.buckets)
                excused = self.exclusions.excused(start_ns, raw, now)
                if excused is not None:
                    adjusted = [count - less for count, less in zip(raw, excused, strict=True)]
            found.append(WindowCounts(raw, adjusted))
        return found

    def endings_in_period(self) -> list[int]:
        """How often each of `ENDINGS` came in the period, exact to its thirtieth part."""
        if self.endings is None:
            return [0] * len(ENDINGS)
        return self.endings.window(0, ENDING_BUCKETS, self.ending_counts)

    def exclude(self, start: float | None, end: float | None, reason: str, author: str) -> int:
        """Remember an exclusion, from now on for a ``start`` of None; the next `advance` notices its edges."""
        line = self.timeline
        first = line.wall(line.last_ns) if start is None else start
        check(first, end, reason, author)
        start_ns = line.last_ns if start is None else line.place(start)
        end_ns = NEVER_NS if end is None else line.place(end)
        return self.exclusions.add(
            first,
            end,
            reason=reason,
            author=author,
            places=(start_ns, end_ns),
            rows=(self._totals_at(start_ns), self._totals_at(end_ns, outward=True)),
        )

    def history(self, objective: str, window: str) -> list[tuple[float, int, int]]:
        """Epoch second, good and bad events of each bucket of a window, oldest first."""
        names = [known.name for known in self.objectives]
        windows = {known.label: known for known in self.plan.windows}
        if objective not in names or window not in windows:
            raise LookupError(
                f"there is no history of {objective!r} over {window!r}; objectives: {', '.join(names)}; "
                f"windows: {', '.join(windows)}"
            )
        if self.rings is None:
            return []
        column, now = 2 * names.index(objective), self.row()
        ring, buckets = self.rings.rings[windows[window].ring], windows[window].buckets
        first = ring.head - buckets + 1
        since = [ring.since(bucket, now)[column : column + 2] for bucket in range(first, ring.head + 1)] + [[0, 0]]
        return [
            (self.timeline.wall(self.plan.unit_start_ns((first + n) * ring.step)), good - later_good, bad - later_bad)
            for n, ((good, bad), (later_good, later_bad)) in enumerate(pairwise(since))
        ]

    def dump(self) -> dict[str, Any]:
        """All counts as plain data and arrays, for `restore`."""
        return {
            "period_seconds": self.targets.period_seconds,
            "columns": list(self.columns),
            "counts": list(self.counts),
            "rings": None if self.rings is None else self.rings.dump(),
            "ending_names": list(ENDINGS),
            "ending_counts": list(self.ending_counts),
            "endings": None if self.endings is None else self.endings.dump(),
            "latency": None if self.latency is None else self.latency.dump(),
            "exclusions": self.exclusions.dump(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `dump` gave, whatever period and objectives it was counted for.

        An objective that was not counted then starts at zero. The slice that was running is not measured.
        """
        counted, names = list(state["columns"]), list(state["ending_names"])
        columns = [counted.index(column) if column in counted else None for column in self.columns]
        places = [names.index(name) if name in names else None for name in ENDINGS]
        counts, ending_counts = [int(n) for n in state["counts"]], [int(n) for n in state["ending_counts"]]
        self.counts = [count if column in counted else 0 for column, count in enumerate(counts)]
        self.ending_counts = pick(ending_counts, places)
        self.exclusions.restore(state["exclusions"], lambda row: pick(row, columns))
        if state["rings"] is None:
            return
        plan = plan_for(state["period_seconds"])
        old_rings, old_endings = Rings(plan, plan.rings, len(counted)), Rings(plan, _ending_shape(plan), len(names))
        old_rings.restore(state["rings"])
        old_endings.restore(state["endings"])
        rings, endings, latency = self._start(self.timeline.last_ns)
        unit = self.plan.unit_at(self.timeline.last_ns)
        rings.refill(old_rings, columns, [counts[column] for column in counted], unit)
        endings.refill(old_endings, places, ending_counts, unit)
        latency.restore(state["latency"])

    def _totals_at(self, timeline_ns: int, *, outward: bool = False) -> list[int] | None:
        """Totals at a time, rounded down (``outward``: up) to a remembered bucket's edge; None for what lies ahead."""
        if timeline_ns > self.timeline.last_ns:
            return None
        now = self.row()
        if self.rings is None or (timeline_ns == self.timeline.last_ns and not outward):
            return now
        unit = self.plan.unit_at(timeline_ns - 1) + 1 if outward else self.plan.unit_at(timeline_ns)
        return self.rings.totals_at(unit, now, outward=outward)

    def _start(self, now: int) -> tuple[Rings, Rings, LatencyRing]:
        """Take the memory."""
        self.rings = Rings(self.plan, self.plan.rings, len(self.columns))
        self.endings = Rings(self.plan, _ending_shape(self.plan), len(ENDINGS))
        self.latency = LatencyRing(now)
        self.slice_end_ns = (now // SLICE_NS + 1) * SLICE_NS
        return self.rings, self.endings, self.latency

    def _rotate(self, now: int) -> None:
        """Write the totals into every bucket that started since."""
        unit = self.plan.unit_at(now)
        if self.rings is not None and self.endings is not None and self.latency is not None:
            self.rings.rotate(unit, self.row())
            self.endings.rotate(unit, self.ending_counts)
            self.latency.rotate(now)

    def _close_slice(self, now: int) -> None:
        """Judge the slice that ended, and go to the one that holds ``now``: those between were idle."""
        end = self.slice_end_ns
        offered = self.ended + self.busy
        if offered:
            self._rotate(end - 1)  # the slice belongs to the bucket it ends in
            numerator, denominator = self.slice_target
            met = self.busy == 0 or self.ended * denominator >= numerator
            self.counts[_SLICE_MET if met else _SLICE_MISSED] += 1
            self.ended = self.busy = 0
            if _SLICE_MET in self.columns:
                at = self.columns.index(_SLICE_MET)
                self.exclusions.slice_closed(end - SLICE_NS, end, slice(at, at + 2), self.row())
        self.slice_end_ns = (now // SLICE_NS + 1) * SLICE_NS


def _ending_shape(plan: BurnPlan) -> tuple[RingShape]:
    return (RingShape(step=plan.units_per_period // ENDING_BUCKETS, buckets=ENDING_BUCKETS),)
