"""Numbers as people write and read them."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.cli import units

if TYPE_CHECKING:
    from collections.abc import Callable

_MIB = 1 << 20

_READ = [
    (units.parse_size, "64Mi", 64 * _MIB),
    (units.parse_size, "64MiB", 64 * _MIB),
    (units.parse_size, "64 mib", 64 * _MIB),
    (units.parse_size, "1.5Gi", 3 << 29),
    (units.parse_size, "500kB", 500_000),
    (units.parse_size, "2M", 2_000_000),
    (units.parse_size, "10B", 10),
    (units.parse_size, "0", 0),
    (units.parse_mebibytes, "1Gi", 1024),
    (units.parse_mebibytes, "1024Ki", 1),
    (units.parse_bytes_per_second, "64Ki/s", 65_536),
    (units.parse_bytes_per_second, "64Ki", 65_536),
    (units.parse_duration, "250ms", Fraction(1, 4)),
    (units.parse_duration, "1m30s", 90),
    (units.parse_duration, "1h 1min", 3660),
    (units.parse_duration, "1.5h", 5400),
    (units.parse_duration, "2d", 172_800),
    (units.parse_duration, "7us", Fraction(7, 10**6)),
    (units.parse_duration, "7µs", Fraction(7, 10**6)),
    (units.parse_duration, "30", 30),
    (units.parse_duration, "0.25", Fraction(1, 4)),
    (units.parse_percent, "50%", 50),
    (units.parse_percent, "12.5 %", Fraction(25, 2)),
    (units.parse_percent, "100", 100),
    (units.parse_rate, "10", 10),
    (units.parse_rate, "10/s", 10),
    (units.parse_rate, "60/min", 1),
    (units.parse_rate, "30/min", Fraction(1, 2)),
    (units.parse_rate, "36k/h", 10),
    (units.parse_count, "1000000", 10**6),
    (units.parse_count, "1_000_000", 10**6),
    (units.parse_count, "1,000,000", 10**6),
    (units.parse_count, "1M", 10**6),
    (units.parse_count, "1.5k", 1500),
]


@pytest.mark.parametrize(("parse", "text", "number"), _READ, ids=[f"{p.__name__[6:]}: {t}" for p, t, _ in _READ])
def test_a_number_with_its_unit_is_read_exactly(
    parse: Callable[[str], Fraction], text: str, number: Fraction | int
) -> None:
    """What a person writes has one meaning, with no rounding on the way."""
    assert parse(text) == number


_REFUSED = [
    (units.parse_size, "64", "with its unit, as in 64Mi, 64Ki or 64B"),
    (units.parse_size, "64Mix", "64Mi, 1.5GiB or 500kB"),
    (units.parse_size, "-1Mi", "64Mi, 1.5GiB or 500kB"),
    (units.parse_size, "1e3Mi", "64Mi, 1.5GiB or 500kB"),
    (units.parse_size, "", "64Mi, 1.5GiB or 500kB"),
    (units.parse_size, "nan", "64Mi, 1.5GiB or 500kB"),
    (units.parse_mebibytes, "100M", "a whole number of MiB, as in 95Mi or 96Mi"),
    (units.parse_mebibytes, "1Ki", "a whole number of MiB, as in 1Mi"),
    (units.parse_duration, "5x", "250ms, 30s, 1m30s or 2h"),
    (units.parse_duration, "1s1s", "250ms, 30s, 1m30s or 2h"),
    (units.parse_duration, "-1s", "250ms, 30s, 1m30s or 2h"),
    (units.parse_duration, "inf", "250ms, 30s, 1m30s or 2h"),
    (units.parse_percent, "half", "50%"),
    (units.parse_percent, "50%%", "50%"),
    (units.parse_rate, "10/", "10/s or 600/min"),
    (units.parse_rate, "10/fortnight", "10/s or 600/min"),
    (units.parse_rate, "/s", "10/s or 600/min"),
    (units.parse_count, "1,00", "1000000, 1_000_000 or 1M"),
    (units.parse_count, "1Mi", "1000000, 1_000_000 or 1M"),
    (units.parse_count, "٣", "1000000, 1_000_000 or 1M"),
]


@pytest.mark.parametrize(("parse", "text", "wanted"), _REFUSED, ids=[f"{p.__name__[6:]}: {t}" for p, t, _ in _REFUSED])
def test_what_is_not_a_number_of_its_unit_is_refused_with_an_example(
    parse: Callable[[str], Fraction], text: str, wanted: str
) -> None:
    """The message shows how it is written."""
    with pytest.raises(ValueError, match=re.escape(wanted)):
        parse(text)


_PARSERS = (
    units.parse_size,
    units.parse_mebibytes,
    units.parse_bytes_per_second,
    units.parse_duration,
    units.parse_percent,
    units.parse_rate,
    units.parse_count,
)


@given(
    parse=st.sampled_from(_PARSERS), text=st.text(max_size=40) | st.text("0123456789.,_/%kKmMgGiIbBsh ", max_size=40)
)
def test_any_text_is_read_or_refused(parse: Callable[[str], Fraction], text: str) -> None:
    """No text makes a parser fail in any other way, or answer a negative number."""
    try:
        number = parse(text)
    except ValueError:
        return
    assert number >= 0


@given(st.integers(0, 10**15))
def test_a_shown_size_is_within_a_hundredth_of_the_size(size: int) -> None:
    """Three digits that count, and never a number too long for its column."""
    text = units.show_size(size)
    assert len(text) <= len("1000000 GiB")
    assert abs(units.parse_size(text) - size) <= size / 100


@given(st.floats(1e-9, 3599.0))
def test_a_shown_duration_is_within_a_hundredth_of_the_duration(seconds: float) -> None:
    """Minutes are cut to seconds; below a microsecond, to nanoseconds."""
    text = units.show_seconds(seconds)
    slack = 1e-9 if seconds < 1e-6 else seconds / 100
    assert abs(float(units.parse_duration(text)) - seconds) <= slack


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.999, "60 s"),
        (119.7, "2 min"),
        (3599.7, "1 h"),
        (7199, "1 h 59 min"),
        (600, "10 min"),
        (0.9999, "1000 ms"),
    ],
)
def test_a_duration_rounds_without_nonsense_at_the_edges(seconds: float, text: str) -> None:
    """No "1 min 60 s"."""
    assert units.show_seconds(seconds) == text
