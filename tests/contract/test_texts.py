"""Versions and periods: what they mean and how they compare."""

from __future__ import annotations

import itertools

import pytest

from infrafabric.contract import ServiceContract, ServiceObjectives
from infrafabric.contract.texts import FILE_SWARM_ID, SWARM_ID, version_key

#: Semantic Versioning 2.0.0, section 11, and its neighbours: each before the next.
ASCENDING = [
    "0.9",
    "1.0.0-0",
    "1.0.0-2",
    "1.0.0-10",
    "1.0.0-10.a",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "2.0",
]


@pytest.mark.parametrize(("low", "high"), list(itertools.pairwise(ASCENDING)))
def test_versions_sort_as_the_standard_says(low: str, high: str) -> None:
    """Precedence is numeric, pre-releases come first, and longer pre-releases come later."""
    assert ServiceContract("s", version=low).version_key < ServiceContract("s", version=high).version_key


@pytest.mark.parametrize("same", ["1.0", "1.0.0", "1.0.0+build", "1.0.0+0.x-1"])
def test_short_versions_and_builds_compare_equal(same: str) -> None:
    """A missing patch is 0, and a build has no precedence; the text itself stays as written."""
    contract = ServiceContract("s", version=same)
    assert contract.version_key == version_key("1.0.0")
    assert contract.version == same


def test_version_key_refuses_other_text() -> None:
    """The key of what is no version does not exist."""
    with pytest.raises(ValueError, match="not a version: 'one'"):
        version_key("one")


@pytest.mark.parametrize(
    ("period", "seconds"), [("60m", 3600), ("1h", 3600), ("1d", 86_400), ("4w", 2_419_200), ("90d", 7_776_000)]
)
def test_periods_have_seconds(period: str, seconds: int) -> None:
    """Minutes, hours, days and weeks are read as such."""
    assert ServiceObjectives(period=period).period_seconds == seconds


@pytest.mark.parametrize(
    ("text", "in_file", "in_python"),
    [
        ("analyzer-swarm", True, True),
        ("0.a_b-c", True, True),
        ("a" * 63, True, True),
        ("a" * 64, False, True),
        ("Analyzer", False, True),
        ("-a", False, True),
        ("", False, True),
        ("a b", False, True),
        ("a\u00a0b", False, False),
        ("a\x7f", False, False),
        ("a\u2028", False, False),
    ],
)
def test_swarm_ids_are_stricter_in_files(text: str, *, in_file: bool, in_python: bool) -> None:
    """A file's id is a plain word; Python may use any printable text."""
    assert FILE_SWARM_ID.accepts(text) is in_file
    assert SWARM_ID.accepts(text) is in_python
