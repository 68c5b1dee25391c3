"""The objectives of a swarm's page: budget and burn over time, and each alert with its reason in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content

from infrafabric.errors import escape
from infrafabric.top import figures
from infrafabric.top.charts import Cell as ChartCell
from infrafabric.top.charts import Series, plot, resample, stretch
from infrafabric.top.columns import Cell, fit
from infrafabric.top.painting import folded, paint, paint_chart, styled
from infrafabric.top.snapshot import clock
from infrafabric.top.states import look

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infrafabric.board.records import BurnSeries, ObjectivePage, SwarmPage

_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_BUDGET_LINES: Final = 6
#: Cells before a chart, for what its lines stand for.
_MARGIN: Final = 9
#: The explanations of an objective, in the order in which they are read.
_SENTENCES: Final = ("state", "sli", "budget", "burn_rate", "exhaustion")


def objectives(page: SwarmPage, width: int) -> Iterator[Content]:
    """Each objective: what its numbers say, its budget against the ideal line, its burn against the thresholds."""
    if not page.objectives:
        yield styled("The contract promises nothing.", "quiet")
    for number, objective in enumerate(page.objectives):
        if number:
            yield Content("")
        yield _title(objective)
        for name in _SENTENCES:
            if name in objective.sentences:
                yield from folded(objective.sentences[name], width, indent=2)
        yield Content("")
        yield from _budget(objective, width)
        yield Content("")
        yield from _burn(objective.burn, width)


def _title(objective: ObjectivePage) -> Content:
    seen = look(objective.state)
    name = objective.name if objective.task is None else f"{objective.task}: {objective.name}"
    period = f"  over {figures.span(objective.period_seconds)}"
    return paint(
        [
            Cell(f"{seen.symbol} {escape(seen.word, 20)}  ", seen.style),
            Cell(escape(name, 80), "head"),
            Cell(period, "quiet"),
        ]
    )


def _budget(objective: ObjectivePage, width: int) -> Iterator[Content]:
    """The budget left over the period, over the line that uses it up evenly."""
    now = next((point.value for point in reversed(objective.budget) if point.value is not None), None)
    curve = "bad" if now is not None and now <= 0 else "info"
    yield paint(
        [
            Cell(f"  budget left {'' if now is None else figures.budget(now)}", "head"),
            Cell("  ⠒⠒ measured", curve),
            Cell("  ⠒⠒ the line that spends it evenly", "quiet"),
        ]
    )
    points = [(point.at, point.value) for point in objective.budget]
    values = [value for _, value in points if value is not None]
    if not values:
        yield styled("  nothing measured yet", "quiet")
        return
    cells = max(10, width - _MARGIN - 1)
    start, end = points[0][0], points[-1][0]
    low = max(-1.0, min(0.0, *values))
    measured = _joined(stretch(points, start, end, 2 * cells))
    moments = (start + (end - start) * step / (2 * cells - 1) for step in range(2 * cells))
    even = tuple(map(objective.even_ratio, moments))
    chart = plot([Series(even, "quiet"), Series(measured, curve)], cells, _BUDGET_LINES, low=low, high=1.0)
    for number, line in enumerate(chart):
        label = {0: "100%", _BUDGET_LINES - 1: figures.budget(low)}.get(number, "")
        yield paint([Cell(f"{label:>{_MARGIN - 1}} ", "quiet")]) + paint_chart(line)
    ends = f"{figures.span(end - start)} ago"
    yield styled(" " * _MARGIN + ends + f"{clock(end):>{max(0, cells - len(ends))}}", "quiet")


def _joined(values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Steps between two points hold the last value, so that few points still make a line."""
    found: list[float | None] = []
    last: float | None = None
    final = max((place for place, value in enumerate(values) if value is not None), default=-1)
    for place, value in enumerate(values):
        last = value if value is not None else last
        found.append(last if place <= final else None)
    return tuple(found)


def _burn(series: Sequence[BurnSeries], width: int) -> Iterator[Content]:
    """A line for each window: how fast it burned, in red where that was above the factor of its alert."""
    yield paint([Cell("  burn rate by window", "head"), Cell("  red above the factor of its alert", "quiet")])
    if not series:
        yield styled("  nothing measured yet", "quiet")
    for one in series:
        known = [point.value for point in one.points if point.value is not None]
        now = one.points[-1].value if one.points else None
        tail = f" {figures.burn(now):>6} of {figures.burn(one.threshold)} {fit(escape(one.severity, 8), 6)}"
        cells = max(10, width - _MARGIN - len(tail) - 1)
        top = max([one.threshold, *known])
        drawn = [_burn_cell(value, one.threshold, top) for value in resample([p.value for p in one.points], cells)]
        yield (
            paint([Cell(f"{escape(one.window, _MARGIN - 2):>{_MARGIN - 1}} ", "quiet")])
            + paint_chart(drawn)
            + paint([Cell(tail, "bad" if now is not None and now > one.threshold else "")])
        )


def _burn_cell(value: float | None, threshold: float, top: float) -> ChartCell:
    if value is None:
        return ChartCell(" ", "")
    eighths = 0 if value <= 0 or top <= 0 else max(1, min(8, round(8 * value / top)))
    return ChartCell(
        _BLOCKS[eighths] if eighths else "⠤", "bad" if value > threshold else "info" if eighths else "quiet"
    )


def alerts(page: SwarmPage, width: int) -> Iterator[Content]:
    """Every alert: its state, what it watches, and the reason in words."""
    for objective in page.objectives:
        yield _title(objective)
        tiers = objective.numbers.get("alerts", {})
        for name, reason in objective.alerts.items():
            numbers = tiers.get(name, {})
            seen = look(str(numbers.get("state", "")))
            yield paint(
                [
                    Cell(f"  {seen.symbol} {fit(escape(seen.word, 20), 12)}", seen.style),
                    Cell(f" {fit(escape(name, 40), 10)} "),
                    Cell(_watched(numbers), "quiet"),
                ]
            )
            yield from folded(reason, width, indent=4)
        yield Content("")
    if not page.objectives:
        yield styled("The contract promises nothing, so nothing can fire.", "quiet")


def _watched(numbers: dict[str, object]) -> str:
    """The two windows of an alert against its factor."""
    told = [
        f"{figures.latency(seconds)} {figures.burn(rate)}"
        for seconds, rate in (
            (numbers.get("long_seconds"), numbers.get("long_burn_rate")),
            (numbers.get("short_seconds"), numbers.get("short_burn_rate")),
        )
        if isinstance(seconds, int | float) and isinstance(rate, int | float)
    ]
    factor = numbers.get("factor")
    return (
        f"{', '.join(told)}; fires above {figures.burn(factor)}" if isinstance(factor, int | float) else ", ".join(told)
    )
