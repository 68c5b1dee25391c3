"""Charts of characters: blocks for how much, braille for how it went.

Braille has two by four dots to a cell, which makes a curve of some twenty rows of numbers readable in five lines.
Every chart has exactly the width asked for. What was not measured is a gap, never a zero.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_BAR: Final = "▏▎▍▌▋▊▉█"
#: The bit of a braille dot by its row and column in the cell (https://www.unicode.org/charts/PDF/U2800.pdf).
_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BRAILLE: Final = 0x2800


@attrs.frozen
class Series:
    """A curve: its values at equal steps, and the style that it is drawn in."""

    values: tuple[float | None, ...]
    style: str


@attrs.frozen
class Cell:
    """One cell of a chart."""

    character: str
    style: str


def sparkline(values: Sequence[float | None], width: int, *, top: float | None = None) -> str:
    """One line, ``width`` wide, with the newest at its right; ``top`` is what fills a cell (None: the largest).

    >>> sparkline([0, 1, 2, 4, None, 8], 6)
    ' ▁▂▄ █'
    """
    bins = resample(values, width)
    highest = top if top is not None else max((value for value in bins if value is not None), default=0.0)
    return "".join(_block(value, highest) for value in bins)


def _block(value: float | None, highest: float) -> str:
    if value is None or value <= 0 or highest <= 0:
        return " "
    return _BLOCKS[min(7, max(0, math.ceil(8 * value / highest) - 1))]


def resample(values: Sequence[float | None], width: int) -> tuple[float | None, ...]:
    """Exactly ``width`` values: the mean of each stretch, or each several times where there are fewer.

    >>> resample([1, 3, None, None, 5, 7], 3), resample([1, None], 4), resample([], 2)
    ((2.0, None, 6.0), (1, 1, None, None), (None, None))
    """
    if width <= 0 or not values:
        return (None,) * max(0, width)
    if len(values) <= width:
        return tuple(values[place * len(values) // width] for place in range(width))
    edges = [round(index * len(values) / width) for index in range(width + 1)]
    return tuple(_mean(values[start:end]) for start, end in pairwise(edges))


def stretch(
    points: Iterable[tuple[float, float | None]], start: float, end: float, width: int
) -> tuple[float | None, ...]:
    """Values at ``width`` equal steps from ``start`` to ``end``: of each step the last point in it, else a gap."""
    found: list[float | None] = [None] * width
    length = end - start
    for at, value in points:
        if length > 0 and start <= at <= end and width:
            found[min(width - 1, int((at - start) / length * width))] = value
    return tuple(found)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def bar(ratio: float | None, width: int) -> str:
    """How full something is, ``width`` wide; above 1 it is full, and what is more than nothing shows.

    >>> bar(0.5, 4), bar(0.0, 4), bar(7.0, 2), bar(1e-9, 2)
    ('██··', '····', '██', '▏·')
    """
    if ratio is None:
        return " " * width
    eighths = min(8 * width, max(0, round(8 * width * ratio)))
    if ratio > 0:
        eighths = max(1, eighths)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_BAR[rest - 1] if rest else "")).ljust(width, "·")


def plot(series: Sequence[Series], width: int, height: int, *, low: float, high: float) -> list[list[Cell]]:
    """Curves in ``height`` lines of ``width`` cells; a later series is drawn over an earlier one.

    A curve joins its points; where a value is None it is interrupted. What lies outside ``low`` and ``high`` runs
    along the edge.
    """
    bits = [[0] * width for _ in range(height)]
    styles = [[""] * width for _ in range(height)]
    for one in series:
        for column, row in _dots(one.values, 2 * width, 4 * height, low, high):
            line, cell = row // 4, column // 2
            if styles[line][cell] != one.style:
                bits[line][cell], styles[line][cell] = 0, one.style
            bits[line][cell] |= _DOTS[row % 4][column % 2]
    return [
        [Cell(chr(_BRAILLE + bit) if bit else " ", style) for bit, style in zip(row_bits, row_styles, strict=True)]
        for row_bits, row_styles in zip(bits, styles, strict=True)
    ]


def _dots(
    values: Sequence[float | None], columns: int, rows: int, low: float, high: float
) -> Iterable[tuple[int, int]]:
    """The dots of a curve, each step joined to the one before by a vertical run."""
    last: int | None = None
    reach = high - low
    for column in range(columns if values else 0):
        value = values[min(len(values) - 1, column * len(values) // columns)]
        if value is None or reach <= 0 or not math.isfinite(value):
            last = None
            continue
        row = rows - 1 - round(min(1.0, max(0.0, (value - low) / reach)) * (rows - 1))
        start = row if last is None else last + (row > last) - (row < last)
        for between in range(min(start, row), max(start, row) + 1):
            yield column, between
        last = row
