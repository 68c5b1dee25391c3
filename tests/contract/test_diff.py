"""Comparing contracts: each kind of change, whom it hurts, and what it asks of the version."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from infrafabric.contract import ResourceLimits, ServiceContract, specs
from infrafabric.contract.changes import CHANGES, Bump, Hurts
from infrafabric.contract.diff import VERSION_BUMP_TOO_SMALL, diff
from tests.contract.strategies import contracts

SHA, OTHER = "0" * 64, "1" * 64
PARAMS = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
REORDERED = {"type": "object", "properties": {"b": {"type": "integer"}, "a": {"type": "integer"}}}
EXPLAINED = {"a": {"type": "integer", "examples": [5]}, "b": {"type": "integer", "title": "b"}}
REWORDED = {"title": "Two numbers", "type": "object", "properties": EXPLAINED}
STRICTER = {**PARAMS, "required": ["a"]}


def contract(**fields: Any) -> ServiceContract:
    """A contract of version 1.0.0 that says only this."""
    return ServiceContract(**{"swarm_id": "s", "version": "1.0.0", "created_at": 0.0, **fields})


def limits(**values: Any) -> dict[str, Any]:
    """Some resource limits."""
    return {"resource_limits": values}


def task(**values: Any) -> dict[str, Any]:
    """What is said about one task."""
    return {"tasks": {"run": values}}


#: The smallest pair that each rule is about: old, new, rule, path.
PAIRS: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({}, {"swarm_id": "t"}, "SWARM_ID_CHANGED", "swarm_id"),
    ({}, {"capabilities": ["a:b"]}, "CAPABILITY_ADDED", "capabilities"),
    ({"capabilities": ["a:b", "c:d"]}, {"capabilities": ["c:d"]}, "CAPABILITY_REMOVED", "capabilities"),
    ({}, limits(max_memory_mb=257), "LIMIT_RAISED", "resource_limits.max_memory_mb"),
    (limits(max_fuel=5), {}, "LIMIT_RAISED", "resource_limits.max_fuel"),
    ({}, limits(max_fuel=5), "LIMIT_LOWERED", "resource_limits.max_fuel"),
    ({}, limits(max_cpu_percent=24.9), "LIMIT_LOWERED", "resource_limits.max_cpu_percent"),
    ({"permissions": {"wasi": "none"}}, {}, "PERMISSION_WIDENED", "permissions.wasi"),
    ({"permissions": {"log": False}}, {}, "PERMISSION_WIDENED", "permissions.log"),
    ({}, {"permissions": {"wasi": "none"}}, "PERMISSION_NARROWED", "permissions.wasi"),
    ({}, {"permissions": {"log": False}}, "PERMISSION_NARROWED", "permissions.log"),
    ({}, {"slos": {"target_latency_ms": 101}}, "SLO_RELAXED", "slos.target_latency_ms"),
    ({}, {"slos": {"target_throughput_rps": 9}}, "SLO_RELAXED", "slos.target_throughput_rps"),
    ({}, {"slos": {"target_availability_percent": 99}}, "SLO_RELAXED", "slos.target_availability_percent"),
    ({}, {"slos": {"target_latency_ms": 99}}, "SLO_TIGHTENED", "slos.target_latency_ms"),
    ({}, {"slos": {"throughput_objective_percent": 99.5}}, "SLO_TIGHTENED", "slos.throughput_objective_percent"),
    (
        task(slos={"target_latency_ms": 50}),
        task(slos={"target_latency_ms": 60}),
        "SLO_RELAXED",
        "tasks.run.slos.target_latency_ms",
    ),
    (task(), task(slos={"target_latency_ms": 50}), "SLO_TIGHTENED", "tasks.run.slos.target_latency_ms"),
    (
        {"enforcement": {"on_exhausted": "quarantine"}},
        {"enforcement": {"on_exhausted": "throttle"}},
        "LIMIT_RAISED",
        "enforcement.on_exhausted",
    ),
    ({}, {"enforcement": {"on_consecutive_failures": 5}}, "LIMIT_LOWERED", "enforcement.on_consecutive_failures"),
    ({}, {"enforcement": {"retry_after_seconds": 29}}, "LIMIT_RAISED", "enforcement.retry_after_seconds"),
    ({}, {"slos": {"period": "7d"}}, "SLO_PERIOD_CHANGED", "slos.period"),
    ({}, task(), "TASK_ADDED", "tasks.run"),
    (task(), {}, "TASK_REMOVED", "tasks.run"),
    (task(), task(abi="buffer"), "TASK_ABI_CHANGED", "tasks.run.abi"),
    (task(), task(returns="json"), "TASK_RETURNS_CHANGED", "tasks.run.returns"),
    (task(), task(params=PARAMS), "PARAMS_NARROWED", "tasks.run.params"),
    (task(params=PARAMS), task(), "PARAMS_WIDENED", "tasks.run.params"),
    (task(params=PARAMS), task(params=STRICTER), "PARAMS_CHANGED", "tasks.run.params"),
    (task(params={"const": 1}), task(params={"const": True}), "PARAMS_CHANGED", "tasks.run.params"),
    (task(params=PARAMS), task(params=REWORDED), "PARAMS_REWORDED", "tasks.run.params"),
    (
        task(params={"allOf": [{"items": {"title": "x"}}, {"not": True}]}),
        task(params={"allOf": [{"items": {}}, {"not": True}]}),
        "PARAMS_REWORDED",
        "tasks.run.params",
    ),
    (task(params=PARAMS), task(params=REORDERED), "PARAMETERS_REORDERED", "tasks.run.params.properties"),
    ({}, {"execution": {"instance": "swarm"}}, "INSTANCE_CHANGED", "execution.instance"),
    ({}, {"execution": {"deterministic": True}}, "DETERMINISM_CHANGED", "execution.deterministic"),
    ({}, {"module": {"path": "a.wasm"}}, "MODULE_CHANGED", "module.path"),
    (
        {"module": {"path": "a.wasm", "sha256": SHA}},
        {"module": {"path": "a.wasm", "sha256": OTHER}},
        "MODULE_CHANGED",
        "module.sha256",
    ),
    (
        {"module": {"path": "a.wasm"}},
        {"module": {"path": "a.wasm", "sha256": SHA}},
        "MODULE_PINNED",
        "module.sha256",
    ),
    (
        {"module": {"path": "a.wasm", "sha256": SHA}},
        {"module": {"path": "a.wasm"}},
        "MODULE_UNPINNED",
        "module.sha256",
    ),
    ({}, {"description": "x"}, "DESCRIPTION_CHANGED", "description"),
    ({"metadata": {"a": 1}}, {"metadata": {"a": True}}, "METADATA_CHANGED", "metadata"),
]

#: Pairs that promise the same.
EQUAL: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({}, {"created_at": 5.0}),
    ({}, {"version": "9.9.9"}),
    ({}, limits(max_memory_mb=256)),
    ({}, limits(max_execution_time_seconds=300.0)),
    ({}, {"slos": {"period": "720h"}}),
    ({"capabilities": ["a:b", "c:d"]}, {"capabilities": ["c:d", "a:b"]}),
    ({"metadata": {"a": 1, "b": 2}}, {"metadata": {"b": 2, "a": 1.0}}),
    (task(), task(slos={"target_latency_ms": 100})),
    (task(abi="buffer", params=PARAMS), task(abi="buffer", params=REORDERED)),
    ({"tasks": {"a": {}, "b": {}}}, {"tasks": {"b": {}, "a": {}}}),
]


@pytest.mark.parametrize(("old", "new", "rule", "path"), PAIRS, ids=[f"{row[2]}-{row[3]}" for row in PAIRS])
def test_each_rule_has_a_minimal_pair(old: dict[str, Any], new: dict[str, Any], rule: str, path: str) -> None:
    """One difference is one change, under its rule, with both values; either way round, something changed."""
    (change,) = diff(contract(**old), contract(**new)).changes
    assert (change.rule.id, change.path) == (rule, path)
    assert repr(change.old) != repr(change.new)
    assert str(change).isprintable()
    assert f"{rule} {path}: " in str(change)
    assert len(diff(contract(**new), contract(**old)).changes) == 1


@pytest.mark.parametrize(("old", "new"), EQUAL, ids=range(len(EQUAL)))
def test_what_promises_the_same_is_no_change(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Times, spelled-out defaults, order where it means nothing, and other words for a period are no changes."""
    assert diff(contract(**old), contract(**new)).changes == ()


def test_every_rule_has_a_pair() -> None:
    """No kind of change is without a test, and each explains itself."""
    assert {row[2] for row in PAIRS} == set(CHANGES)
    for rule in CHANGES.values():
        assert rule.explanation.endswith(".")


def test_rules_hurt_whom_the_documentation_says() -> None:
    """More power is a question of security, less of it hurts guests, weaker promises callers, periods operators."""
    expected = {
        "CAPABILITY_ADDED": (Hurts.SECURITY, Bump.MINOR),
        "LIMIT_RAISED": (Hurts.SECURITY, Bump.MINOR),
        "PERMISSION_WIDENED": (Hurts.SECURITY, Bump.MAJOR),
        "LIMIT_LOWERED": (Hurts.GUEST, Bump.MAJOR),
        "PERMISSION_NARROWED": (Hurts.GUEST, Bump.MAJOR),
        "SLO_RELAXED": (Hurts.CALLER, Bump.MAJOR),
        "SLO_TIGHTENED": (Hurts.NOBODY, Bump.MINOR),
        "SLO_PERIOD_CHANGED": (Hurts.OPERATOR, Bump.MAJOR),
    }
    assert {name: (CHANGES[name].hurts, CHANGES[name].bump) for name in expected} == expected


def test_every_limit_has_a_direction() -> None:
    """Each limit is classified when it changes: it says which way gives more."""
    assert all(spec.looser == "up" for spec in specs(ResourceLimits).values())


#: Old version, new version, the change made, and whether the version says enough.
VERSIONS: list[tuple[str, str, dict[str, Any], bool]] = [
    ("1.2.3", "1.2.3", {}, True),
    ("1.2.3", "9.0.0", {}, True),
    ("1.2.3", "1.2.2", {}, False),
    ("1.2.3", "1.2.3", {"description": "x"}, False),
    ("1.2.3", "1.2.4", {"description": "x"}, True),
    ("1.2.3", "1.2.3+build", {"description": "x"}, False),
    ("1.2.3", "1.2.4", limits(max_memory_mb=512), False),
    ("1.2.3", "1.3.0", limits(max_memory_mb=512), True),
    ("1.2.3", "2.0.0", limits(max_memory_mb=512), True),
    ("1.2.3", "1.3.0", limits(max_memory_mb=1), False),
    ("1.2.3", "2.0.0-rc.1", limits(max_memory_mb=1), True),
    ("1.2.3", "2.0.0", limits(max_memory_mb=1), True),
    ("1.2.3", "0.9.0", limits(max_memory_mb=1), False),
    ("0.2.3", "0.2.4", limits(max_memory_mb=1), False),
    ("0.2.3", "0.3.0", limits(max_memory_mb=1), True),
    ("1.0", "1.0.0", {"description": "x"}, False),
    ("1.0", "1.0.1", {"description": "x"}, True),
    ("2.0.0-rc.1", "2.0.0-rc.2", limits(max_memory_mb=1), True),
    ("2.0.0-rc.1", "2.0.0", limits(max_memory_mb=1), True),
    ("2.0.0-rc.1", "2.0.0-rc.1", limits(max_memory_mb=1), False),
]


@pytest.mark.parametrize(("before", "after", "change", "fits"), VERSIONS)
def test_the_version_says_what_changed(before: str, after: str, change: dict[str, Any], *, fits: bool) -> None:
    """A bump that is too small is an error that names the version to write, and that version is enough."""
    old, new = contract(version=before), contract(version=after, **change)
    problem = diff(old, new).problem
    assert (problem is None) is fits
    if problem is not None:
        assert (problem.rule, problem.path, problem.severity) == (VERSION_BUMP_TOO_SMALL, "version", "error")
        wanted = (problem.fix or "").partition('"')[2].rstrip('"')
        assert diff(old, new.evolve(version=wanted)).problem is None


def test_the_message_says_what_is_needed() -> None:
    """It names the needed bump, the one made, both versions and the fix."""
    problem = diff(contract(), contract(version="1.1.0", slos={"period": "7d"})).problem
    assert problem is not None
    assert problem.message == "the changes need a major bump; the version rose by minor (1.0.0 -> 1.1.0)"
    assert problem.fix == 'write version: "2.0.0"'


def test_breaking_means_major() -> None:
    """Raising a limit breaks nobody; lowering one does, in 0.x too."""
    assert not diff(contract(), contract(**limits(max_memory_mb=512))).breaking
    assert diff(contract(), contract(**limits(max_memory_mb=1))).breaking
    assert diff(contract(version="0.1.0"), contract(version="0.2.0", **limits(max_memory_mb=1))).breaking


def test_a_diff_is_plain_data() -> None:
    """For a program, everything is JSON."""
    found = diff(contract(), contract(**task(params=PARAMS), **limits(max_fuel=5))).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["required_bump"] == "major"
    assert found["actual_bump"] == "none"
    assert [change["rule"] for change in found["changes"]] == ["LIMIT_LOWERED", "TASK_ADDED"]
    assert found["changes"][0] == {
        "rule": "LIMIT_LOWERED",
        "path": "resource_limits.max_fuel",
        "old": None,
        "new": 5,
        "hurts": "guest",
        "bump": "major",
    }


@given(contracts)
@settings(deadline=None)
def test_a_contract_does_not_differ_from_itself(fields: dict[str, Any]) -> None:
    """Nothing changes between a contract and what is read back from its file."""
    one = ServiceContract(**fields)
    for other in (one, ServiceContract.from_text(one.to_yaml())):
        found = diff(one, other)
        assert (found.changes, found.problem, found.required, found.actual) == ((), None, Bump.NONE, Bump.NONE)


@given(contracts, contracts)
@settings(deadline=None)
def test_contracts_of_different_digests_differ(one: dict[str, Any], two: dict[str, Any]) -> None:
    """There is a change exactly when the digests of equal versions differ, and back there are as many."""
    old, new = (ServiceContract(**{**fields, "version": "1.0"}) for fields in (one, two))
    period = {"period": "30d"}
    same_words = [each.evolve(slos=period) for each in (old, new)]
    assert (diff(*same_words).changes == ()) == (same_words[0].digest == same_words[1].digest)
    assert len(diff(old, new).changes) == len(diff(new, old).changes)
