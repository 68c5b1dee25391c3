"""The overview as a table: which columns a width has room for, in which order rows stand, and which a filter keeps.

Cells are text with the name of a style, so that the live view and the plain snapshot are one table.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

import attrs

from infrafabric.board.records import LOW_BUDGET_RATIO
from infrafabric.errors import escape
from infrafabric.top import figures
from infrafabric.top.charts import sparkline
from infrafabric.top.states import enforcement_look, look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from infrafabric.board.records import OverviewRow
    from infrafabric.top.states import Look


@attrs.frozen
class Cell:
    """Text that is safe to show, and how."""

    text: str
    style: str = ""


@attrs.frozen(kw_only=True)
class Column:
    """A column: ``width`` cells of it, shown where the terminal has at least ``from_width``; 0 takes what is left."""

    title: str
    width: int
    value: Callable[[OverviewRow], Cell]
    from_width: int = 0
    is_number: bool = True


#: What identifies a row from one look to the next.
RowKey = tuple[str, str | None, str]

#: Names in rows are cut at this many characters, whatever the width of the terminal.
_NAME_MAX: Final = 120
#: The name has so many cells before the chart of the last hour gets more than its least, up to one for each minute.
_NAME_ENOUGH: Final = 32
_CHART_MIN: Final = 12
_CHART_MAX: Final = 60
#: Two cells between columns from this width on.
_ROOMY: Final = 100


def key_of(row: OverviewRow) -> RowKey:
    """What identifies a row."""
    return row.swarm_id, row.task, row.objective


def subject(row: OverviewRow) -> str:
    """The swarm, or the task of it, that a row is about."""
    return escape(row.swarm_id if row.task is None else f"{row.swarm_id}/{row.task}", _NAME_MAX)


def look_of(row: OverviewRow) -> Look:
    """How a row looks: what its budget policy does to the swarm is told before the state of the objective."""
    shut = enforcement_look(row.enforcement)
    return shut if shut is not None and shut.is_trouble else look(row.state)


def _state(row: OverviewRow) -> Cell:
    seen = look_of(row)
    return Cell(f"{seen.symbol} {escape(seen.word, 20)}", seen.style)


def _kept(row: OverviewRow) -> Cell:
    missed = row.sli is not None and row.sli < row.objective_ratio
    return Cell(figures.kept(row.sli), "bad" if missed else "")


def _left(row: OverviewRow) -> Cell:
    left = row.budget_remaining_ratio
    style = "quiet" if row.sli is None else "bad" if left <= 0 else "warn" if left < LOW_BUDGET_RATIO else "good"
    return Cell(figures.budget(left), style)


def _burn(row: OverviewRow) -> Cell:
    return Cell(figures.burn(row.burn_rate), "warn" if row.burn_rate is not None and row.burn_rate > 1 else "")


def _gone_in(row: OverviewRow) -> Cell:
    if row.state == "exhausted" or row.budget_remaining_ratio <= 0:
        return Cell("gone", "bad")
    return Cell(figures.span(row.seconds_to_exhaustion))


_COLUMNS: Final = (
    Column(title="state", width=14, value=_state, is_number=False),
    Column(title="swarm", width=0, value=lambda row: Cell(subject(row)), is_number=False),
    Column(title="objective", width=12, value=lambda row: Cell(escape(row.objective, 40)), is_number=False),
    Column(title="kept", width=7, value=_kept),
    Column(title="of", width=7, value=lambda row: Cell(figures.kept(row.objective_ratio), "quiet"), from_width=90),
    Column(title="left", width=6, value=_left),
    Column(title="burn", width=6, value=_burn),
    Column(title="gone in", width=7, value=_gone_in),
    Column(title="/s", width=5, value=lambda row: Cell(figures.rate(row.tasks_per_second))),
    Column(title="p50", width=6, value=lambda row: Cell(figures.latency(row.p50_seconds)), from_width=118),
    Column(title="p95", width=6, value=lambda row: Cell(figures.latency(row.p95_seconds)), from_width=104),
    Column(title="p99", width=6, value=lambda row: Cell(figures.latency(row.p99_seconds)), from_width=118),
    Column(
        title="last hour",
        width=_CHART_MIN,
        value=lambda row: Cell(sparkline(row.activity, _CHART_MIN), "info"),
        from_width=134,
        is_number=False,
    ),
)


@attrs.frozen(kw_only=True)
class Layout:
    """Columns with the cells that each has, and the cells between them."""

    columns: tuple[tuple[Column, int], ...]
    gap: int

    def head(self) -> Cell:
        """The line of titles."""
        texts = (fit(column.title, width, right=column.is_number) for column, width in self.columns)
        return Cell((" " * self.gap).join(texts), "head")

    def line(self, row: OverviewRow) -> tuple[Cell, ...]:
        """The cells of one row, with the gaps between them."""
        cells: list[Cell] = []
        for column, width in self.columns:
            if cells:
                cells.append(Cell(" " * self.gap))
            cell = column.value(row)
            cells.append(attrs.evolve(cell, text=fit(cell.text, width, right=column.is_number)))
        return tuple(cells)


def layout(width: int, *, with_charts: bool = True) -> Layout:
    """The columns that ``width`` cells have room for; the narrowest layout wants 72."""
    chosen = [
        column for column in _COLUMNS if column.from_width <= width and (with_charts or column.title != "last hour")
    ]
    gap = 2 if width >= _ROOMY else 1
    left = width - sum(column.width for column in chosen) - gap * (len(chosen) - 1)
    if chosen[-1].title == "last hour" and left > _NAME_ENOUGH:
        more = min(left - _NAME_ENOUGH, _CHART_MAX - _CHART_MIN)
        chosen[-1], left = _charted(chosen[-1], _CHART_MIN + more), left - more
    return Layout(columns=tuple((column, column.width or max(8, left)) for column in chosen), gap=gap)


def _charted(column: Column, width: int) -> Column:
    return attrs.evolve(column, width=width, value=lambda row: Cell(sparkline(row.activity, width), "info"))


def fit(text: str, width: int, *, right: bool = False) -> str:
    """``text`` in exactly ``width`` cells, cut with an ellipsis where it is longer.

    >>> fit("swarm", 7), fit("12", 4, right=True), fit("a long name", 6), fit("日本語", 5)
    ('swarm  ', '  12', 'a lon…', '日本…')
    """
    cells = sum(map(cells_of, text))
    if cells > width:
        kept, cells = "", 0
        for character in text:
            if cells + cells_of(character) > width - 1:
                break
            kept, cells = kept + character, cells + cells_of(character)
        text, cells = kept + "…", cells + 1
    padding = " " * max(0, width - cells)
    return padding + text if right else text + padding


def cells_of(character: str) -> int:
    """How many cells a terminal gives a character: 0, 1 or 2."""
    if character.isascii():
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


# --- which rows, in which order --------------------------------------------------------------------


def _subject_key(row: OverviewRow) -> tuple[str, str, str]:
    return row.swarm_id, row.task or "", row.objective


#: The orders there are, by what they are called; None is the board's own, the worst first.
ORDERS: Final[tuple[tuple[str, Callable[[OverviewRow], object] | None], ...]] = (
    ("worst first", None),
    ("by swarm", _subject_key),
    ("least budget first", lambda row: (row.budget_remaining_ratio, _subject_key(row))),
    ("fastest burn first", lambda row: (-(row.burn_rate or 0.0), _subject_key(row))),
    ("busiest first", lambda row: (-row.tasks_per_second, _subject_key(row))),
    ("slowest first", lambda row: (-(row.p95_seconds or 0.0), _subject_key(row))),
)


def ordered(rows: Sequence[OverviewRow], order: int) -> tuple[OverviewRow, ...]:
    """The rows in one of `ORDERS`."""
    sort_key = ORDERS[order % len(ORDERS)][1]
    return tuple(rows) if sort_key is None else tuple(sorted(rows, key=sort_key))  # type: ignore[arg-type] # of one kind


def matching(rows: Iterable[OverviewRow], words: str) -> tuple[OverviewRow, ...]:
    """The rows in which every word stands somewhere: in swarm, task, objective, version, or the name of a state."""
    wanted = words.casefold().split()
    return tuple(row for row in rows if all(word in _searched(row) for word in wanted))


def _searched(row: OverviewRow) -> str:
    shown = (subject(row), row.objective, row.version, row.state, look(row.state).word, look_of(row).word)
    return " ".join(shown).casefold()
