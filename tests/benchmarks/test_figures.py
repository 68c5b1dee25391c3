"""Ratios, bars and verdicts."""

from __future__ import annotations

import pytest

from benchmarks.figures import Bar, Row, Spread, at_most, percentile, ratios


def test_ratios_are_taken_within_a_round() -> None:
    """A round in which the whole machine was ten times slower changes no ratio."""
    calm, busy = [1.0, 1.0, 1.0], [2.0, 2.0, 2.0]
    slowed = [1.0, 10.0, 1.0], [2.0, 20.0, 2.0]
    assert ratios(calm, busy) == ratios(*slowed) == Spread(0.5, 0.5, 0.5)


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
