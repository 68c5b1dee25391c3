"""Each rule of a contract, just inside and just outside, with its id, its path and its advice."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.contract import (
    RULES,
    Enforcement,
    Execution,
    ModuleReference,
    Permissions,
    ResourceLimits,
    ServiceContract,
    ServiceObjectives,
    TaskContract,
    TaskObjectives,
    advice_rules,
    rules,
    specs,
    text_rules,
)
from infrafabric.contract.kinds import Number
from infrafabric.contract.problems import MAX_PROBLEMS
from infrafabric.errors import ContractValidationError, Problem

if TYPE_CHECKING:
    from infrafabric.contract.record import Record

RULE_MODULES = (text_rules, rules, advice_rules)
SCHEMA_RULES = (rules.BAD_SCHEMA, rules.SCHEMA_LIBRARY_MISSING, rules.SCHEMA_REFERENCE)
MODULE_RULES = (rules.PATH_OUTSIDE, rules.MODULE_UNREADABLE, rules.MODULE_CHANGED)
REQUIRED = {(ServiceContract, "swarm_id"), (ModuleReference, "path")}
RECORDS = (
    ServiceContract,
    ResourceLimits,
    ServiceObjectives,
    Permissions,
    Execution,
    Enforcement,
    TaskContract,
    TaskObjectives,
    ModuleReference,
)


def problems_of(data: Any) -> tuple[Problem, ...]:
    """What is wrong with a contract's data; nothing when it is accepted."""
    if isinstance(data, Mapping):
        data = {"swarm_id": "s", **data}
    try:
        ServiceContract.from_dict(data)
    except ContractValidationError as error:
        return error.problems
    return ()


def the_problem(data: Any) -> Problem:
    """The only thing that is wrong with a contract's data."""
    (problem,) = problems_of(data)
    return problem


#: field, the least and the most that is allowed, and their nearest neighbours outside.
LIMITS: list[tuple[str, Any, Any, Any, Any]] = [
    ("max_memory_mb", 1, 4096, 0, 4097),
    ("max_cpu_percent", 5e-324, 100, 0, 100.00001),
    ("max_api_calls_per_second", 1, 100_000, 0, 100_001),
    ("max_execution_time_seconds", 0.001, 86_400, 0.00099, 86_400.001),
    ("max_concurrent_tasks", 1, 256, 0, 257),
    ("max_queued_tasks", 0, 10_000, -1, 10_001),
    ("max_load_seconds", 0.1, 600, 0.0999, 600.001),
    ("max_log_bytes_per_second", 0, 104_857_600, -1, 104_857_601),
    ("max_payload_mb", 1, 64, 0, 65),
    ("max_module_mb", 1, 256, 0, 257),
    ("max_fuel", 1, 2**53 - 1, 0, 2**53),
]
OBJECTIVES: list[tuple[str, Any, Any, Any, Any]] = [
    ("target_latency_ms", 5e-324, 2**53 - 1, 0, 2**53),
    ("target_throughput_rps", 5e-324, 2**53 - 1, 0, 2**53),
    ("target_availability_percent", 0.0001, 99.9999, 0, 100),
    ("latency_objective_percent", 0.0001, 99.9999, 0, 100),
    ("throughput_objective_percent", 0.0001, 99.9999, 0, 100),
]
ENFORCEMENT: list[tuple[str, Any, Any, Any, Any]] = [
    ("on_consecutive_failures", 1, 1_000_000, 0, 1_000_001),
    ("retry_after_seconds", 0.1, 86_400, 0.0999, 86_400.001),
]
RANGES = [
    *(("resource_limits", *row) for row in LIMITS),
    *(("slos", *row) for row in OBJECTIVES),
    *(("enforcement", *row) for row in ENFORCEMENT),
]
ROW = "part, name, least, most, below, above"


@pytest.mark.parametrize((ROW), RANGES, ids=[row[1] for row in RANGES])
def test_numbers_hold_their_range(part: str, name: str, least: Any, most: Any, below: Any, above: Any) -> None:
    """Both ends are accepted as given, and the nearest values outside are refused by name."""
    for value in (least, most):
        stored = ServiceContract.from_dict({"swarm_id": "s", part: {name: value}})[part][name]
        assert stored == value
        assert type(stored) is type(value)
    for value in (below, above):
        problem = the_problem({part: {name: value}})
        assert problem.rule in {rules.BAD_NUMBER.id, rules.CPU_ABOVE_CONCURRENCY.id}
        assert problem.path == f"{part}.{name}"
        assert re.search(r"expected .*, got ", problem.message)


def test_every_number_has_a_row_above() -> None:
    """No number of a contract is without a two-sided test."""
    swarms = [record for record in RECORDS if record is not TaskObjectives]  # its kinds are those of the swarm's slos
    numbers = {name for record in swarms for name, spec in specs(record).items() if isinstance(spec.kind, Number)}
    assert numbers == {row[1] for row in RANGES}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1, -0.5, 10**400], ids=lambda v: f"{v}"[:8])
@pytest.mark.parametrize(("part", "name"), [row[:2] for row in RANGES])
def test_no_number_takes_what_is_not_finite_or_negative(part: str, name: str, value: float) -> None:
    """NaN, infinities, negative and astronomically large numbers are out of every range."""
    assert the_problem({part: {name: value}}).rule == rules.BAD_NUMBER.id


@pytest.mark.parametrize("value", [True, "1", b"1", None, [1], {"a": 1}, 1j], ids=repr)
@pytest.mark.parametrize(("part", "name"), [row[:2] for row in RANGES])
def test_no_number_takes_another_type(part: str, name: str, value: Any) -> None:
    """Bools, texts and the rest are no numbers; only fuel and failures in a row may be null."""
    if name in {"max_fuel", "on_consecutive_failures"} and value is None:
        assert problems_of({part: {name: value}}) == ()
    else:
        assert the_problem({part: {name: value}}).rule == rules.WRONG_TYPE.id


#: what is wrong, the rule, the path, words of the message, words of the fix
CASES: list[tuple[Any, rules.Rule, str, str, str]] = [
    ([], rules.WRONG_TYPE, "", "expected a mapping, got a list of 0", ""),
    (None, rules.WRONG_TYPE, "", "got null", ""),
    ({"swarm_id": 5}, rules.WRONG_TYPE, "swarm_id", "got 5", "quote it"),
    ({"swarm_id": "a/b"}, rules.BAD_TEXT, "swarm_id", '"a/b"', ""),
    ({"swarm_id": "a\\b"}, rules.BAD_TEXT, "swarm_id", "without /", ""),
    ({"swarm_id": "a\nb"}, rules.BAD_TEXT, "swarm_id", r"a\nb", ""),
    ({"swarm_id": "a\u202eb"}, rules.BAD_TEXT, "swarm_id", r"\u202e", ""),
    ({"swarm_id": "a\ud800"}, rules.BAD_TEXT, "swarm_id", r"\ud800", ""),
    ({"swarm_id": "x" * 256}, rules.TOO_LARGE, "swarm_id", "at most 255 characters, got 256", ""),
    ({"capabilities": "docs:a"}, rules.WRONG_TYPE, "capabilities", 'got "docs:a"', 'write ["docs:a"]'),
    ({"capabilities": {"docs:a": 1}}, rules.WRONG_TYPE, "capabilities", "a mapping of 1", ""),
    ({"capabilities": ["docs"]}, rules.BAD_TEXT, "capabilities[0]", '"docs"', ""),
    ({"capabilities": ["a:b", "Docs:API"]}, rules.BAD_TEXT, "capabilities[1]", '"Docs:API"', 'write "docs:api"'),
    ({"capabilities": ["a:b:c"]}, rules.BAD_TEXT, "capabilities[0]", '"a:b:c"', ""),
    ({"capabilities": [""]}, rules.BAD_TEXT, "capabilities[0]", '""', ""),
    ({"capabilities": [1]}, rules.WRONG_TYPE, "capabilities[0]", "got 1", ""),
    ({"capabilities": ["a:b", "c:d", "a:b"]}, rules.DUPLICATE, "capabilities[2]", "at capabilities[0]", "remove"),
    ({"capabilities": [f"a:{n}" for n in range(1025)]}, rules.TOO_LARGE, "capabilities", "1,024 entries", ""),
    ({"version": 1.0}, rules.WRONG_TYPE, "version", "got 1.0", "quote it"),
    ({"version": 1}, rules.WRONG_TYPE, "version", "got 1", "quote it"),
    ({"version": "1"}, rules.BAD_TEXT, "version", '"1"', ""),
    ({"version": "01.0"}, rules.BAD_TEXT, "version", '"01.0"', ""),
    ({"version": "v1.0.0"}, rules.BAD_TEXT, "version", '"v1.0.0"', ""),
    ({"version": "1.0.0 "}, rules.BAD_TEXT, "version", '"1.0.0 "', 'write "1.0.0"'),
    ({"version": "1.0.0-01"}, rules.BAD_TEXT, "version", "", ""),
    ({"version": "１.0"}, rules.BAD_TEXT, "version", "", ""),  # noqa: RUF001 - a digit, but not of ours
    ({"created_at": "yesterday"}, rules.BAD_TEXT, "created_at", '"yesterday"', ""),
    ({"created_at": "2026-02-31T00:00:00Z"}, rules.BAD_TEXT, "created_at", "2026-02-31", ""),
    ({"created_at": "2026-11-20"}, rules.BAD_TEXT, "created_at", "", ""),
    ({"created_at": dt.datetime(2026, 11, 20)}, rules.BAD_TEXT, "created_at", "time zone", "Z"),  # noqa: DTZ001
    ({"created_at": True}, rules.WRONG_TYPE, "created_at", "got true", ""),
    ({"created_at": -1}, rules.BAD_NUMBER, "created_at", "from 1970 to 9999", ""),
    ({"created_at": 253_402_300_800}, rules.BAD_NUMBER, "created_at", "", ""),
    ({"created_at": math.nan}, rules.BAD_NUMBER, "created_at", "got nan", ""),
    ({"metadata": []}, rules.WRONG_TYPE, "metadata", "got a list of 0", ""),
    ({"metadata": None}, rules.WRONG_TYPE, "metadata", "got null", ""),
    ({"description": "\x1b[31m"}, rules.BAD_TEXT, "description", r"\x1b[31m", ""),
    ({"description": "x" * 4097}, rules.TOO_LARGE, "description", "4,096", ""),
    ({"resource_limits": 5}, rules.WRONG_TYPE, "resource_limits", "expected a mapping, got 5", ""),
    ({"resource_limits": None}, rules.WRONG_TYPE, "resource_limits", "got null", ""),
    ({"resource_limits": {"max_memory_mb": 5.0}}, rules.BAD_NUMBER, "resource_limits.max_memory_mb", "5.0", "write 5"),
    (
        {"resource_limits": {"max_memory_mb": "64"}},
        rules.WRONG_TYPE,
        "resource_limits.max_memory_mb",
        'whole number from 1 to 4,096 (MiB), got "64"',
        "write 64 without quotes",
    ),
    (
        {"resource_limits": {"max_memory_mb": 9999}},
        rules.BAD_NUMBER,
        "resource_limits.max_memory_mb",
        "got 9999",
        "the largest allowed value is 4096",
    ),
    (
        {"resource_limits": {"max_memroy_mb": 64}},
        rules.UNKNOWN_KEY,
        "resource_limits.max_memroy_mb",
        "did you mean max_memory_mb?",
        "rename it to max_memory_mb",
    ),
    ({"resource_limits": {"Max-Fuel": 1}}, rules.UNKNOWN_KEY, "resource_limits.Max-Fuel", "mean max_fuel?", ""),
    ({"resourcelimits": {}}, rules.UNKNOWN_KEY, "resourcelimits", "mean resource_limits?", ""),
    ({"zzz": 1}, rules.UNKNOWN_KEY, "zzz", "the keys here are swarm_id,", "remove it"),
    ({5: 1}, rules.UNKNOWN_KEY, "[5]", "unknown key", ""),
    ({"a\x1bb": 1}, rules.UNKNOWN_KEY, r'["a\x1bb"]', "unknown key", ""),
    ({"module": {}}, rules.MISSING_KEY, "module.path", "this key is missing", ""),
    ({"module": "a.wasm"}, rules.WRONG_TYPE, "module", "expected a mapping", ""),
    ({"module": {"path": "/a.wasm"}}, rules.BAD_TEXT, "module.path", '"/a.wasm"', ""),
    ({"module": {"path": "../a.wasm"}}, rules.BAD_TEXT, "module.path", '"../a.wasm"', ""),
    ({"module": {"path": "a/../../b.wasm"}}, rules.BAD_TEXT, "module.path", "none of them '.' or '..'", ""),
    ({"module": {"path": "a/./b.wasm"}}, rules.BAD_TEXT, "module.path", "", ""),
    ({"module": {"path": "a//b.wasm"}}, rules.BAD_TEXT, "module.path", "", ""),
    ({"module": {"path": "a\\b.wasm"}}, rules.BAD_TEXT, "module.path", "", ""),
    ({"module": {"path": "c:a.wasm"}}, rules.BAD_TEXT, "module.path", "", ""),
    ({"module": {"path": "a.wasm/"}}, rules.BAD_TEXT, "module.path", "", ""),
    ({"module": {"path": "a\0.wasm"}}, rules.BAD_TEXT, "module.path", r"\x00", ""),
    ({"module": {"path": "a.wasm", "sha256": "0" * 63}}, rules.BAD_TEXT, "module.sha256", "64 lower-case", ""),
    ({"module": {"path": "a.wasm", "sha256": "A" * 64}}, rules.BAD_TEXT, "module.sha256", "", f'write "{"a" * 64}"'),
    ({"enforcements": {}}, rules.UNKNOWN_KEY, "enforcements", "mean enforcement?", ""),
    ({"permissions": {"log": "yes"}}, rules.WRONG_TYPE, "permissions.log", 'true or false, got "yes"', "write true"),
    ({"permissions": {"log": "Off"}}, rules.WRONG_TYPE, "permissions.log", 'true or false, got "Off"', "write false"),
    ({"permissions": {"log": 1}}, rules.WRONG_TYPE, "permissions.log", "got 1", ""),
    ({"permissions": {"wasi": "innert"}}, rules.BAD_CHOICE, "permissions.wasi", "one of none, inert", "write inert"),
    ({"permissions": {"wasi": None}}, rules.WRONG_TYPE, "permissions.wasi", "got null", ""),
    ({"permissions": {"env": True}}, rules.UNKNOWN_KEY, "permissions.env", "the keys here are log, wasi", ""),
    ({"execution": {"instance": "process"}}, rules.BAD_CHOICE, "execution.instance", "one of task, swarm", ""),
    ({"slos": {"period": "30"}}, rules.BAD_TEXT, "slos.period", '"30"', ""),
    ({"slos": {"period": 30}}, rules.WRONG_TYPE, "slos.period", "got 30", "quote it"),
    ({"slos": {"period": "1M"}}, rules.BAD_TEXT, "slos.period", '"1M"', 'write "1m"'),
    ({"slos": {"period": "59m"}}, rules.BAD_NUMBER, "slos.period", "from 1h to 90d", ""),
    ({"slos": {"period": "91d"}}, rules.BAD_NUMBER, "slos.period", '"91d"', ""),
    ({"slos": {"period": "13w"}}, rules.BAD_NUMBER, "slos.period", '"13w"', ""),
    ({"tasks": []}, rules.WRONG_TYPE, "tasks", "expected a mapping", ""),
    ({"tasks": {"run": None}}, rules.WRONG_TYPE, "tasks.run", "got null", ""),
    ({"tasks": {"": {}}}, rules.BAD_TEXT, 'tasks[""]', "", ""),
    ({"tasks": {1: {}}}, rules.WRONG_TYPE, "tasks[1]", "got 1", ""),
    ({"tasks": {"run": {"abi": "component"}}}, rules.BAD_CHOICE, "tasks.run.abi", "one of scalar, buffer", ""),
    ({"tasks": {"run": {"timeout": 5}}}, rules.UNKNOWN_KEY, "tasks.run.timeout", "the keys here are abi", ""),
    ({"tasks": {"run": {"params": 5}}}, rules.WRONG_TYPE, "tasks.run.params", "expected a JSON Schema", ""),
    ({"tasks": {f"t{n}": {} for n in range(1025)}}, rules.TOO_LARGE, "tasks", "1,024", ""),
    (
        {"resource_limits": {"max_cpu_percent": 150}},
        rules.CPU_ABOVE_CONCURRENCY,
        "resource_limits.max_cpu_percent",
        "at most 100 (100 percent for each of 1 concurrent tasks), got 150",
        "raise max_concurrent_tasks to 2",
    ),
    (
        {"execution": {"instance": "swarm"}, "resource_limits": {"max_concurrent_tasks": 2}},
        rules.KEPT_INSTANCE_SHARED,
        "execution.instance",
        "needs max_concurrent_tasks 1, got 2",
        "execution.instance to task",
    ),
    ({"tasks": {"run": {"abi": "command"}}}, rules.COMMAND_NOT_START, "tasks.run.abi", "_start only", ""),
    ({"tasks": {"_initialize": {}}}, rules.NOT_A_TASK, "tasks._initialize", "never a task", "remove"),
    ({"tasks": {"initialize": {}}}, rules.NOT_A_TASK, "tasks.initialize", "never a task", "remove"),
    ({"tasks": {"f": {"abi": "scalar", "returns": "json"}}}, rules.RETURNS_UNUSED, "tasks.f.returns", "json", ""),
]


@pytest.mark.parametrize(
    ("data", "rule", "path", "words", "fix"),
    CASES,
    ids=[f"{n}-{row[1].id}" for n, row in enumerate(CASES)],
)
def test_each_mistake_is_named(data: Any, rule: rules.Rule, path: str, words: str, fix: str) -> None:
    """One mistake gives one problem: the rule, the path to it, what was found, and what to do."""
    problem = the_problem(data)
    assert (problem.rule, problem.path) == (rule.id, path)
    assert words in problem.message
    assert fix in (problem.fix or "")
    assert str(problem).isprintable()
    assert len(str(problem)) < 400


def test_a_missing_swarm_id_is_named() -> None:
    """The one key without a default is asked for."""
    with pytest.raises(ContractValidationError) as caught:
        ServiceContract.from_dict({})
    (problem,) = caught.value.problems
    assert (problem.rule, problem.path) == (rules.MISSING_KEY.id, "swarm_id")


#: The nearest neighbours of the mistakes above that are no mistakes.
ACCEPTED: list[dict[str, Any]] = [
    {"swarm_id": ""},
    {"swarm_id": "x" * 255},
    {"swarm_id": "Ünïcode swarm: ok!"},
    {"capabilities": []},
    {"capabilities": [f"a:{n}" for n in range(1024)]},
    {"capabilities": ["a" * 63 + ":" + "b" * 63]},
    {"version": "1.0.0-rc.1+build.5"},
    {"version": "0.0"},
    {"created_at": 0},
    {"created_at": 253_402_300_799},
    {"created_at": dt.datetime(2026, 11, 20, tzinfo=dt.UTC)},
    {"description": "x" * 4096},
    {"description": "two\n\tlines"},
    {"resource_limits": {}},
    {"resource_limits": {"max_cpu_percent": 200, "max_concurrent_tasks": 2}},
    {"resource_limits": {"max_cpu_percent": 25_600, "max_concurrent_tasks": 256}},
    {"resource_limits": {"max_fuel": None}},
    {"slos": {"period": "60m"}},
    {"slos": {"period": "1h"}},
    {"slos": {"period": "90d"}},
    {"slos": {"period": "12w"}},
    {"tasks": {f"t{n}": {} for n in range(1024)}},
    {"tasks": {"_start": {"abi": "command", "returns": "text"}}},
    {"tasks": {"_start": {"abi": None}}},
    {"tasks": {"f": {"abi": "scalar", "returns": "number"}, "any name: €": {"abi": "lenptr", "returns": "bytes"}}},
    {"execution": {"instance": "swarm"}, "resource_limits": {"max_concurrent_tasks": 1}},
    {"execution": {"instance": "task"}, "resource_limits": {"max_concurrent_tasks": 2}},
    {"module": None},
    {"module": {"path": "..a/b..c/.hidden.wasm", "sha256": None}},
    {"module": {"path": "a" * 255, "sha256": "0123456789abcdef" * 4}},
]


@pytest.mark.parametrize("data", ACCEPTED, ids=lambda data: f"{data!a:.60}")
def test_the_neighbours_of_mistakes_are_accepted(data: dict[str, Any]) -> None:
    """Values just inside each rule make a contract."""
    assert problems_of(data) == ()


def test_all_problems_are_reported_at_once_in_the_order_of_the_text() -> None:
    """Wrong values, unknown keys and conflicts of all parts come in one error, in the order written."""
    found = problems_of(
        {
            "version": 2,
            "slos": {"period": "1y", "target_latency_ms": 0},
            "execution": {"instance": "swarm", "deterministic": "no"},
            "wat": 1,
            "resource_limits": {"max_fuel": 0.5, "max_cpu_percent": 300, "max_concurrent_tasks": 2},
            "tasks": {"run": {"abi": "x"}, "go": {"abi": "command"}},
        }
    )
    assert [(p.rule, p.path) for p in found] == [
        ("IF103", "version"),
        ("IF105", "slos.period"),
        ("IF102", "slos.target_latency_ms"),
        ("IF103", "execution.deterministic"),
        ("IF101", "wat"),
        ("IF102", "resource_limits.max_fuel"),
        ("IF201", "resource_limits.max_cpu_percent"),
        ("IF106", "tasks.run.abi"),
        ("IF202", "execution.instance"),
        ("IF203", "tasks.go.abi"),
    ]


def test_the_constructor_reports_all_problems_too() -> None:
    """Built in Python, a contract and a part alone collect their problems in the same way."""
    with pytest.raises(ContractValidationError, match="and 1 more") as caught:
        ServiceContract("a/b", ["docs"])
    assert [p.path for p in caught.value.problems] == ["swarm_id", "capabilities[0]"]
    with pytest.raises(ContractValidationError) as caught:
        ResourceLimits(max_memory_mb=0, max_cpu_percent=101)
    assert [p.rule for p in caught.value.problems] == ["IF102", "IF201"]


def test_a_flood_of_mistakes_is_cut() -> None:
    """A hostile file gets a bounded report that says it is cut, whatever its mistakes are."""
    for flood in (
        {f"key{n}": n for n in range(200_000)},
        {"capabilities": ["no"] * 1000},
        {"tasks": {f"t{n}": {f"k{m}": 1 for m in range(200)} for n in range(1000)}},
        {"metadata": {str(n): {1} for n in range(5000)}},
    ):
        found = problems_of(flood)
        assert len(found) == MAX_PROBLEMS + 1
        assert found[-1].rule == rules.TOO_MANY_PROBLEMS.id
        assert "not listed" in found[-1].message


def test_a_huge_key_is_shown_short() -> None:
    """Neither path nor message grow with what an attacker writes."""
    problem = the_problem({"x" * 1_000_000: 1})
    assert len(str(problem)) < 400


def test_rules_are_a_table_of_stable_ids() -> None:
    """Ids are unique, in order, and each rule explains itself; every constant is in the table."""
    assert list(RULES) == sorted(RULES)
    constants = [rule for module in RULE_MODULES for rule in vars(module).values() if isinstance(rule, rules.Rule)]
    assert len({rule.id for rule in constants}) == len(constants) == len(RULES)
    assert set(constants) == set(RULES.values())
    for key, rule in RULES.items():
        assert key == rule.id
        assert re.fullmatch(r"IF[0-5]\d\d", key)
        assert rule.severity in {"error", "warning", "note"}
        assert rule.title
        assert rule.explanation.endswith(".")


def test_every_rule_is_broken_by_some_case() -> None:
    """No rule about values is without a test that breaks it; those about schemas and modules have files of theirs."""
    tested = {row[1].id for row in CASES} | {rules.TOO_MANY_PROBLEMS.id}
    elsewhere = {rule.id for rule in (*SCHEMA_RULES, *MODULE_RULES)}
    assert tested | elsewhere == {key for key in RULES if key.startswith(("IF1", "IF2"))}
    assert not tested & elsewhere


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_field_documents_itself(record: type[Record]) -> None:
    """Each field says what it means, what it expects, who enforces it, and has a default that it accepts."""
    packages = {"contract", "wasm", "engine", "limits", "telemetry", "chassis"}
    for name, spec in specs(record).items():
        assert spec.name == name
        assert spec.doc.endswith(".")
        assert spec.kind.expects
        assert set(spec.enforced_by.split(", ")) <= packages
        assert (spec.default is None) == ((record, name) in REQUIRED)
