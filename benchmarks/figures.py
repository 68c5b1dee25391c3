"""The records of a measurement: a figure of ours beside a peer's, their ratio, and the bar it has to meet.

A ratio is taken pair by pair, within one round, and then summed up: whatever the machine was doing in that round
slowed both. The quotient of two medians was rejected: the medians may come from different minutes.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence


@attrs.frozen
class Spread:
    """Median, first and third quartile of a series: half of it lies between these."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Sum up a series of at least one value."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours over theirs, pair by pair.

    >>> ratios([1.0, 2.0, 9.0], [2.0, 4.0, 3.0])
    Spread(median=0.5, low=0.5, high=1.75)
    """
    return Spread.of([our / their for our, their in zip(ours, theirs, strict=True)])


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that ``percent`` of the series do not exceed (nearest rank).

    >>> percentile([1.0, 2.0, 3.0, 4.0], 50), percentile([1.0, 2.0, 3.0, 4.0], 99)
    (2.0, 4.0)
    """
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]


@attrs.frozen(kw_only=True)
class Bar:
    """What a figure has to meet.

    ``of`` is "ours" (the figure itself), "ratio" (ours over theirs, in time) or "speed" (theirs over ours).
    """

    limit: float
    at_most: bool = True
    of: str = "ours"
    unit: str = ""

    def __str__(self) -> str:
        sign = "<=" if self.at_most else ">="
        unit = {"ratio": "x the time", "speed": "x the speed"}.get(self.of, self.unit)
        return f"{sign} {self.limit:g} {unit}".rstrip()

    def is_met(self, row: Row) -> bool | None:
        """Whether the row meets it, by its medians; None without the peer that it is about."""
        if self.of == "ours":
            value = row.ours
        elif row.ratio is None:
            value = None
        else:
            value = row.ratio.median if self.of == "ratio" else 1 / row.ratio.median
        if value is None:
            return None
        return value <= self.limit if self.at_most else value >= self.limit


def at_most(limit: float, unit: str) -> Bar:
    """A bar for the figure itself."""
    return Bar(limit=limit, unit=unit)


@attrs.frozen(kw_only=True)
class Row:
    """One line of the results. Figures are medians in ``unit``; ``ratio`` is ours over theirs.

    ``missing`` names a peer that could not take part, and why.
    """

    what: str
    unit: str
    ours: float | None = None
    peer: str = ""
    theirs: float | None = None
    ratio: Spread | None = None
    bar: Bar | None = None
    note: str = ""
    missing: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None without a bar, or without the peer it speaks of."""
        return self.bar.is_met(self) if self.bar is not None else None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "what": self.what,
            "ours": self.ours,
            "unit": self.unit,
            "peer": self.peer or None,
            "theirs": self.theirs,
            "ratio": attrs.asdict(self.ratio) if self.ratio is not None else None,
            "bar": str(self.bar) if self.bar is not None else None,
            "met": self.met,
            "note": self.note,
            "missing": self.missing or None,
        }


@attrs.frozen
class Effort:
    """How long to measure: in full, or ``quick`` for a first look."""

    quick: bool = False

    def pick(self, quick: int, full: int) -> int:
        """One of two numbers."""
        return quick if self.quick else full
