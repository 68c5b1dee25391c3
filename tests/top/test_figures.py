"""Numbers and charts: short enough for their columns, and never better than the truth."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.top import charts, figures
from infrafabric.top.columns import cells_of, fit, layout
from tests.top.boards import NOON, row

RATIOS = st.floats(min_value=0, max_value=1)
AMOUNTS = st.floats(min_value=0, max_value=1e9)


@pytest.mark.parametrize("name", ["charts", "columns", "figures"])
def test_the_examples_of_a_module_run(name: str) -> None:
    """And there is at least one."""
    results = doctest.testmod(import_module(f"infrafabric.top.{name}"))
    assert results.attempted > 0
    assert results.failed == 0


@given(RATIOS)
def test_what_is_kept_is_never_rounded_up(ratio: float) -> None:
    """Only a whole 1 reads as 100 %, and the text is at most the ratio."""
    text = figures.kept(ratio)
    assert len(text) <= 7
    assert float(text.removesuffix("%")) <= 100 * ratio + 1e-6
    assert (text == "100%") == (ratio == 1)


@given(st.floats(min_value=-1e6, max_value=1))
def test_a_budget_is_never_rounded_up(ratio: float) -> None:
    """What is left is at most the ratio, in six cells or so."""
    text = figures.budget(ratio)
    assert len(text) <= 6
    if not text.startswith("<"):
        assert float(text.removesuffix("%")) <= 100 * ratio + 1e-6


@given(AMOUNTS)
def test_times_and_rates_fit_their_columns(amount: float) -> None:
    """No duration, rate or latency of a board is wider than its column."""
    assert len(figures.span(min(amount, 86_400 * 99))) <= 7
    assert len(figures.latency(min(amount, 86_400.0))) <= 6
    assert len(figures.rate(min(amount, 1e6))) <= 5
    assert len(figures.burn(min(amount, 1e4))) <= 6


VALUES = st.lists(st.none() | st.floats(min_value=-10, max_value=1e6), max_size=300)


@given(VALUES, st.integers(min_value=0, max_value=120))
def test_charts_are_as_wide_as_asked(values: list[float | None], width: int) -> None:
    """Whatever is drawn, a chart has exactly its width, and its lines their number."""
    assert len(charts.sparkline(values, width)) == width
    drawn = charts.plot([charts.Series(tuple(values), "info")], width, 4, low=0, high=1)
    assert [len(line) for line in drawn] == [width] * 4
    assert len(charts.stretch([(NOON + n, value) for n, value in enumerate(values)], NOON, NOON + 9, width)) == width


@given(st.none() | st.floats(min_value=0, max_value=1e9), st.integers(min_value=1, max_value=60))
def test_a_bar_is_full_at_its_limit_and_never_empty_above_nothing(ratio: float | None, width: int) -> None:
    """A bar is as wide as asked; full means at or above the limit, something used is visible."""
    drawn = charts.bar(ratio, width)
    assert len(drawn) == width
    if ratio is not None:
        assert (drawn[0] != "·") == (ratio > 0)
        assert (drawn == "█" * width) == (round(8 * width * ratio) >= 8 * width)


def test_a_gap_is_no_zero() -> None:
    """Where nothing was measured, nothing is drawn; a measured zero runs along the bottom."""
    gap = charts.plot([charts.Series((1.0, None, 1.0), "x")], 6, 1, low=0, high=1)[0]
    zero = charts.plot([charts.Series((1.0, 0.0, 1.0), "x")], 6, 1, low=0, high=1)[0]
    assert [cell.character == " " for cell in gap] == [False, False, True, True, False, False]
    assert all(cell.character != " " for cell in zero)


def test_a_later_curve_is_drawn_over_an_earlier_one() -> None:
    """Where two curves meet, the cell has the style of the later."""
    line = charts.plot([charts.Series((1.0,), "under"), charts.Series((1.0, None), "over")], 4, 1, low=0, high=1)[0]
    assert [cell.style for cell in line] == ["over", "over", "under", "under"]


@given(st.text(), st.integers(min_value=1, max_value=40), st.booleans())
def test_text_fits_its_cells_exactly(text: str, width: int, right: bool) -> None:  # noqa: FBT001 - given by hypothesis
    """Wide, combining and plain characters alike: as many cells as asked, never one more."""
    assert sum(map(cells_of, fit(text, width, right=right))) == width


@pytest.mark.parametrize(
    ("width", "name_cells", "chart_cells"),
    [(133, 29, 0), (134, 16, 12), (150, 32, 12), (151, 32, 13), (198, 32, 60), (199, 33, 60), (240, 74, 60)],
)
def test_a_wide_terminal_has_room_for_the_last_hour(width: int, name_cells: int, chart_cells: int) -> None:
    """Names get what they need, then the chart a cell for each minute, then names the rest; a line fills the width."""
    table = layout(width)
    cells = {column.title: cells for column, cells in table.columns}
    assert (cells["swarm"], cells.get("last hour", 0)) == (name_cells, chart_cells)
    assert sum(len(cell.text) for cell in table.line(row())) == len(table.head().text) == width
