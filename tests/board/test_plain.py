"""The records as data and back: every record whole, and nothing believed that nobody vouches for."""

from __future__ import annotations

import inspect
import json
import types
import typing
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infrafabric.board import records
from infrafabric.board.plain import MAX_DEPTH, from_dict, printable, to_dict
from infrafabric.errors import BoardError

RECORDS = sorted(
    (kind for _, kind in inspect.getmembers(records, inspect.isclass) if attrs.has(kind)),
    key=lambda kind: kind.__name__,
)
TEXTS = st.text(max_size=20).map(printable)
NUMBERS = st.floats(-(2.0**63), 2.0**63)
TIMES = st.floats(-2e11, 2e11)
COUNTS = st.integers(-(2**63) + 1, 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | COUNTS | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def strategy(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a field's type."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return st.one_of(*(st.none() if one is types.NoneType else strategy(one) for one in inside))
    if origin is tuple:
        return st.lists(strategy(inside[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(TEXTS, JSON if inside[1] is Any else strategy(inside[1]), max_size=3)
    if attrs.has(kind):
        hints = typing.get_type_hints(kind)
        times = {"at", "taken_at", "started_at", "loaded_at"}
        fields = {name: TIMES if name in times else strategy(hint) for name, hint in hints.items()}
        return st.builds(kind, **fields)
    return {str: TEXTS, int: COUNTS, float: NUMBERS}[kind]


@pytest.mark.parametrize("kind", RECORDS)
def test_records_go_through_json(kind: type[Any]) -> None:
    """Any record comes back from JSON text as it was."""

    @settings(max_examples=25)
    @given(strategy(kind))
    def holds(record: Any) -> None:
        assert from_dict(kind, json.loads(json.dumps(to_dict(record)))) == record

    holds()


@pytest.mark.parametrize("kind", RECORDS)
def test_a_damaged_record_is_refused(kind: type[Any]) -> None:
    """A field that is missing, unknown, or of another kind is an error that names it."""

    @settings(max_examples=15)
    @given(strategy(kind), st.data())
    def holds(record: Any, data: st.DataObject) -> None:
        plain = to_dict(record)
        name = data.draw(st.sampled_from(sorted(plain)))
        hint = typing.get_type_hints(kind)[name]
        with pytest.raises(BoardError, match="has no"):
            from_dict(kind, {key: value for key, value in plain.items() if key != name})
        with pytest.raises(BoardError, match="more is no field"):
            from_dict(kind, plain | {"more": 1})
        wrong = 7 if hint in {str, str | None} else "text"
        with pytest.raises(BoardError, match=rf"^{name} is .*expected"):
            from_dict(kind, plain | {name: wrong})

    holds()


POINT = {"at": 1.0, "value": None}


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        pytest.param(None, "the board is None; expected a mapping", id="nothing"),
        pytest.param([], r"the board is \[\]; expected a mapping", id="list"),
        pytest.param(POINT | {"at": True}, "at is True; expected a number", id="bool-for-number"),
        pytest.param(POINT | {"at": "1"}, "at is '1'; expected a number", id="text-for-number"),
        pytest.param(POINT | {"at": float("nan")}, "at is nan; expected a finite number", id="nan"),
        pytest.param(POINT | {"value": float("inf")}, "value is inf; expected a finite number", id="infinity"),
        pytest.param(POINT | {"at": 10**400}, "at is beyond 64 bits", id="huge"),
        pytest.param(POINT | {"\x1b[2J": 1}, r"^\\x1b\[2J is no field of Point", id="hostile-name"),
        pytest.param(POINT | {"at": "\x1b[2J" * 1000}, r"^at is .{0,120}$", id="hostile-value"),
    ],
)
def test_errors_say_where_and_what(plain: Any, says: str) -> None:
    """The path into the data, the value cut and escaped, and what is expected there."""
    with pytest.raises(BoardError, match=says):
        from_dict(records.Point, plain)


def test_a_whole_number_will_do_for_a_number() -> None:
    """JSON does not tell 1 from 1.0, and the record holds a float."""
    assert from_dict(records.Point, {"at": 1, "value": 2}) == records.Point(at=1.0, value=2.0)


def test_texts_of_others_are_safe_to_print() -> None:
    """What a terminal acts upon is escaped as it is read; line breaks and tabs of a contract's text stay."""
    line = {"at": 1, "level": "info\u202e", "text": "\x1b]0;owned\x07 a\n\tb \ud800"}
    found = from_dict(records.LogLine, line)
    assert found.text == "\\x1b]0;owned\\x07 a\n\tb \\ud800"
    assert found.level == "info\\u202e"


def test_free_data_are_bounded_in_depth() -> None:
    """The data of a contract nest as deep as contracts do, and no deeper."""

    def nested(depth: int) -> Any:
        return {"a": nested(depth - 1)} if depth else 1

    page: dict[str, Any] = {"name": "x", "task": None, "state": "", "period_seconds": 1, "sentences": {}, "alerts": {}}
    page |= {"budget": [], "burn": []}
    assert from_dict(records.ObjectivePage, page | {"numbers": nested(MAX_DEPTH)}).name == "x"
    with pytest.raises(BoardError, match=rf"nested more than {MAX_DEPTH} deep"):
        from_dict(records.ObjectivePage, page | {"numbers": nested(MAX_DEPTH + 2)})
