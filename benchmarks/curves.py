"""How a cost grows: a curve, the exponent that fits it, and the bar that it is no worse than linear.

The exponent is the slope of a straight line through the points on logarithmic axes: 0 is flat, 1 linear, 2 quadratic.
A fixed cost would bend such a curve towards flat and hide what comes after it, so the least cost is taken off, and only
the part is fitted in which the cost has left it. Fitting a polynomial was rejected: its coefficients have units, and
say less.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any

import attrs

from benchmarks.figures import Bar, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: A cost has left its floor where it is so many times the least.
_ABOVE_FLOOR = 1.5
#: What noise may add to the exponent of what is linear.
LINEAR_MARGIN = 0.15
LINEAR = Bar(limit=1 + LINEAR_MARGIN, unit="(linear, and a margin)")


def exponent(points: Sequence[tuple[float, float]], *, from_floor: bool = True) -> float:
    """The power of x with which y grows: where it grows, ``from_floor``, or over all points.

    >>> round(exponent([(1, 5), (10, 5), (100, 5)]), 2)
    0.0
    >>> round(exponent([(1, 10.1), (10, 11), (100, 20), (1000, 110), (10000, 1010)]), 2)
    1.0
    >>> round(exponent([(1, 1), (10, 100), (100, 10000)]), 2)
    2.0
    """
    placed = sorted((x, y) for x, y in points if x > 0)
    least = min(y for _, y in placed)
    growing = [(x, y - least) for x, y in placed if y >= least * _ABOVE_FLOOR]
    if len(growing) < 2 or not from_floor:
        growing = placed
    xs, ys = [math.log(x) for x, _ in growing], [math.log(y) for _, y in growing]
    return statistics.linear_regression(xs, ys).slope


def _plain(x: float) -> str:
    return f"{x:,.0f}"


@attrs.frozen(kw_only=True)
class Curve:
    """Whose cost grows with what: points of (x, y), y in ``unit``. ``bar`` is held against the exponent.

    ``from_floor`` false is for a cost without a fixed part, as that of a thread more.
    """

    what: str
    who: str
    unit: str
    points: tuple[tuple[float, float], ...]
    bar: Bar | None = None
    label: Callable[[float], str] = _plain
    from_floor: bool = True

    @property
    def exponent(self) -> float:
        """See `exponent`."""
        return exponent(self.points, from_floor=self.from_floor)

    def row(self) -> Row:
        """The exponent as a line of the results."""
        first, last = min(self.points), max(self.points)
        return Row(
            what=f"{self.what}, {self.who}: the exponent of its growth",
            unit="",
            ours=self.exponent,
            bar=self.bar,
            note=f"{first[1]:.3g} {self.unit} at {self.label(first[0])}, {last[1]:.3g} at {self.label(last[0])}",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "what": self.what,
            "who": self.who,
            "unit": self.unit,
            "points": [list(point) for point in self.points],
            "exponent": self.exponent,
            "bar": str(self.bar) if self.bar is not None else None,
        }


def size_label(size_bytes: float) -> str:
    """A size as people write it.

    >>> size_label(0), size_label(4096), size_label(8 << 20)
    ('0 B', '4 KiB', '8 MiB')
    """
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.3g} {unit}"
    return f"{size_bytes:.0f} B"
