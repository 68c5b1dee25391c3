"""The line that says whether what is shown is so now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infrafabric.errors import escape
from infrafabric.top import figures
from infrafabric.top.columns import Cell
from infrafabric.top.painting import paint
from infrafabric.top.snapshot import clock

if TYPE_CHECKING:
    from textual.content import Content

    from infrafabric.top.feed import Seen

#: An answer that is late by so many intervals, and at least by so many seconds, makes what is shown stale.
_LATE_INTERVALS: Final = 3
_LATE_SECONDS: Final = 5.0


def is_stale(seen: Seen, now: float, interval_seconds: float, *, is_live: bool) -> bool:
    """Whether what is shown may no longer be so."""
    if seen.error is not None:
        return True
    late = max(_LATE_SECONDS, _LATE_INTERVALS * interval_seconds)
    return is_live and seen.answered_at is not None and now - seen.answered_at > late


def status_line(seen: Seen, source_name: str, now: float, interval_seconds: float, *, is_live: bool) -> Content:
    """Where from, how fresh, and when it is not: since when, and why."""
    name = escape(source_name, 100)
    if not is_stale(seen, now, interval_seconds, is_live=is_live):
        if seen.answered_at is None:
            return paint([Cell(f"asking {name} ...", "quiet")])
        every = f"live, every {interval_seconds:g} s" if is_live else "a file: nothing will change"
        return paint([Cell(f"{name}  "), Cell(every, "quiet")])
    why = seen.error or f"{name} has not answered"
    if seen.answered_at is None:
        return paint([Cell(" NO ANSWER ", "bad"), Cell(f" {why}")])
    ago = figures.span(max(0.0, now - seen.answered_at))
    return paint([Cell(f" STALE since {clock(seen.answered_at)} UTC ({ago}) ", "bad"), Cell(f" {why}")])
