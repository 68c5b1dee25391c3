"""Maintenance: stretches of time whose events do not burn, with a reason and an author.

An exclusion stores no events. It remembers the running totals where it begins and where it ends; what it covers of a
window is a subtraction, exact however coarse the rings have become since. Dropping the events when they arrive was
rejected: an exclusion could then neither be declared afterwards nor withdrawn, and the raw numbers would be gone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from infrafabric.telemetry.slo.burn import PERIOD_BUCKETS
from infrafabric.telemetry.slo.objectives import PERIOD_SECONDS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Exclusions that may be remembered at once; those older than the period are forgotten.
EXCLUSIONS_MAX: Final = 256
#: An end on the time line that is never reached; times up to the year 2200 lie before it.
NEVER_NS: Final = 2**63
_TIME_MAX: Final = 7.2e9
_TEXT_MAX: Final = 1_000
_WIDEST_BUCKET_NS: Final = PERIOD_SECONDS_MAX * 10**9 // PERIOD_BUCKETS

#: Totals where an exclusion begins and where it ends.
Rows: TypeAlias = tuple[list[int] | None, list[int] | None]


@attrs.frozen(kw_only=True)
class Exclusion:
    """One stretch of maintenance. Times are epoch seconds; an ``end`` of None means until it is ended.

    ``state`` is planned, active or ended.
    """

    number: int
    start: float
    end: float | None
    reason: str
    author: str
    state: str

    @property
    def name(self) -> str:
        """Its number as text: its place in a snapshot's plain data."""
        return str(self.number)


@attrs.define(kw_only=True)
class _Entry:
    """An exclusion with its place on the time line and the totals there (None: not reached yet)."""

    number: int
    start: float
    end: float | None
    reason: str
    author: str
    start_ns: int
    end_ns: int
    before: list[int] | None = None
    after: list[int] | None = None

    @property
    def reach_ns(self) -> int:
        """Beyond the last event it may cover: its end was rounded up to a bucket, or to the end of a slice."""
        return self.end_ns + _WIDEST_BUCKET_NS


class ExclusionBook:
    """The exclusions of one swarm. ``next_ns`` is the next place on the time line where totals must be remembered."""

    __slots__ = ("_entries", "_next_number", "next_ns", "version")

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._next_number = 1
        self.next_ns = NEVER_NS
        self.version = 0

    def __bool__(self) -> bool:
        return bool(self._entries)

    def add(
        self, start: float, end: float | None, *, reason: str, author: str, places: tuple[int, int], rows: Rows
    ) -> int:
        """Remember an exclusion that passed `check` and give its number. `ValueError` when there are too many.

        ``places`` are its start and end on the time line (`NEVER_NS`: open), ``rows`` the totals there, None for what
        lies ahead.
        """
        if len(self._entries) >= EXCLUSIONS_MAX:
            raise ValueError(
                f"{EXCLUSIONS_MAX} exclusions are remembered already, the most there can be; withdraw one first"
            )
        entry = _Entry(
            number=self._next_number,
            start=start,
            end=end,
            reason=reason,
            author=author,
            start_ns=places[0],
            end_ns=places[1],
            before=rows[0],
            after=rows[1],
        )
        self._next_number += 1
        self._entries.append(entry)
        self._changed()
        return entry.number

    def end(self, number: int, now: float, timeline_ns: int, totals: Sequence[int]) -> None:
        """End an exclusion now. `LookupError` when there is none of that number, `ValueError` when it is not active."""
        entry = self._entry(number)
        if entry.before is None or entry.after is not None:
            state = "ended" if entry.before else "not begun"
            raise ValueError(f"exclusion {number} has {state}; only one that is running can be ended")
        entry.end, entry.end_ns, entry.after = max(now, entry.start), timeline_ns, list(totals)
        self._changed()

    def withdraw(self, number: int) -> None:
        """Forget an exclusion: its events count again. `LookupError` when there is none of that number."""
        self._entries.remove(self._entry(number))
        self._changed()

    def cross(self, totals: Sequence[int]) -> None:
        """The time line stands at ``next_ns`` with these totals."""
        for entry in self._entries:
            if entry.before is None and entry.start_ns <= self.next_ns:
                entry.before = list(totals)
            if entry.before is not None and entry.after is None and entry.end_ns <= self.next_ns:
                entry.after = list(totals)
        self._changed()

    def slice_closed(self, start_ns: int, end_ns: int, columns: slice, totals: Sequence[int]) -> None:
        """A throughput slice was counted at its end: one that began inside an exclusion belongs to it."""
        for entry in self._entries:
            if entry.after is not None and start_ns < entry.end_ns <= end_ns:
                entry.after[columns] = totals[columns]

    def replan(self, place: Callable[[float], int]) -> None:
        """Move what lies ahead to where the wall clock now puts it."""
        for entry in self._entries:
            if entry.before is None:
                entry.start_ns = place(entry.start)
            if entry.after is None and entry.end is not None:
                entry.end_ns = max(entry.start_ns, place(entry.end))
        self._find_next()

    def excused(self, start_ns: int, counts: Sequence[int], totals: Sequence[int]) -> list[int] | None:
        """Which of a window's ``counts`` exclusions cover, per column; None when they cover none.

        Totals only grow, so the later of two places on the line is the larger of two totals, column by column: that
        clips an exclusion to the window and to the exclusion before it.
        """
        touching = [(e.before, e.after or totals) for e in self._entries if e.before and e.reach_ns >= start_ns]
        if not touching:
            return None
        seen = [total - count for total, count in zip(totals, counts, strict=True)]
        excused = [0] * len(seen)
        for before, after in sorted(touching):
            for column, (start, end) in enumerate(zip(before, after, strict=True)):
                begin = max(start, seen[column])
                if end > begin:
                    excused[column] += end - begin
                    seen[column] = end
        return excused if any(excused) else None

    def ranges(self, totals: Sequence[int]) -> list[list[tuple[int, int]]]:
        """What is excluded of all that was ever counted: for each column disjoint stretches of totals, in order."""
        covered = sorted((e.before, e.after or totals) for e in self._entries if e.before)
        found: list[list[tuple[int, int]]] = [[] for _ in totals]
        for before, after in covered:
            for stretches, start, end in zip(found, before, after, strict=True):
                begin = max(start, stretches[-1][1]) if stretches else start
                if end > begin:
                    stretches.append((begin, end))
        return found

    def forget(self, before_ns: int) -> None:
        """Drop the exclusions that ended before this place on the line."""
        if any(entry.reach_ns < before_ns for entry in self._entries):
            self._entries = [entry for entry in self._entries if entry.reach_ns >= before_ns]
            self._changed()

    def listed(self) -> tuple[Exclusion, ...]:
        """All exclusions, by number."""
        return tuple(
            Exclusion(
                number=e.number,
                start=e.start,
                end=e.end,
                reason=e.reason,
                author=e.author,
                state="planned" if e.before is None else "active" if e.after is None else "ended",
            )
            for e in self._entries
        )

    def dump(self) -> dict[str, Any]:
        """Plain data for `restore`."""
        return {"next_number": self._next_number, "entries": [attrs.asdict(entry) for entry in self._entries]}

    def restore(self, state: dict[str, Any], map_row: Callable[[list[int]], list[int]]) -> None:
        """Take over what `dump` gave; ``map_row`` fits a row of totals to the counters of today."""
        self._next_number = state["next_number"]
        self._entries = [_Entry(**entry) for entry in state["entries"]]
        for entry in self._entries:
            entry.before = None if entry.before is None else map_row(entry.before)
            entry.after = None if entry.after is None else map_row(entry.after)
        self._changed()

    def _entry(self, number: int) -> _Entry:
        for entry in self._entries:
            if entry.number == number:
                return entry
        known = ", ".join(str(entry.number) for entry in self._entries) or "none"
        raise LookupError(f"there is no exclusion {number}; known: {known}")

    def _changed(self) -> None:
        self.version += 1
        self._find_next()

    def _find_next(self) -> None:
        ahead = [NEVER_NS]
        for entry in self._entries:
            if entry.before is None:
                ahead.append(entry.start_ns)
            if entry.after is None:
                ahead.append(entry.end_ns)
        self.next_ns = min(ahead)


def check(start: float, end: float | None, reason: str, author: str) -> None:
    """Refuse, with a `ValueError`, times that are no times and what could not be explained to anybody later."""
    for name, moment in (("start", start), ("end", end)):
        if moment is not None and not (math.isfinite(moment) and 0 <= moment <= _TIME_MAX):
            raise ValueError(f"the exclusion's {name} is {moment!r}; expected epoch seconds from 0 to {_TIME_MAX:g}")
    if end is not None and end <= start:
        raise ValueError(f"the exclusion ends at {end:.3f}, which is not after its start at {start:.3f}")
    for name, text in (("reason", reason), ("author", author)):
        if not text.strip() or len(text) > _TEXT_MAX:
            raise ValueError(f"the exclusion's {name} has {len(text)} characters; expected 1 to {_TEXT_MAX}, not blank")
