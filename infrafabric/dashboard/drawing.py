"""Small drawings as plain SVG: there without JavaScript, in print, and in a report.

Positions are percentages and texts are not scaled, so one drawing fits a phone and a wall. A picture with a view box
was rejected where there are labels: they would shrink with it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs

from infrafabric.board.records import LatencyBin

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The height of a sparkline's own coordinates; a step to the right is 1, which keeps a page of a thousand small.
SPARK_HEIGHT: Final = 28

_TICKS_MAX: Final = 6
#: No task takes less or more; what a file says beyond cannot be drawn on one axis with the rest.
_LEAST_SECONDS: Final = 1e-12
_MOST_SECONDS: Final = 1e12


@attrs.frozen
class Sparkline:
    """The path of a sparkline, the width of its own coordinates, and its greatest value."""

    line: str
    width: int
    peak: float


def sparkline(values: Sequence[float]) -> Sparkline | None:
    """A line through ``values`` from left to right; None when there is nothing to draw."""
    numbers = [value if math.isfinite(value) and value > 0 else 0.0 for value in values]
    peak = max(numbers, default=0.0)
    if len(numbers) < 2 or not peak:
        return None
    usable = SPARK_HEIGHT - 3
    points = [f"{at} {SPARK_HEIGHT - 1 - usable * (value / peak):.3g}" for at, value in enumerate(numbers)]
    return Sparkline("M" + "L".join(points), len(numbers) - 1, peak)


@attrs.frozen(kw_only=True)
class Bar:
    """One bar of a histogram: percent of the width and height of the drawing."""

    left: float
    width: float
    height: float
    from_seconds: float
    up_to_seconds: float
    tasks: int
    is_over: bool


@attrs.frozen(kw_only=True)
class Histogram:
    """A latency distribution on a logarithmic axis. ``ticks`` are (percent of the width, seconds)."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, float], ...]
    target: float | None
    tasks: int
    over: int


def histogram(bins: Sequence[LatencyBin], target_seconds: float | None) -> Histogram | None:
    """The drawing of a latency distribution; None when there is nothing to draw."""
    tasks_by_edge: dict[float, int] = {}
    for found in bins:
        if _LEAST_SECONDS <= found.up_to_seconds <= _MOST_SECONDS and found.tasks >= 0:
            tasks_by_edge[found.up_to_seconds] = tasks_by_edge.get(found.up_to_seconds, 0) + found.tasks
    known = [LatencyBin(up_to_seconds=edge, tasks=tasks_by_edge[edge]) for edge in sorted(tasks_by_edge)]
    filled = [at for at, found in enumerate(known) if found.tasks]
    if not filled:
        return None
    shown = known[max(0, filled[0] - 1) : filled[-1] + 2]
    step = shown[1].up_to_seconds / shown[0].up_to_seconds if len(shown) > 1 else 2.0
    edges = [shown[0].up_to_seconds / step, *(found.up_to_seconds for found in shown)]
    low, high = math.log(edges[0]), math.log(edges[-1])
    if target_seconds is not None and not _LEAST_SECONDS <= target_seconds <= _MOST_SECONDS:
        target_seconds = None
    if target_seconds is not None:  # the target is in sight when it is anywhere near
        low, high = min(low, math.log(target_seconds / 1.2)), max(high, math.log(target_seconds * 1.2))

    def place(at_seconds: float) -> float:
        return 100 * (math.log(at_seconds) - low) / (high - low)

    tallest = max(found.tasks for found in shown)
    bars = tuple(
        Bar(
            left=place(begin),
            width=place(end) - place(begin),
            height=100 * found.tasks / tallest,
            from_seconds=begin,
            up_to_seconds=end,
            tasks=found.tasks,
            is_over=target_seconds is not None and begin >= target_seconds,
        )
        for begin, end, found in zip(edges, edges[1:], shown, strict=False)
    )
    return Histogram(
        bars=bars,
        ticks=tuple((place(tick), tick) for tick in _ticks(math.exp(low), math.exp(high))),
        target=place(target_seconds) if target_seconds is not None else None,
        tasks=sum(bar.tasks for bar in bars),
        over=sum(bar.tasks for bar in bars if bar.is_over),
    )


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two: 1, 2 and 5 of each decade, or fewer where the range is wide."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [factor * 10.0**decade for decade in decades for factor in factors]
        found = [tick for tick in ticks if low * 1.02 <= tick <= high / 1.02]
        if len(found) <= _TICKS_MAX:
            break
    return found[:: math.ceil(len(found) / _TICKS_MAX) or 1]
