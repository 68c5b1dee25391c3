"""JSON bodies are read strictly, and what is refused says where and why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.server.accepting import answer_type
from infrafabric.server.params_json import MAX_DEPTH, MAX_DIGITS, read_params
from infrafabric.server.problems import RequestRefusedError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_what_json_can_say_is_read(value: Any) -> None:
    """The value that was written, exactly."""
    assert read_params(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == value


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "Expecting value at line 1, column 1"),
        (b'{"a": 1,\n "b" 2}', "at line 2, column 6"),
        (b'{"a": 1, "a": 2}', "the key 'a' twice"),
        (b"[NaN]", "NaN is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (b"1e999", "is too large"),
        (b"1" * (MAX_DIGITS + 1), "401 digits"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b'"\xff"', "byte 1 is 0xff"),
        (b"[1] [2]", "Extra data at line 1, column 5"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "more than 64 deep"),
        (b"[" * 100_000, "more than 64 deep"),
        (b'[{"a":' * 40 + b"1" + b"}]" * 40, "more than 64 deep"),
    ],
    ids=lambda value: str(value[:20]),
)
def test_what_is_not_taken_says_why(body: bytes, says: str) -> None:
    """400, with the place where there is one."""
    with pytest.raises(RequestRefusedError) as caught:
        read_params(body)
    assert (caught.value.problem.status, caught.value.problem.code) == (400, "bad_json")
    assert says in caught.value.problem.detail
    assert caught.value.problem.detail.isprintable()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
        b"1" * MAX_DIGITS,
        b'"' + b"[" * 1000 + b'"',
        b'[{"a": [[]]}, [1], {"b": {}}]',
        b"[" + b",".join([b"[]"] * 200) + b"]",
        b'"\\ud83d\\ude00"',
    ],
    ids=["deep", "digits", "brackets-in-a-text", "mixed", "wide", "pair"],
)
def test_just_inside_the_bounds_is_taken(body: bytes) -> None:
    """What the standard library reads."""
    assert read_params(body) == json.loads(body)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
        ("text/*", "text/plain"),
        ("application/json;q=0, */*", "text/plain"),
        ("application/octet-stream, application/json;q=0.9", "application/octet-stream"),
        ("image/png", None),
        ("application/json;q=0", None),
        ("application/json;q=x", None),
        (",;=,", None),
    ],
)
def test_the_answers_type_is_the_one_preferred(accept: str, chosen: str | None) -> None:
    """As RFC 9110 weighs them: the most specific range counts."""
    assert answer_type(accept) == chosen
