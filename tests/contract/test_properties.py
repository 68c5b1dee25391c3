"""What holds for every contract, by generated examples."""

from __future__ import annotations

import json
import pickle
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from infrafabric.contract import ServiceContract
from infrafabric.errors import ContractValidationError, Problem
from tests.contract.strategies import contracts


@given(contracts)
@settings(deadline=None)
def test_contracts_round_trip(fields: dict[str, Any]) -> None:
    """Dict, JSON and pickle give back an equal contract, of the same types, hash and digest."""
    contract = ServiceContract(**fields)
    plain = contract.to_dict()
    for other in (
        ServiceContract.from_dict(plain),
        ServiceContract.from_dict(json.loads(json.dumps(plain))),
        pickle.loads(pickle.dumps(contract)),
    ):
        assert other == contract
        assert hash(other) == hash(contract)
        assert other.digest == contract.digest
        assert repr(other.to_dict()) == repr(plain)


@given(contracts)
@settings(deadline=None)
def test_what_was_given_is_what_is_kept(fields: dict[str, Any]) -> None:
    """Every value given is found again under its key; nothing is rounded, renamed or dropped."""
    plain = ServiceContract(**fields).to_dict()
    for key, value in fields.items():
        if key in {"resource_limits", "slos", "permissions", "execution", "enforcement"}:
            assert {name: plain[key][name] for name in value} == value
        elif key == "tasks":
            assert {task: {k: plain[key][task][k] for k in given_} for task, given_ in value.items()} == value
        else:
            assert plain[key] == value


@given(contracts)
@settings(deadline=None)
def test_the_digest_depends_on_meaning_only(fields: dict[str, Any]) -> None:
    """A contract with its keys reversed and its defaults spelled out has the same digest."""
    contract = ServiceContract(**fields)
    turned = dict(reversed(contract.to_dict().items()))
    assert ServiceContract.from_dict(turned).digest == contract.digest


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=4),
    max_leaves=15,
)
KEYS = ["swarm_id", "capabilities", "resource_limits", "slos", "version", "created_at", "metadata", "description"]
KEYS += ["tasks", "permissions", "execution"]


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), junk, max_size=11) | junk)
@settings(deadline=None)
def test_junk_is_a_contract_or_a_list_of_problems(value: Any) -> None:
    """Whatever the data, the answer is a contract that can be digested or problems that can be printed."""
    problems: tuple[Problem, ...] = ()
    try:
        digest = ServiceContract.from_dict(value).digest
    except ContractValidationError as error:
        digest, problems = "", error.problems
    assert len(digest) == (0 if problems else 64)
    for problem in problems:
        assert str(problem)
        assert str(problem).isprintable()
