"""The charts and the generated tables: well-formed, complete, and readable without colours."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from benchmarks import chart, steps
from benchmarks.curves import Curve, size_label
from benchmarks.figures import Row
from benchmarks.grids import Grid, Line
from benchmarks.report import Chapter

if TYPE_CHECKING:
    from pathlib import Path

_SVG = "{http://www.w3.org/2000/svg}"
_ROWS = (
    Row(what="governed task, kept instance", unit="us", ours=12.0, peer="extism <1>", theirs=24.0),
    Row(what="governed task, kept instance", unit="us", ours=12.0, peer="absent", missing="absent: not installed"),
    Row(what="governed task, kept instance, main thread", unit="us", ours=18.0, peer="kept", theirs=12.0),
    Row(what="fib(20), governed task, fresh instance", unit="us", ours=60.0, peer="python -c", theirs=14_000.0),
)
_CURVES = tuple(
    Curve(what="a cost by size", who=who, unit="us", points=((0.0, 1.0), (4096.0, 2.0), (1e6, 100.0)), label=size_label)
    for who in ("ours", "a & b")
)


def _elements(svg: str, name: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter(f"{_SVG}{name}"))  # noqa: S314 - we wrote it


def _texts(svg: str) -> list[str]:
    return [element.text or "" for element in _elements(svg, "text")]


def test_the_chart_has_a_bar_for_each_who_took_part() -> None:
    """By name and with its figure in words; what is missing, or is ours on another thread, has none."""
    svg = chart.costs_svg(chart.costs(Chapter("tasks", "Tasks", _ROWS)))
    texts = _texts(svg)
    assert {"infrafabric, kept instance", "extism <1>", "24 µs", "python -c", "14 ms", "10 µs"} <= set(texts)
    assert not any("absent" in text or "main thread" in text for text in texts)
    assert len(_elements(svg, "rect")) == 4
    assert "prefers-color-scheme: dark" in svg


def test_longer_bars_took_longer() -> None:
    """On a logarithmic axis a factor is a distance, wherever it stands."""
    svg = chart.costs_svg([("x", [chart.Bar(str(took), took, ours=False) for took in (1.0, 10.0, 100.0)])])
    one, ten, hundred = (float(bar.attrib["width"]) for bar in _elements(svg, "rect"))
    assert hundred - ten == pytest.approx(ten - one, abs=3)


def test_curves_are_drawn_and_told() -> None:
    """A line for each with a dash of its own, its exponent in words, and what stands at the ends of the axes."""
    svg = chart.growth_svg(_CURVES)
    lines = _elements(svg, "polyline")
    assert len({line.attrib["stroke-dasharray"] for line in lines}) == len(lines) == 2
    texts = _texts(svg)
    assert "a cost by size" in texts
    assert "4 KiB" in texts
    assert any(text.startswith("a & b: exponent") for text in texts)


def test_both_pictures_are_written(tmp_path: Path) -> None:
    """Into one folder, from the chapters of one run."""
    chart.write([Chapter("tasks", "Tasks", _ROWS, curves=_CURVES)], tmp_path / "images")
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == ["benchmarks-growth.svg", "benchmarks.svg"]


def test_the_pictures_of_the_documentation_are_well_formed() -> None:
    """As they were last written."""
    for path in (chart.COSTS, chart.GROWTH):
        assert _elements(path.read_text(encoding="utf-8"), "title")


def test_tables_go_between_their_marks() -> None:
    """The prose around them stays; a page without marks is refused."""
    grid = Grid(what="steps", unit="us", columns=("fresh",), lines=(Line("admit", (1.5,), "the rate"),))
    page = steps.PAGE.read_text(encoding="utf-8")
    once = steps.written(page, [grid])
    assert "| admit | 1.5 | the rate |" in once
    assert steps.written(once, [grid]) == once
    assert once.partition("<!-- end of tables -->")[2] == page.partition("<!-- end of tables -->")[2]
    with pytest.raises(ValueError, match=r"what-a-task-costs\.md has no"):
        steps.written("# Page", [grid])
