"""Names and numbers that every format takes."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.telemetry import ObjectiveTargets
from infrafabric.telemetry.export.subject import ExportSubject, dns_label, duration, exact, matchers

_RFC_1123 = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SLOTH = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_.]*[A-Za-z0-9]")
_AVAILABILITY = ObjectiveTargets().objectives()[0]


@given(st.text(min_size=1), st.sampled_from(["", "-availability", "-throughput"]))
def test_any_text_becomes_a_name_of_rfc_1123(text: str, ending: str) -> None:
    """At most 63 characters, whatever a swarm is called."""
    assert _RFC_1123.fullmatch(dns_label(text, ending))


@pytest.mark.parametrize("length", [50, 51, 63, 64, 300])
def test_a_name_that_is_too_long_keeps_its_ending_and_says_which_it_was(length: int) -> None:
    """With 13 characters of ending, 50 still fit as they are."""
    name = dns_label("a" * length, "-availability")
    assert name.endswith("-availability")
    assert (name == "a" * length + "-availability") == (length <= 50)
    assert _RFC_1123.fullmatch(name)
    assert name != dns_label("a" * (length + 1), "-availability")


@given(st.lists(st.tuples(st.text(min_size=1, max_size=4), st.none() | st.text(min_size=1, max_size=4)), unique=True))
def test_no_two_objectives_share_a_name(pairs: list[tuple[str, str | None]]) -> None:
    """Nor do the swarm a-b and the task b of the swarm a, or names that differ in case."""
    pairs = [pair for pair in pairs if "/" not in pair[0]]
    names = {ExportSubject(swarm, ObjectiveTargets(), task).identity(_AVAILABILITY) for swarm, task in pairs}
    assert len(names) == len(pairs)


def test_names_that_look_alike_stay_apart() -> None:
    """The ones that people will really have."""
    subjects = [("a-b", None), ("a", "b"), ("A-b", None), ("a.b", None), ("a_b", None), ("a", "-b")]
    names = {ExportSubject(swarm, ObjectiveTargets(), task).identity(_AVAILABILITY) for swarm, task in subjects}
    assert len(names) == len(subjects)
    assert all(_SLOTH.fullmatch(name) for name in names)


@given(st.decimals(min_value=Decimal("0.000001"), max_value=Decimal("99.999999"), places=6))
def test_a_percentage_comes_out_as_the_decimal_it_is(percent: Decimal) -> None:
    """As is its complement: neither is ever a binary fraction's 0.0009999999999998899."""
    text = exact(Fraction(percent) / 100)
    assert Decimal(text) == percent / 100
    assert Decimal(exact(1 - Fraction(percent) / 100)) == 1 - percent / 100
    assert "e" not in text.lower()


def test_a_ratio_without_an_end_is_rounded() -> None:
    """The period of an hour in days."""
    assert exact(Fraction(1, 24)) == "0.041666666666666664"
    assert exact(Fraction(-1, 8)) == "-0.125"
    assert exact(Fraction(0)) == "0"


@given(st.integers(1, 90 * 86_400_000))
def test_a_duration_is_exact_to_the_millisecond_and_readable_by_prometheus(milliseconds: int) -> None:
    """Units from the largest to the smallest, each once."""
    text = duration(Fraction(milliseconds, 1000))
    found = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", text)
    assert found
    sizes = (86_400_000, 3_600_000, 60_000, 1000, 1)
    assert sum(int(count or 0) * size for count, size in zip(found.groups(), sizes, strict=True)) == milliseconds


def test_a_label_cannot_leave_its_quotes() -> None:
    """Python takes any text for a swarm's id."""
    assert matchers({"b": 'x"} or vector(1) #', "a": "\\\n"}) == '{a="\\\\\\n",b="x\\"} or vector(1) #"}'
