"""Free data in a contract: any JSON, deeply frozen, and bounded whatever an attacker puts there."""

from __future__ import annotations

import datetime as dt
import enum
import json
from typing import Any

import pytest

from infrafabric.contract import ServiceContract
from infrafabric.contract.data import Data
from infrafabric.contract.frozen import FrozenList, FrozenMapping
from infrafabric.contract.problems import Problems
from infrafabric.errors import ContractValidationError, Problem

MAX_BYTES = 65_536
MAX_DEPTH = 16


def nested(levels: int) -> dict[str, Any]:
    """Mappings and lists in each other, ``levels`` deep."""
    value: Any = {}
    for level in range(levels - 1):
        value = {"x": value} if level % 2 or level == levels - 2 else [value]
    return value  # type: ignore[no-any-return]


def problem_of(metadata: Any) -> Problem:
    """The only thing wrong with the metadata."""
    with pytest.raises(ContractValidationError) as caught:
        ServiceContract("s", metadata=metadata)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, -0.0, 1.5, 2**53 - 1, -(2**53) + 1, 1e308, "", "é", "\x00\x1b", [], {}, [[], {"": [1]}]],
    ids=repr,
)
def test_json_is_kept_as_it_is(value: Any) -> None:
    """Every JSON value comes back equal, of its own type."""
    back = ServiceContract("s", metadata={"k": value}).to_dict()["metadata"]["k"]
    assert back == value
    assert type(back) is type(value)
    assert json.dumps(back) == json.dumps(value)


@pytest.mark.parametrize(
    ("value", "rule", "path"),
    [
        (object(), "IF103", "metadata.k"),
        (b"bytes", "IF103", "metadata.k"),
        ({1, 2}, "IF103", "metadata.k"),
        (dt.date(2026, 1, 1), "IF103", "metadata.k"),
        ([1, [2, object()]], "IF103", "metadata.k[1][1]"),
        ({"a": {3: 4}}, "IF103", "metadata.k.a[3]"),
        (float("nan"), "IF102", "metadata.k"),
        (float("inf"), "IF102", "metadata.k"),
        (2**53, "IF102", "metadata.k"),
        (-(2**53), "IF102", "metadata.k"),
        (10**6000, "IF102", "metadata.k"),
        ("\ud800", "IF105", "metadata.k"),
    ],
    ids=lambda value: f"{value!a:.20}" if not isinstance(value, int) else "int",
)
def test_what_is_not_json_is_refused_with_its_place(value: Any, rule: str, path: str) -> None:
    """Other types, numbers that JSON readers change, and broken text are named with their path."""
    problem = problem_of({"k": value})
    assert (problem.rule, problem.path) == (rule, path)


def test_a_key_that_is_no_unicode_is_refused() -> None:
    """A lone surrogate cannot be digested, in keys as in values."""
    assert problem_of({"\ud800": 1}).rule == "IF105"


def test_depth_is_bounded_on_both_sides() -> None:
    """Sixteen levels are kept, and the seventeenth is refused."""
    ServiceContract("s", metadata=nested(MAX_DEPTH))
    problem = problem_of(nested(MAX_DEPTH + 1))
    assert problem.rule == "IF108"
    assert "deeper than 16 levels" in problem.message


@pytest.mark.parametrize(
    "padded",
    [
        lambda n: {"k": "x" * (n - 8)},
        lambda n: {"k": "é" * ((n - 8) // 2)},
        lambda n: {"x" * (n - 6): 1},
        lambda n: {"k": "\n" * ((n - 8) // 2)},
    ],
    ids=["text", "multibyte", "key", "escaped"],
)
def test_size_is_counted_as_compact_json(padded: Any) -> None:
    """The bound is on the UTF-8 bytes of compact JSON: exactly that much fits, and two bytes more do not."""
    for size in (MAX_BYTES, MAX_BYTES + 2):
        data = padded(size)
        assert len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()) == size
        if size == MAX_BYTES:
            ServiceContract("s", metadata=data)
        else:
            assert problem_of(data).rule == "IF108"


@pytest.mark.parametrize("data", [{"a": [1, 2.5, "x\n", None, True, False, {}]}, {"é": {"b": [], "c": [[1], [2]]}}])
def test_the_count_of_bytes_is_exact(data: dict[str, Any]) -> None:
    """Mixed data passes a bound of exactly its size and not one of a byte less."""
    size = len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
    for bound, fits in ((size, True), (size - 1, False)):
        problems = Problems()
        Data(max_bytes=bound, max_depth=16).read(data, "metadata", problems)
        assert (len(problems) == 0) is fits


def test_bombs_cost_no_more_than_the_bound() -> None:
    """Cycles, shared structure and huge texts end at the bound instead of in the machine's memory."""
    cyclic: dict[str, Any] = {}
    cyclic["self"] = cyclic
    shared: Any = "x"
    for _ in range(14):
        shared = [shared] * 100  # a hundred to the fourteenth leaves
    for bomb in (cyclic, {"k": shared}, {"k": "x" * 50_000_000}, {"k": [0] * 10_000_000}):
        assert problem_of(bomb).rule == "IF108"


def test_subclasses_become_the_plain_types() -> None:
    """Texts and numbers of a subclass (enums, a YAML reader's scalars) are stored as what they are."""

    class Colour(enum.StrEnum):
        RED = "red"

    class Level(enum.IntEnum):
        HIGH = 3

    class Ratio(float):
        pass

    stored = ServiceContract("s", metadata={"c": [Colour.RED, Level.HIGH, Ratio(0.5)]}).metadata["c"]
    assert stored == ["red", 3, 0.5]
    assert [type(item) for item in stored] == [str, int, float]


def test_frozen_values_compare_hash_and_read_as_plain_ones() -> None:
    """Frozen mappings and lists equal plain ones either way round, ignore key order, and can be hashed."""
    frozen = FrozenMapping({"a": 1, "b": FrozenList([1, FrozenMapping({"c": None})])})
    plain = {"b": [1, {"c": None}], "a": 1}
    assert frozen == plain
    assert plain == frozen
    assert frozen != {"a": 1}
    assert hash(frozen) == hash(FrozenMapping({"b": FrozenList([1, FrozenMapping({"c": None})]), "a": 1}))
    assert FrozenList([1]) != [2]
    assert FrozenList([1]) != [1, 2]
    assert (FrozenList([1]) != [1]) is False
    assert repr(frozen) == "{'a': 1, 'b': (1, {'c': None})}"
    assert {**frozen}["a"] == frozen.get("a") == 1
