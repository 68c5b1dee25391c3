"""Ratios, bars, verdicts, and how a cost grows."""

from __future__ import annotations

import attrs
import pytest

from benchmarks.curves import LINEAR, Curve, exponent
from benchmarks.figures import Bar, Row, Spread, at_most, percentile, ratios


def test_ratios_are_taken_within_a_round() -> None:
    """A round in which the whole machine was ten times slower changes no ratio."""
    calm, busy = [1.0, 1.0, 1.0], [2.0, 2.0, 2.0]
    slowed = [1.0, 10.0, 1.0], [2.0, 20.0, 2.0]
    assert ratios(calm, busy) == ratios(*slowed) == Spread(0.5, 0.5, 0.5)


def test_a_spread_is_the_quartiles_and_the_median() -> None:
    """One round that went wrong moves none of them."""
    assert Spread.of([1.0, 2.0, 3.0, 4.0, 5.0]) == Spread.of([5.0, 2.0, 3.0, 4.0, 1.0]) == Spread(3.0, 2.0, 4.0)
    assert Spread.of([1.0, 2.0, 3.0, 4.0, 500.0]) == Spread(3.0, 2.0, 4.0)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0)


@pytest.mark.parametrize(
    ("percent", "value"),
    [(0, 1.0), (50, 5.0), (99, 10.0), (100, 10.0)],
    ids=["least", "half", "p99 of ten", "greatest"],
)
def test_percentiles_are_nearest_ranks(percent: float, value: float) -> None:
    """The smallest value that the share does not exceed, in any order."""
    assert percentile([float(number) for number in (3, 1, 2, 10, 4, 5, 9, 6, 8, 7)], percent) == value


@pytest.mark.parametrize(
    ("bar", "just_inside", "just_outside"),
    [
        (at_most(10, "us"), {"ours": 10.0}, {"ours": 10.1}),
        (Bar(limit=0.6, of="ratio"), {"ratio": 0.6}, {"ratio": 0.61}),
        (Bar(limit=20, at_most=False, of="speed"), {"ratio": 0.05}, {"ratio": 0.051}),
    ],
    ids=["a figure", "a share of the time", "times the speed"],
)
def test_a_bar_is_met_up_to_its_limit(bar: Bar, just_inside: dict[str, float], just_outside: dict[str, float]) -> None:
    """The limit itself meets the bar; the next figure does not."""
    assert _row(bar, **just_inside).met is True
    assert _row(bar, **just_outside).met is False


def test_a_bar_without_its_peer_is_neither_met_nor_missed() -> None:
    """Nothing is claimed about a peer that was not there, or a figure that was not taken."""
    assert _row(Bar(limit=0.6, of="ratio")).met is None
    assert Row(what="x", unit="us", bar=at_most(1, "us")).met is None


def _row(bar: Bar, ours: float = 1.0, ratio: float | None = None) -> Row:
    spread = None if ratio is None else Spread(ratio, ratio, ratio)
    return Row(what="x", unit="us", ours=ours, ratio=spread, bar=bar)


_SIZES = (0.0, 10.0, 100.0, 1_000.0, 10_000.0)


@pytest.mark.parametrize("power", [0.5, 1.0, 1.15, 2.0])
@pytest.mark.parametrize("fixed", [0.0, 1.0, 10.0])
def test_the_exponent_is_found_beside_any_fixed_cost(power: float, fixed: float) -> None:
    """What grows is what counts, whatever stands below it; noise of some percent is within the margin."""
    noise = (1.0, 1.02, 0.98, 1.01, 0.99)
    points = [(x, (fixed + 1 + x**power) * way) for x, way in zip(_SIZES, noise, strict=True)]
    assert exponent(points) == pytest.approx(power, abs=0.15)


def test_what_does_not_grow_has_no_exponent() -> None:
    """A flat cost is flat, and so is one that falls."""
    assert exponent([(1.0, 5.0), (10.0, 5.1), (100.0, 4.9)]) == pytest.approx(0, abs=0.05)
    assert exponent([(1.0, 5.0), (2.0, 2.5), (4.0, 1.3)], from_floor=False) == pytest.approx(-1, abs=0.1)


def test_a_curve_is_judged_by_its_exponent() -> None:
    """Linear meets the bar, a little more than its margin does not; a peer's curve has no bar."""
    assert _curve(1.0).row().met is True
    assert _curve(1.3).row().met is False
    assert attrs.evolve(_curve(2.0), bar=None).row().met is None
    assert _curve(1.0).row().note == "3 us at 10, 2e+03 at 10,000"


def _curve(power: float) -> Curve:
    points = tuple((x, 1 + 0.2 * x**power) for x in _SIZES[1:])
    return Curve(what="a cost", who="ours", unit="us", points=points, bar=LINEAR)
