"""The charts of a run, ``benchmarks.svg`` and ``benchmarks-growth.svg``: what a task costs, and how costs grow.

Plain SVG from plain strings: a plotting library would bring thirty megabytes for two pictures, and fix their colours.
These take the reader's: the style sheet inside follows ``prefers-color-scheme``. What the shapes say is in the text
beside them, too, and colour is never the only sign.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import attrs

from benchmarks.report import by_what, figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.curves import Curve
    from benchmarks.report import Chapter

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
COSTS, GROWTH = IMAGES / "benchmarks.svg", IMAGES / "benchmarks-growth.svg"

_STYLE = """\
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #24292f }
  .title { font-size: 15px; font-weight: 600 } .small { font-size: 11px; fill: #57606a }
  .end { text-anchor: end } .middle { text-anchor: middle }
  .grid { stroke: #d0d7de; stroke-width: 1 } .peer { fill: #8c959f } .ours { fill: #0969da }
  .line { fill: none; stroke-width: 2 } .bold { font-weight: 600 }
  .c0 { stroke: #0969da } .c1 { stroke: #8250df } .c2 { stroke: #9a6700 } .c3 { stroke: #57606a }
  .c4 { stroke: #bf3989 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9da7b3 } .grid { stroke: #30363d }
    .peer { fill: #6e7681 } .ours { fill: #58a6ff }
    .c0 { stroke: #58a6ff } .c1 { stroke: #bc8cff } .c2 { stroke: #d29922 } .c3 { stroke: #9da7b3 }
    .c4 { stroke: #f778ba }
  }"""
_DASHES = ("", "7 3", "2 3", "9 3 2 3", "1 5")

_WIDTH = 860
_LABELS = 330
_BAR = 17
_ROW = 24


@attrs.frozen
class Bar:
    """Who, how long in microseconds, and whether it is one of ours."""

    who: str
    took_us: float
    ours: bool


def costs(chapter: Chapter) -> list[tuple[str, list[Bar]]]:
    """What the chapter of tasks says of each: a task that does nothing, and fib(20), the quickest first."""
    groups: dict[str, dict[str, Bar]] = {"A function that does nothing": {}, "fib(20): 22,000 calls": {}}
    empty, work = groups.values()
    for row in chapter.rows:
        if row.unit != "us" or row.ours is None or "main thread" in row.what:
            continue
        group = work if row.what.startswith("fib(") else empty
        name = "infrafabric, " + row.what.partition("governed task, ")[2]
        group.setdefault(name, Bar(name, row.ours, ours=True))
        if row.theirs is not None:
            group.setdefault(row.peer, Bar(row.peer, row.theirs, ours=False))
    return [(title, sorted(bars.values(), key=lambda bar: bar.took_us)) for title, bars in groups.items() if bars]


def costs_svg(groups: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """Bars on a logarithmic axis, a group under the other."""
    everything = [bar.took_us for _, bars in groups for bar in bars]
    low, high = math.floor(math.log10(min(everything))), math.ceil(math.log10(max(everything)))
    span = _WIDTH - _LABELS - 90

    def place(took_us: float) -> float:
        return _LABELS + span * (math.log10(took_us) - low) / (high - low)

    parts, y = [], 52
    top = y
    for title, bars in groups:
        parts.append(f'<text x="12" y="{y + 14}" class="bold">{escape(title)}</text>')
        y += _ROW
        for bar in bars:
            kind, strong = ("ours", ' class="end bold"') if bar.ours else ("peer", ' class="end"')
            end = place(bar.took_us)
            parts += [
                f'<text x="{_LABELS - 8}" y="{y + 13}"{strong}>{escape(bar.who)}</text>',
                f'<rect x="{_LABELS}" y="{y}" width="{max(2.0, end - _LABELS):.1f}" height="{_BAR}" class="{kind}"/>',
                f'<text x="{end + 6:.1f}" y="{y + 13}">{_time(bar.took_us)}</text>',
            ]
            y += _ROW
        y += 10
    axis = []
    for power in range(low, high + 1):
        x = place(10.0**power)
        axis += [
            f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{y}" class="grid"/>',
            f'<text x="{x:.1f}" y="{y + 15}" class="small middle">{_time(10.0**power)}</text>',
        ]
    title = "Time of one task, beside other ways to run somebody's code from Python"
    caption = "logarithmic; less is better; every limit of infrafabric is on, peers limit less or nothing"
    head = [
        f'<text x="12" y="22" class="title">{escape(title)}</text>',
        f'<text x="12" y="40" class="small">{escape(caption)}</text>',
    ]
    told = "; ".join(
        f"{name}: " + ", ".join(f"{bar.who} {_time(bar.took_us)}" for bar in bars) for name, bars in groups
    )
    return _svg(_WIDTH, y + 26, title, told, [*head, *axis, *parts])


_CELL_WIDTH, _CELL_HEIGHT, _PER_ROW = 430, 270, 2


def growth_svg(curves: Iterable[Curve]) -> str:
    """A small picture for each kind of curve, both axes logarithmic."""
    kinds = by_what(curves)
    parts = []
    for number, (what, some) in enumerate(kinds):
        x, y = number % _PER_ROW * _CELL_WIDTH, number // _PER_ROW * _CELL_HEIGHT
        parts.append(f'<g transform="translate({x} {y})">{"".join(_cell(what, some))}</g>')
    height = -(-len(kinds) // _PER_ROW) * _CELL_HEIGHT
    told = "; ".join(f"{what}, {curve.who}: exponent {curve.exponent:.2f}" for what, some in kinds for curve in some)
    return _svg(_PER_ROW * _CELL_WIDTH, height, "How costs grow", told, parts)


def _cell(what: str, curves: Sequence[Curve]) -> list[str]:
    """Lines, their ends labelled on the axes, and a key with the exponents."""
    left, right, top = 58, _CELL_WIDTH - 20, 32
    bottom = _CELL_HEIGHT - 36 - 15 * len(curves)
    points = [point for curve in curves for point in curve.points if point[0] > 0]
    xs, ys = [math.log10(x) for x, _ in points], [math.log10(y) for _, y in points]
    x_span, y_span = max(max(xs) - min(xs), 0.1), max(max(ys) - min(ys), 1.0)

    def at(x: float, y: float) -> str:
        across = left + (right - left) * (math.log10(x) - min(xs)) / x_span
        return f"{across:.1f},{bottom - (bottom - top) * (math.log10(y) - min(ys)) / y_span:.1f}"

    low, high = 10 ** min(ys), 10 ** (min(ys) + y_span)
    label, unit = curves[0].label, curves[0].unit.replace("us", "µs")
    made = [
        f'<text x="12" y="18" class="bold">{escape(what)}</text>',
        f'<path d="M{left} {top}V{bottom}H{right}" class="grid" fill="none"/>',
        f'<text x="{left - 6}" y="{bottom}" class="small end">{figure(low)} {unit}</text>',
        f'<text x="{left - 6}" y="{top + 8}" class="small end">{figure(high)} {unit}</text>',
        f'<text x="{left}" y="{bottom + 14}" class="small">{label(10 ** min(xs))}</text>',
        f'<text x="{right}" y="{bottom + 14}" class="small end">{label(10 ** max(xs))}</text>',
    ]
    for place, curve in enumerate(curves):
        line = " ".join(at(x, y) for x, y in sorted(curve.points) if x > 0)
        kind = place % len(_DASHES)
        style = f'class="line c{kind}" stroke-dasharray="{_DASHES[kind]}"'
        key = bottom + 30 + 15 * place
        made += [
            f'<polyline points="{line}" {style}/>',
            f'<line x1="{left}" y1="{key - 4}" x2="{left + 28}" y2="{key - 4}" {style}/>',
            f'<text x="{left + 36}" y="{key}" class="small">{escape(curve.who)}: exponent {curve.exponent:.2f}</text>',
        ]
    return made


def _svg(width: int, height: int, title: str, told: str, parts: Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-labelledby="title description">\n'
        f'<title id="title">{escape(title)}</title>\n<desc id="description">{escape(told)}</desc>\n'
        f"<style>\n{_STYLE}\n</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _time(took_us: float) -> str:
    """Microseconds as people write them.

    >>> _time(0.07), _time(19.64), _time(1200), _time(1e6)
    ('0.07 µs', '19.6 µs', '1.2 ms', '1 s')
    """
    for unit, factor in (("s", 1e6), ("ms", 1e3)):
        if took_us >= factor:
            return f"{figure(took_us / factor)} {unit}"
    return f"{figure(took_us)} µs"


def write(chapters: Iterable[Chapter], folder: Path = IMAGES) -> None:
    """Write both pictures of a whole run."""
    known = list(chapters)
    folder.mkdir(parents=True, exist_ok=True)
    tasks = next(chapter for chapter in known if chapter.name == "tasks")
    (folder / COSTS.name).write_text(costs_svg(costs(tasks)), encoding="utf-8")
    curves = [curve for chapter in known for curve in chapter.curves]
    (folder / GROWTH.name).write_text(growth_svg(curves), encoding="utf-8")
