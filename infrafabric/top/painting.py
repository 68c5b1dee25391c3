"""From cells and lines to what Textual draws. Text is never read as markup."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, Final

from textual.content import Content

from infrafabric.errors import escape
from infrafabric.top.charts import bar
from infrafabric.top.states import STYLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infrafabric.top import charts
    from infrafabric.top.columns import Cell

#: A longer text is cut: nobody reads it here.
_TEXT_MAX: Final = 2_000


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


def folded(text: str, width: int, *, indent: int = 0) -> Iterator[Content]:
    """A text in lines of at most ``width`` cells, each indented; none of no text."""
    if text:
        yield from (styled(" " * indent + line) for line in wrapped(text, width - indent))


def wrapped(text: str, width: int, *, keep_indent: bool = False) -> list[str]:
    """Safe lines of at most ``width`` characters; at least one. ``keep_indent``: all of them as far in as the text."""
    safe = escape(text, _TEXT_MAX)
    indent = safe[: len(safe) - len(safe.lstrip())] if keep_indent else ""
    lines = textwrap.wrap(safe.strip(), max(10, width - len(indent)), break_on_hyphens=False)
    return [indent + line for line in lines] or [""]
