"""The arena sees what it is there to see: attacks that succeed are told from those that are held."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from infrafabric.attack import Arena
from tests.adversarial.traitors import TRAITORS

if TYPE_CHECKING:
    from collections.abc import Iterator

_BY_NAME = {attack.name: attack for attack in TRAITORS}
_HANG_SECONDS = 4.0

#: traitor -> words of the fault that has to be found
CAUGHT = {
    "other-ending": "run ended as success, expected trap",
    "other-output": "run answered 42, expected 41",
    "other-loading": "loading ended as loaded, expected invalid_module",
    "late": "ms after its deadline",
    "abort": r"the process died \(SIGABRT\)",
    "exit": r"the process exited \(3\)",
    "hang": r"the process hung for 4 s",
    "hold-the-interpreter": r"a task of the neighbour took [34]\d\d ms",
    "forge": "lines of the neighbour .* arrived, or not as they were written",
    "break-the-line": "characters that are not printable",
    "hoard": "the process grew by|stayed behind",
    "leave-threads": "threads stayed behind",
    "take-the-neighbour-away": "the neighbour's .* raised SwarmNotLoadedError",
}


@pytest.fixture(scope="module")
def traitors() -> Iterator[Arena]:
    """An arena whose attacks succeed."""
    with Arena("tests.adversarial.traitors:TRAITORS", hang_seconds=_HANG_SECONDS) as arena:
        yield arena


pytestmark = [pytest.mark.timing, pytest.mark.xdist_group("traitors")]


def test_what_is_held_is_said_to_be(traitors: Arena) -> None:
    """An attack that ends as expected has no faults."""
    result = traitors.run(_BY_NAME["as-expected"])
    assert (result.held, result.faults) == (True, ())


@pytest.mark.parametrize(("name", "words"), [pytest.param(*item, id=item[0]) for item in CAUGHT.items()])
def test_a_successful_attack_is_caught(traitors: Arena, name: str, words: str) -> None:
    """What did not hold is said in words, and the party goes on."""
    result = traitors.run(_BY_NAME[name])
    assert not result.held
    assert any(re.search(words, fault) for fault in result.faults), result.faults


def test_every_traitor_is_tried() -> None:
    """A new traitor needs a fault to be found."""
    assert set(CAUGHT) | {"as-expected"} == set(_BY_NAME)


def test_the_party_goes_on_after_a_death(traitors: Arena) -> None:
    """The attack after one that killed the process is run in a new one."""
    assert not traitors.run(_BY_NAME["abort"]).held
    assert traitors.run(_BY_NAME["as-expected"]).held


def test_what_stays_behind_is_found_at_the_end() -> None:
    """Memory that the process keeps after everything was closed is a fault of the aftermath."""
    with Arena("tests.adversarial.traitors:TRAITORS", hang_seconds=30.0) as arena:
        arena.run(_BY_NAME["hoard"])
        result = arena.finish()
    assert result is not None
    assert not result.held
    assert "memory_mib grew by" in result.faults[0]


def test_an_arena_without_a_child_has_no_aftermath() -> None:
    """Where nothing ran, nothing is left."""
    with Arena() as arena:
        assert arena.finish() is None
