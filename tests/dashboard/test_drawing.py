"""Drawings: what is high is drawn high, and what cannot be drawn is not."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.board.records import LatencyBin
from infrafabric.dashboard.drawing import SPARK_HEIGHT, histogram, sparkline


@pytest.mark.parametrize("values", [(), (1.0,), (0.0,) * 60, (math.nan, math.nan)], ids=["none", "one", "zeros", "nan"])
def test_nothing_is_no_line(values: tuple[float, ...]) -> None:
    """A flat line at the bottom would say that something was measured."""
    assert sparkline(values) is None


@given(st.lists(st.floats(), min_size=2, max_size=60))
def test_a_sparkline_stays_inside(values: list[float]) -> None:
    """Whatever the numbers, every point lies within the drawing."""
    drawn = sparkline(values)
    if drawn is None:
        return
    points = [tuple(map(float, point.split())) for point in re.split("[ML]", drawn.line)[1:]]
    assert len(points) == len(values)
    assert all(0 <= x <= drawn.width and 0 <= y <= SPARK_HEIGHT for x, y in points)


def test_the_peak_is_the_highest() -> None:
    """And zero the lowest."""
    drawn = sparkline((0.0, 5.0, 10.0))
    assert drawn is not None
    heights = [float(point.split()[1]) for point in re.split("[ML]", drawn.line)[1:]]
    assert heights == sorted(heights, reverse=True)
    assert drawn.peak == 10


def bins(*tasks: int) -> tuple[LatencyBin, ...]:
    """Bins up to 1, 2, 4, ... ms."""
    return tuple(LatencyBin(up_to_seconds=0.001 * 2**at, tasks=count) for at, count in enumerate(tasks))


def test_a_histogram_counts_what_is_above_the_target() -> None:
    """Bars beyond the target are over it; the tallest is as high as the drawing, the others in proportion."""
    drawn = histogram(bins(10, 20, 5, 5), 0.002)
    assert drawn is not None
    assert [(bar.tasks, bar.height, bar.is_over) for bar in drawn.bars] == [
        (10, 50, False),
        (20, 100, False),
        (5, 25, True),
        (5, 25, True),
    ]
    assert (drawn.tasks, drawn.over) == (40, 10)
    assert drawn.target == pytest.approx(drawn.bars[1].left + drawn.bars[1].width)


def test_a_histogram_without_tasks_is_none() -> None:
    """Nothing is drawn of nothing."""
    assert histogram((), 0.1) is None
    assert histogram(bins(0, 0, 0), 0.1) is None


@pytest.mark.parametrize("seconds", [5e-324, 1e-13, 1e13, 9e18])
def test_times_that_no_task_takes_are_not_drawn(seconds: float) -> None:
    """A board's file may say them, and has nothing else drawn otherwise for it."""
    wrong = LatencyBin(up_to_seconds=seconds, tasks=3)
    assert histogram([wrong], 0.1) is None
    drawn = histogram([wrong, *bins(10, 20)], seconds)
    assert drawn == histogram(bins(10, 20), None)


@given(
    st.lists(st.tuples(st.floats(1e-9, 1e6), st.integers(0, 10**12)), max_size=20),
    st.none() | st.floats(1e-6, 1e5),
)
def test_a_histogram_stays_inside(found: list[tuple[float, int]], target: float | None) -> None:
    """Bars, ticks and target lie within the drawing, whatever the bins."""
    drawn = histogram([LatencyBin(up_to_seconds=seconds, tasks=tasks) for seconds, tasks in found], target)
    if drawn is None:
        return
    for bar in drawn.bars:
        assert -1e-6 <= bar.left <= bar.left + bar.width <= 100 + 1e-6
        assert 0 <= bar.height <= 100
    assert all(0 <= at <= 100 for at, _ in drawn.ticks)
    assert len(drawn.ticks) <= 6
    assert drawn.target is None or 0 < drawn.target < 100
