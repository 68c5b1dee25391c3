"""How results are told: a table for the terminal, plain data for a file, a page for the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.figures import Row

_HEADINGS = ("what", "ours", "beside", "theirs", "ratio (least to greatest)", "bar", "met")


@attrs.frozen
class Chapter:
    """The rows of one suite under its title."""

    name: str
    title: str
    rows: tuple[Row, ...]


@attrs.frozen(kw_only=True)
class Results:
    """One run: on what, how thoroughly, for how long, and what came of it."""

    machine: dict[str, Any]
    quick: bool
    seconds: float
    chapters: tuple[Chapter, ...]

    @property
    def missing(self) -> list[str]:
        """The peers that could not take part, each with the reason."""
        return sorted({row.missing for chapter in self.chapters for row in chapter.rows if row.missing})

    @property
    def judged(self) -> list[Row]:
        """The rows that have a bar."""
        return [row for chapter in self.chapters for row in chapter.rows if row.bar is not None]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "machine": self.machine,
            "quick": self.quick,
            "seconds": round(self.seconds, 1),
            "suites": [
                {"name": chapter.name, "title": chapter.title, "rows": [row.to_dict() for row in chapter.rows]}
                for chapter in self.chapters
            ],
        }


def figure(value: float) -> str:
    """A number in three digits or more, as people write it.

    >>> [figure(x) for x in (0.0123, 1.5, 12.345, 1234.5, 0.0)]
    ['0.0123', '1.5', '12.3', '1,234', '0']
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cells(row: Row) -> tuple[str, ...]:
    """The texts of one line."""
    ratio = row.ratio
    return (
        row.what,
        "-" if row.ours is None else f"{figure(row.ours)} {row.unit}",
        row.peer,
        "" if row.theirs is None else f"{figure(row.theirs)} {row.unit}",
        "" if ratio is None else f"{figure(ratio.median)} ({figure(ratio.low)} to {figure(ratio.high)})",
        "" if row.bar is None else str(row.bar),
        verdict(row),
    )


def verdict(row: Row) -> str:
    """What became of the bar."""
    if row.bar is None:
        return ""
    return {True: "yes", False: "no", None: "not measured"}[row.met]


def missing(row: Row) -> str:
    """Who could not take part, and why."""
    return f"missing peer: {row.missing}" if row.missing else ""


def table(chapter: Chapter) -> Table:
    """One suite for the terminal."""
    made = Table(title=chapter.title, title_justify="left", show_lines=False)
    for heading in _HEADINGS:
        made.add_column(heading, overflow="fold")
    for row in chapter.rows:
        made.add_row(*cells(row), style="red" if row.met is False else None)
    return made


def markdown_table(rows: Iterable[Row], *, notes: bool = True) -> str:
    """Some rows for the documentation."""
    headings = (*_HEADINGS, "note") if notes else _HEADINGS
    lines = [f"| {' | '.join(headings)} |", "|" + "---|" * len(headings)]
    for row in rows:
        texts = (*cells(row), "; ".join(filter(None, (row.note, missing(row))))) if notes else cells(row)
        lines.append(f"| {' | '.join(text.replace('|', chr(92) + '|') for text in texts)} |")
    return "\n".join(lines)
