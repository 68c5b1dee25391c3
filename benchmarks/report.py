"""How results are told: a table for the terminal, plain data for a file, a page for the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from rich.table import Table

from benchmarks.curves import Curve
from benchmarks.figures import Row
from benchmarks.grids import Grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_HEADINGS = ("what", "ours", "beside", "theirs", "ratio (quartiles)", "bar", "met")


@attrs.frozen
class Chapter:
    """The rows of one suite under its title, and how costs grow."""

    name: str
    title: str
    rows: tuple[Row, ...]
    curves: tuple[Curve, ...] = ()
    grids: tuple[Grid, ...] = ()

    @classmethod
    def of(cls, name: str, title: str, items: Iterable[Row | Curve | Grid]) -> Chapter:
        """Sort what a suite found. A curve with a bar is a line as well; a peer's stands in its table alone."""
        found = list(items)
        curves = tuple(item for item in found if isinstance(item, Curve))
        return cls(
            name=name,
            title=title,
            rows=tuple(item for item in found if isinstance(item, Row))
            + tuple(curve.row() for curve in curves if curve.bar is not None),
            curves=curves,
            grids=tuple(item for item in found if isinstance(item, Grid)),
        )


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
                {
                    "name": chapter.name,
                    "title": chapter.title,
                    "rows": [row.to_dict() for row in chapter.rows],
                    "curves": [curve.to_dict() for curve in chapter.curves],
                    "grids": [grid.to_dict() for grid in chapter.grids],
                }
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


def tables(chapter: Chapter) -> Iterator[Table]:
    """One suite for the terminal."""
    if chapter.rows:
        yield _rows_table(chapter)
    for what, curves in by_what(chapter.curves):
        yield _plain_table(f"{what}, {curves[0].unit}", curve_cells(curves))
    for grid in chapter.grids:
        yield _plain_table(f"{grid.what}, {grid.unit}", grid_cells(grid))


def _plain_table(title: str, lines: Sequence[Sequence[str]]) -> Table:
    made = Table(*lines[0], title=title, title_justify="left")
    for line in lines[1:]:
        made.add_row(*line)
    return made


def _rows_table(chapter: Chapter) -> Table:
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


def by_what(curves: Iterable[Curve]) -> list[tuple[str, list[Curve]]]:
    """The curves that belong into one table, each under what they show."""
    found: dict[str, list[Curve]] = {}
    for curve in curves:
        found.setdefault(curve.what, []).append(curve)
    return list(found.items())


def curve_cells(curves: Sequence[Curve]) -> list[list[str]]:
    """Curves of one kind: a line for each, a column for each place on the axis, and the exponent."""
    places = sorted({x for curve in curves for x, _ in curve.points})
    lines = [["", *map(curves[0].label, places), "exponent"]]
    for curve in curves:
        known = dict(curve.points)
        values = [figure(known[x]) if x in known else "-" for x in places]
        lines.append([curve.who, *values, f"{curve.exponent:.2f}"])
    return lines


def grid_cells(grid: Grid) -> list[list[str]]:
    """A grid with its notes."""
    heading = ["", *grid.columns, "why"]
    shown = (["-" if value is None else figure(value) for value in line.values] for line in grid.lines)
    return [heading, *([line.name, *values, line.note] for line, values in zip(grid.lines, shown, strict=True))]


def markdown_cells(lines: Sequence[Sequence[str]]) -> str:
    """Some lines of cells, the first of which is the heading, for the documentation."""
    rows = [list(lines[0]), ["---"] * len(lines[0]), *lines[1:]]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)
