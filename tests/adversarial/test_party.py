"""Every attack of the party is held, beside a neighbour that does not notice, and the process is as before."""

from __future__ import annotations

import re

import attrs
import pytest

from infrafabric.attack import PARTY, Arena, Attack, AttackResult, run_attacks, selected

#: The ways in that are known: a kind that loses its last attack is a hole.
KINDS = {
    "bulk operations",
    "compile bombs",
    "concurrency",
    "exits",
    "floods",
    "fuel",
    "host calls",
    "imports",
    "logs",
    "loops",
    "malformed",
    "memory",
    "names",
    "pointers",
    "process",
    "recursion",
    "results",
    "sleep",
    "starts",
    "state",
    "tables",
    "traps",
    "types",
}


@pytest.mark.timing
@pytest.mark.xdist_group("party")
@pytest.mark.parametrize("attack", [pytest.param(attack, id=attack.name) for attack in PARTY])
def test_the_attack_is_held(arena: Arena, attack: Attack) -> None:
    """It ends as it has to, within its limits, and the neighbour keeps its answers, its log and its latency."""
    result = arena.run(attack)
    assert result.held, f"{attack.tries} Expected {result.expected}, got {result.got}.\n" + "\n".join(result.faults)


@pytest.mark.timing
@pytest.mark.xdist_group("party")
def test_nothing_stays_behind(arena: Arena) -> None:
    """After all attacks and the end of the chassis, memory, threads and files are what they were."""
    result = arena.finish()
    assert result is not None
    assert result.held, f"{result.got}\n" + "\n".join(result.faults)


def test_every_attack_has_a_name_of_its_own_and_says_what_it_tries() -> None:
    """Names identify attacks on the command line; sentences are for people."""
    names = [attack.name for attack in PARTY]
    assert len(names) == len(set(names))
    for attack in PARTY:
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", attack.name), attack.name
        assert re.fullmatch(r"[A-Z].*\.", attack.tries), attack.tries


def test_no_kind_of_attack_is_missing() -> None:
    """Each class of attack that is known has a member."""
    assert {attack.kind for attack in PARTY} == KINDS


def test_attacks_are_selected_by_name_and_by_kind() -> None:
    """Patterns match names and kinds; without any, everybody comes."""
    assert selected() == PARTY
    assert [attack.name for attack in selected(["plain-loop", "fork"])] == ["plain-loop", "fork"]
    assert {attack.kind for attack in selected(["compile*"])} == {"compile bombs"}
    assert selected(["no-such-attack"]) == ()


@pytest.mark.xdist_group("party")
def test_the_party_is_run_in_one_call() -> None:
    """`run_attacks` tells each result as it comes, ends with the aftermath, and gives plain data."""
    seen: list[AttackResult] = []
    results = run_attacks(["shared-memory", "unreachable"], progress=seen.append)
    assert [result.name for result in results] == ["shared-memory", "unreachable", "aftermath"]
    assert list(results) == seen
    assert all(result.held for result in results), results
    assert set(attrs.asdict(results[0])) >= {"name", "kind", "tries", "expected", "got", "held", "faults", "seconds"}
