"""Numbers and states as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.dashboard import words
from infrafabric.telemetry import AlertState


def plain(text: str) -> str:
    """With usual spaces, to be read here."""
    return text.replace("\u202f", " ").replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "none")


@pytest.mark.parametrize(
    ("ratio", "digits", "text"),
    [
        (None, 2, "none"),
        (math.nan, 2, "none"),
        (1.0, 3, "100 %"),
        (0.9999999, 3, "99.999 %"),
        (0.99999, 2, "99.99 %"),
        (0.0, 2, "0 %"),
        (1e-9, 2, "< 0.01 %"),
        (-0.255, 1, "-25.5 %"),
        (-141.5, 1, "-14 150 %"),
        (12.0, 1, "1 200 %"),
    ],
    ids=str,
)
def test_percent(ratio: float | None, digits: int, text: str) -> None:
    """Nothing less than all is 100 %, and nothing more than none is 0 %."""
    assert plain(words.percent(ratio, digits)) == text


@given(st.floats(0, 1, exclude_min=True, exclude_max=True), st.integers(1, 4))
def test_a_part_is_never_all_or_nothing(ratio: float, digits: int) -> None:
    """However close it is."""
    assert plain(words.percent(ratio, digits)) not in {"0 %", "100 %"}


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "By", "none"),
        (0, "By", "0 B"),
        (65536, "By", "64 KiB"),
        (1.5 * 2**30, "By", "1.5 GiB"),
        (2048, "By/s", "2 KiB/s"),
        (0.25, "s", "250 ms"),
        (85.04, "%", "85 %"),
        (12.5, "tasks/s", "12.5 /s"),
        (3, "tasks", "3 tasks"),
        (2_500_000, "instructions", "2.5M instructions"),
    ],
    ids=str,
)
def test_quantities_have_their_unit(value: float | None, unit: str, text: str) -> None:
    """Each unit of a limit is written as people do."""
    assert plain(words.quantity(value, unit)) == text


@pytest.mark.parametrize(
    ("duration", "text"),
    [(None, "none"), (math.inf, "none"), (-1.0, "0 s"), (3e-9, "3 ns"), (59.99, "60 s"), (60, "1 min"), (86400, "1 d")],
    ids=str,
)
def test_durations(duration: float | None, text: str) -> None:
    """From nanoseconds to days."""
    assert plain(words.seconds(duration)) == text


@given(st.floats())
def test_every_number_is_written(value: float) -> None:
    """No number that a board's file can hold breaks a page."""
    for write in (words.percent, words.number, words.count, words.rate, words.seconds, words.size, words.iso):
        assert isinstance(write(value), str)
    assert words.moment(value)
    assert words.clock(value)


@pytest.mark.parametrize("code", [*AlertState, "closed", "throttled", "half_open", "quarantined"])
def test_every_state_has_a_word_a_shape_and_a_meaning(code: str) -> None:
    """Colour is never the only signal."""
    word = words.state(str(code))
    assert word.word == str(code).replace("_", " ")
    assert word.meaning != words.state("something else").meaning


def test_the_order_of_states_is_that_of_the_engine() -> None:
    """The worst first."""
    assert list(words.OBJECTIVE_STATES) == [
        str(state)
        for state in sorted(AlertState, key=list(AlertState).index, reverse=True)
        if state not in {AlertState.NO_DATA, AlertState.INSUFFICIENT_DATA, AlertState.UNREACHABLE}
    ] + ["insufficient_data", "no_data", "unreachable"]
