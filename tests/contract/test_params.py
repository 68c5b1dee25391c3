"""The schema of a task's parameters: what it may say, what it enforces, and what it may cost."""

from __future__ import annotations

import copy
import pickle
import re
import socket
import subprocess
import sys
import time
from typing import Any

import pytest

from infrafabric.contract import ServiceContract, TaskContract
from infrafabric.contract.params import MAX_BYTES, MAX_CHAIN, MAX_DEPTH, MAX_MISTAKES, MAX_PARTS
from infrafabric.contract.schema_keywords import KEYWORDS, UNENFORCED
from infrafabric.errors import ContractValidationError, Problem

ANALYZE = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "maxLength": 5},
        "checks": {"type": "array", "items": {"enum": ["style", "security"]}, "uniqueItems": True},
    },
    "required": ["file"],
    "additionalProperties": False,
}


CIRCULAR: list[Any] = []
CIRCULAR.append(CIRCULAR)


def problems_of(schema: Any) -> tuple[Problem, ...]:
    """What is wrong with a schema."""
    try:
        TaskContract(params=schema)
    except ContractValidationError as error:
        return error.problems
    return ()


def mistakes_of(schema: Any, value: Any) -> list[tuple[str, str]]:
    """Path and message of what is wrong with parameters."""
    task = TaskContract(params=schema)
    try:
        task.check_params(value)
    except ContractValidationError as error:
        found = error.problems
    else:
        return []
    assert {problem.rule for problem in found} == {"IF401"}
    return [(problem.path, problem.message) for problem in found]


def test_parameters_that_fit_pass() -> None:
    """What the schema allows is no error; without a schema everything is allowed."""
    assert mistakes_of(ANALYZE, {"file": "a.py", "checks": ["style"]}) == []
    assert mistakes_of(None, object()) == []


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        ({}, "params", '"file" is a required property'),
        ({"file": 5}, "params.file", 'the value is not of type "string", got 5'),
        ({"file": "too long"}, "params.file", 'longer than 5 characters, got "too long"'),
        ({"file": "a", "checks": ["style", "x"]}, "params.checks[1]", 'not one of "style" or "security", got "x"'),
        ({"file": "a", "checks": ["style", "style"]}, "params.checks", "non-unique elements, got a list of 2"),
        ({"file": "a", "flie": 1}, "params.flie", "there is no such parameter"),
        ({"file": "a", "odd key": 1}, 'params["odd key"]', "there is no such parameter"),
        (None, "params", "got null"),
        ([1, 2], "params", "got a list of 2"),
        ("text", "params", 'got "text"'),
        (b"\xff", "params", "expected JSON data, got a value of type bytes"),
        ({"file": object()}, "params", "Unsupported type"),
        ({1: 2}, "params", "expected JSON data"),
        (float("nan"), "params", "got nan"),
        (CIRCULAR, "params", "Circular reference"),
    ],
    ids=lambda value: re.sub(r" at 0x[0-9a-f]+", "", str(value)),
)
def test_parameters_that_do_not_fit_are_named(value: Any, path: str, words: str) -> None:
    """Each mistake has the path into the parameters, what was expected and what was found, safe to print."""
    ((found, message),) = mistakes_of(ANALYZE, value)
    assert found == path
    assert words in message
    assert message.isprintable()


def test_all_mistakes_are_named_at_once_and_bounded() -> None:
    """A caller corrects a call once; a flood of mistakes is cut."""
    assert [path for path, _ in mistakes_of(ANALYZE, {"flie": 1, "checks": 5})] == [
        "params.checks",
        "params.flie",
        "params",
    ]
    assert len(mistakes_of({"items": {"type": "string"}}, [5] * 10_000)) == MAX_MISTAKES
    with pytest.raises(ContractValidationError) as caught:
        TaskContract(params=ANALYZE).check_params({"file": "a", "flie": 1})
    assert caught.value.problems[0].fix == "rename it to file"


def test_bytes_count_as_the_text_they_hold() -> None:
    """What is sent as it is is checked as text, whichever type it has."""
    for value in (b"abc", bytearray(b"abc"), memoryview(b"abc"), "abc"):
        assert mistakes_of({"type": "string", "maxLength": 3}, value) == []
        assert mistakes_of({"type": "string", "maxLength": 2}, value) != []


#: For each keyword a schema that has it, a value that fits and one that does not.
ENFORCED: dict[str, tuple[Any, Any, Any]] = {
    "type": ({"type": ["null", "integer"]}, 1, "1"),
    "enum": ({"enum": [1, "a"]}, "a", "b"),
    "const": ({"const": {"a": [1]}}, {"a": [1]}, {"a": [2]}),
    "properties": ({"properties": {"a": {"type": "null"}}}, {"a": None, "b": 1}, {"a": 1}),
    "required": ({"required": ["a"]}, {"a": 1}, {}),
    "additionalProperties": ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1}, {"b": 1}),
    "patternProperties": ({"patternProperties": {"^x": {"type": "null"}}}, {"y": 1}, {"x1": 1}),
    "propertyNames": ({"propertyNames": {"maxLength": 1}}, {"a": 1}, {"ab": 1}),
    "minProperties": ({"minProperties": 1}, {"a": 1}, {}),
    "maxProperties": ({"maxProperties": 1}, {"a": 1}, {"a": 1, "b": 2}),
    "dependentRequired": ({"dependentRequired": {"a": ["b"]}}, {"b": 1}, {"a": 1}),
    "dependentSchemas": ({"dependentSchemas": {"a": {"required": ["b"]}}}, {"b": 1}, {"a": 1}),
    "items": ({"items": {"type": "null"}}, [None], [1]),
    "prefixItems": ({"prefixItems": [{"const": 1}]}, [1, 2], [2, 1]),
    "contains": ({"contains": {"const": 1}}, [2, 1], [2]),
    "minContains": ({"contains": {"const": 1}, "minContains": 2}, [1, 1], [1]),
    "maxContains": ({"contains": {"const": 1}, "maxContains": 1}, [1], [1, 1]),
    "minItems": ({"minItems": 1}, [1], []),
    "maxItems": ({"maxItems": 1}, [1], [1, 2]),
    "uniqueItems": ({"uniqueItems": True}, [1, 2], [1, 1]),
    "minLength": ({"minLength": 2}, "ab", "a"),
    "maxLength": ({"maxLength": 2}, "ab", "abc"),
    "pattern": ({"pattern": "^a+$"}, "aa", "aa\n"),
    "minimum": ({"minimum": 1}, 1, 0.9),
    "maximum": ({"maximum": 1}, 1, 1.1),
    "exclusiveMinimum": ({"exclusiveMinimum": 1}, 1.1, 1),
    "exclusiveMaximum": ({"exclusiveMaximum": 1}, 0.9, 1),
    "multipleOf": ({"multipleOf": 0.5}, 1.5, 1.6),
    "allOf": ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, 1, 3),
    "anyOf": ({"anyOf": [{"const": 1}, {"const": 2}]}, 2, 3),
    "oneOf": ({"oneOf": [{"minimum": 1}, {"maximum": 2}]}, 3, 1),
    "not": ({"not": {"const": 1}}, 2, 1),
    "if": ({"if": {"const": 1}, "else": False}, 1, 2),
    "then": ({"if": {"const": 1}, "then": False}, 2, 1),
    "else": ({"if": {"const": 1}, "else": {"const": 2}}, 2, 3),
    "$ref": ({"$ref": "#/$defs/a", "$defs": {"a": {"const": 1}}}, 1, 2),
}
FOR_PEOPLE = {"$defs", "$schema", "$comment", "title", "description", "default", "examples", "deprecated"}


@pytest.mark.parametrize("keyword", ENFORCED)
def test_every_keyword_is_enforced(keyword: str) -> None:
    """A value that the keyword allows passes, and its neighbour that it does not allow is refused."""
    schema, fits, breaks = ENFORCED[keyword]
    assert mistakes_of(schema, fits) == []
    assert mistakes_of(schema, breaks) != []


def test_no_keyword_is_without_a_test() -> None:
    """Every keyword that a schema may have is enforced above, or is for people."""
    assert set(ENFORCED) | FOR_PEOPLE == set(KEYWORDS)
    people: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "c",
        "title": "t",
        "description": "d",
        "default": 5,
        "examples": [1],
        "deprecated": True,
    }
    assert problems_of(people) == ()


DEEP: dict[str, Any] = {}
for _ in range(MAX_DEPTH - 1):
    DEEP = {"not": DEEP}


def chain(length: int) -> dict[str, Any]:
    """A schema whose definitions refer to each other in a chain."""
    defs: dict[str, Any] = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(length - 1)}
    return {"$ref": "#/$defs/d0", "$defs": {**defs, f"d{length - 1}": {"type": "null"}}}


def doubling(steps: int) -> dict[str, Any]:
    """A schema that is twice as large with each step, written in a line a step."""
    twice = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(steps)}
    return {"$ref": "#/$defs/d0", "$defs": {**twice, f"d{steps}": {}}}


#: schema, rule, path, words
BAD: list[tuple[Any, str, str, str]] = [
    (5, "IF103", "params", "expected a JSON Schema"),
    ([], "IF103", "params", "got a list of 0"),
    (True, "IF103", "params", "got true"),
    ({"propertes": {}}, "IF101", "params.propertes", "did you mean properties?"),
    ({"x": {}}, "IF101", "params.x", "unknown keyword"),
    ({"properties": {"a": {"typ": "null"}}}, "IF101", "params.properties.a.typ", "did you mean type?"),
    ({"allOf": [{}, {"minimun": 1}]}, "IF101", "params.allOf[1].minimun", "did you mean minimum?"),
    ({"$defs": {"a": {"x": 1}}}, "IF101", 'params["$defs"].a.x', "unknown keyword"),
    ({"type": "strin"}, "IF109", "params.type", "expected one or a list of null, boolean"),
    ({"type": []}, "IF109", "params.type", "expected one or a list of"),
    ({"minimum": "1"}, "IF109", "params.minimum", 'is not of type "number"'),
    ({"maxLength": -1}, "IF109", "params.maxLength", "less than the minimum"),
    ({"required": "a"}, "IF109", "params.required", 'is not of type "array"'),
    ({"allOf": []}, "IF109", "params.allOf", "less than 1 item"),
    ({"properties": {"a": 5}}, "IF109", "params.properties.a", "expected a schema"),
    ({"items": [{}]}, "IF109", "params.items", "expected a schema (a mapping, true or false), got a list of 1"),
    ({"$schema": "http://json-schema.org/draft-07/schema#"}, "IF109", 'params["$schema"]', "2020-12"),
    ({"items": {"$defs": {}}}, "IF109", 'params.items["$defs"]', "at the top"),
    ({"pattern": "["}, "IF109", "params.pattern", "regular expression"),
    ({"pattern": "(?=a)b"}, "IF109", "params.pattern", "without look-around"),
    ({"pattern": r"(a)\1"}, "IF109", "params.pattern", "backreferences"),
    ({"pattern": "(a{1000}){1000}"}, "IF109", "params.pattern", "regular expression"),
    ({"patternProperties": {"(?!a)": {}}}, "IF109", 'params.patternProperties["(?!a)"]', "look-around"),
    ({"$ref": "https://example.com/schema.json"}, "IF111", 'params["$ref"]', "nothing is fetched"),
    ({"$ref": "file:///etc/passwd"}, "IF111", 'params["$ref"]', "nothing is fetched"),
    ({"$ref": "other.json#/a"}, "IF111", 'params["$ref"]', "nothing is fetched"),
    ({"$ref": "#"}, "IF111", 'params["$ref"]', "of the form #/$defs/name"),
    ({"$ref": "#/properties/a", "properties": {"a": {}}}, "IF111", 'params["$ref"]', "of the form #/$defs/name"),
    ({"$ref": "#/$defs/b", "$defs": {"a": {}}}, "IF111", 'params["$ref"]', "$defs has no"),
    ({"$ref": 5}, "IF111", 'params["$ref"]', "got 5"),
    ({"$defs": {"a": {"$ref": "#/$defs/a"}}}, "IF111", 'params["$defs"].a', "in a circle: a -> a"),
    (
        {"$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/a"}}}},
        "IF111",
        'params["$defs"].a',
        "a -> b -> a",
    ),
    (chain(MAX_CHAIN + 1), "IF111", 'params["$defs"].d0', f"more than {MAX_CHAIN} times"),
    (chain(1000), "IF111", 'params["$defs"].d0', f"more than {MAX_CHAIN} times"),
    (doubling(8), "IF111", "params", f"at most {MAX_PARTS:,} are allowed"),
    ({"not": DEEP}, "IF108", "params", f"deeper than {MAX_DEPTH} levels"),
    ({"title": "x" * MAX_BYTES}, "IF108", "params", "more than 65,536 bytes"),
    ({"const": float("inf")}, "IF102", "params.const", "got inf"),
    ({"enum": [{1: 2}]}, "IF103", "params.enum[0][1]", "keys that are text"),
    *[
        ({keyword: {}}, "IF101", f'params["{keyword}"]' if "$" in keyword else f"params.{keyword}", "not enforced")
        for keyword in UNENFORCED
    ],
]


@pytest.mark.parametrize(("schema", "rule", "path", "words"), BAD, ids=[f"{n}-{row[2]}" for n, row in enumerate(BAD)])
def test_schemas_that_cannot_be_enforced_are_refused(schema: Any, rule: str, path: str, words: str) -> None:
    """What is misspelled, unenforced, unbounded or no schema is refused when the contract is made, with its place."""
    (problem,) = problems_of(schema)
    assert (problem.rule, problem.path) == (rule, path)
    assert words in problem.message
    assert problem.message.isprintable()


def test_the_neighbours_of_those_are_accepted() -> None:
    """Just inside each bound a schema is taken."""
    for schema in (
        DEEP,
        chain(MAX_CHAIN),
        doubling(7),
        {},
        {"items": True},
        {"pattern": "^(a+)+$"},
        {"$defs": {"a": True}},
    ):
        assert problems_of(schema) == ()


@pytest.mark.timing
def test_no_pattern_hangs() -> None:
    """A pattern that takes other engines longer than the universe is matched in linear time."""
    task = TaskContract(params={"pattern": "^(a+)+$"})
    started = time.perf_counter()
    with pytest.raises(ContractValidationError):
        task.check_params("a" * 1_000_000 + "!")
    assert time.perf_counter() - started < 1


def test_nothing_is_fetched() -> None:
    """Judging a schema connects to nobody, although the library could."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        uri = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        for schema in ({"$ref": uri}, {"properties": {"a": {"$ref": uri}}}, {"$id": uri}, {"$schema": uri}):
            assert problems_of(schema)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_the_order_of_properties_names_the_parameters() -> None:
    """A scalar task takes named parameters in the order written; the order counts in the digest only there."""
    one = {"type": "object", "properties": {"b": {}, "a": {}}}
    other = {"type": "object", "properties": {"a": {}, "b": {}}}
    assert TaskContract(params=one).parameter_names == ("b", "a")
    assert TaskContract(params={"type": "array"}).parameter_names is None
    assert TaskContract().parameter_names is None
    for abi, counts in (("scalar", True), (None, True), ("buffer", False)):
        digests = {
            ServiceContract("s", tasks={"run": {"abi": abi, "params": params}}).digest for params in (one, other)
        }
        assert len(digests) == (2 if counts else 1)


def test_a_task_survives_pickling_and_copying() -> None:
    """A contract that crosses processes goes on checking."""
    task = TaskContract(params=ANALYZE)
    for again in (pickle.loads(pickle.dumps(task)), copy.deepcopy(task), copy.copy(task)):
        assert again == task
        assert hash(again) == hash(task)
        assert again.parameter_names == ("file", "checks")
        with pytest.raises(ContractValidationError):
            again.check_params({})


def test_without_the_library_such_a_contract_is_refused() -> None:
    """Where nothing can check parameters, a contract that promises it is an error that says what to install."""
    code = (
        "import sys; sys.modules['jsonschema_rs'] = None\n"
        "from infrafabric.contract import ServiceContract\n"
        "ServiceContract('s', tasks={'run': {}})\n"
        "try: ServiceContract('s', tasks={'run': {'params': {'type': 'null'}}})\n"
        "except ValueError as error: print([(p.rule, p.path, p.fix) for p in error.problems])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == """[('IF110', 'tasks.run.params', 'pip install "infrafabric[schema]"')]"""


def test_the_library_is_loaded_only_when_needed() -> None:
    """Neither the contract package nor a contract without params imports a JSON Schema library or a YAML one."""
    code = (
        "import sys\nfrom infrafabric.contract import ServiceContract\nServiceContract('s', tasks={'run': {}})\n"
        "print([name for name in ('jsonschema_rs', 'ruamel.yaml', 'rfc8785', 'tomllib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
