"""The overview as plain text, once: for pipes, logs and terminals that cannot be drawn on. Needs no Textual."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from infrafabric.errors import escape
from infrafabric.top import figures
from infrafabric.top.columns import layout, look_of

if TYPE_CHECKING:
    from infrafabric.board.records import Overview

#: Wide enough for every column.
_WIDTH: Final = 132


def snapshot_text(overview: Overview, source_name: str, *, width: int = _WIDTH) -> str:
    """The overview as a table of ``width`` cells, the worst first, without colours and with nothing but safe text."""
    table = layout(width, with_charts=False)
    lines = [f"{headline(overview)}, from {escape(source_name, 200)}", "", table.head().text.rstrip()]
    lines += ["".join(cell.text for cell in table.line(row)).rstrip() for row in overview.rows]
    if not overview.rows:
        lines.append("no swarm is loaded")
    return "\n".join(lines)


def headline(overview: Overview) -> str:
    """The time, how long the program has been up, how much it does, and in which states its objectives are."""
    up = figures.span(max(0.0, overview.taken_at - overview.started_at))
    swarms = f"{overview.swarms:,} swarm{'' if overview.swarms == 1 else 's'}"
    busy = f"{figures.rate(overview.tasks_per_second)} tasks/s"
    return f"{clock(overview.taken_at)} UTC, up {up}, {swarms}, {busy}, {tally(overview)}"


def tally(overview: Overview) -> str:
    """The objectives by the word for their state, the worst first.

    Only states that something is in are told: ``2 firing, 14 inactive``.
    """
    counts: dict[str, int] = {}
    for row in overview.rows:
        word = escape(look_of(row).word, 20)
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count:,} {word}" for word, count in counts.items()) or "no objectives"


def clock(at: float) -> str:
    """A time of day, in UTC like every time that the dashboard and the command line show."""
    return time.strftime("%H:%M:%S", time.gmtime(at))
