"""From cells and lines to what Textual draws. Text is never read as markup."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from textual.content import Content

from infrafabric.top.charts import bar
from infrafabric.top.states import STYLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infrafabric.top import charts
    from infrafabric.top.columns import Cell


def paint(cells: Iterable[Cell]) -> Content:
    """One line of cells."""
    return Content.assemble(*(styled(cell.text, cell.style) for cell in cells))


def styled(text: str, style: str = "") -> Content:
    """Text in one of the named styles."""
    return Content.styled(text, STYLES[style])


def paint_chart(line: Iterable[charts.Cell]) -> Content:
    """One line of a chart."""
    runs = groupby(line, key=lambda cell: cell.style)
    return Content.assemble(*(styled("".join(cell.character for cell in run), style) for style, run in runs))


def paint_bar(ratio: float | None, width: int, style: str) -> Content:
    """How full something is; what is free is drawn quietly."""
    drawn = bar(ratio, width)
    full = drawn.rstrip("·")
    return styled(full, style) + styled(drawn[len(full) :], "quiet")
