"""Reading guests' answers: strict JSON within bounds, else text, else bytes; always in bounded time."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.engine import GuestEnded
from infrafabric.engine.abi.reply import MAX_DEPTH, MAX_DIGITS, MAX_JSON_BYTES, NotStrictJsonError, decode, strict_json
from infrafabric.errors import Outcome

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(document=DOCUMENTS, ascii_only=st.booleans(), indent=st.none() | st.integers(0, 2))
def test_every_valid_document_is_read(document: Any, *, ascii_only: bool, indent: int | None) -> None:
    """Whatever Python writes as standard JSON is read as Python reads it."""
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent, allow_nan=False)
    value = strict_json(text.encode())
    assert value == document
    assert json.dumps(value) == json.dumps(document)


@given(text=st.text(alphabet='[]{}":,\\ \n\tau0123456789eE+-.nltrfs\x00é', max_size=60))
def test_nothing_is_read_that_python_refuses(text: str) -> None:
    """Documents made of JSON's own characters: accepted ones are accepted by Python too, with the same value."""
    try:
        value = strict_json(text.encode())
    except NotStrictJsonError:
        return
    assert value == json.loads(text)


@given(data=st.binary(max_size=80))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    """No bytes make decoding raise anything else, and auto always finds something."""
    output = decode(data, "auto")
    if isinstance(output, bytes):
        assert output == data
    elif isinstance(output, str) and not data.startswith(b'"') and not data.strip(b" \t\r\n").startswith(b'"'):
        assert output == data.decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        (" ", "Expecting value"),
        ("NaN", "NaN is not JSON"),
        ("[Infinity]", "Infinity is not JSON"),
        ('{"a": -Infinity}', "-Infinity is not JSON"),
        ('{"a": 1, "a": 2}', "an object has a key twice"),
        ('[{"b": {"a": 1, "\\u0061": 2}}]', "an object has a key twice"),
        ("1e400", "the number 1e400 is too large"),
        ("-1e999", "the number -1e999 is too large"),
        ('"\\ud800"', "half of a surrogate pair"),
        ('"\\udc00\\ud800"', "half of a surrogate pair"),
        ('{"\\ud800": 1}', "half of a surrogate pair"),
        ('[["\\ud83d x"]]', "half of a surrogate pair"),
        ("[1,]", "Expecting value"),
        ("[1] 2", "Extra data"),
        ("'a'", "Expecting value"),
        ('"a\nb"', "control character"),
        ('"a\x00b"', "control character"),
        ("\ufeff{}", "Expecting value"),
        ("01", "Extra data"),
        ("+1", "Expecting value"),
        (".5", "Expecting value"),
        ("1.", "Extra data"),
        ("\uff11", "Expecting value"),
        ("[1 2]", "Expecting ',' delimiter"),
        ("// comment\n1", "Expecting value"),
        ('"\\x41"', "Invalid \\escape"),
        ("True", "Expecting value"),
        ("[", "Expecting value"),
    ],
)
def test_what_is_not_strict_json_is_refused(text: str, said: str) -> None:
    """Every liberty that parsers take is refused, with the reason."""
    with pytest.raises(NotStrictJsonError) as caught:
        strict_json(text.encode())
    assert said in str(caught.value)


@pytest.mark.parametrize("data", [b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"', '"é"'.encode("utf-16")])
def test_what_is_not_utf8_is_refused(data: bytes) -> None:
    """JSON is UTF-8 without encoded surrogates and overlong forms."""
    with pytest.raises(NotStrictJsonError):
        strict_json(data)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\u0000"', "\0"),
        ("-0", 0),
        ("-0.0", -0.0),
        ("1e-400", 0.0),
        ("1E5", 1e5),
        (" [ ] ", []),
        ("9007199254740993", 9007199254740993),
        ('"\\\\ud800"', "\\ud800"),
    ],
)
def test_unusual_but_valid(text: str, value: Any) -> None:
    """What the grammar allows is read."""
    assert strict_json(text.encode()) == value


# --- bounds ----------------------------------------------------------------------------------------


def nested(depth: int, opening: str = "[", closing: str = "]", inner: str = "") -> bytes:
    """A document of that depth."""
    return (opening * depth + inner + closing * depth).encode()


OBJECT = '{"a":'


@pytest.mark.parametrize(
    "make",
    [
        nested,
        lambda depth: nested(depth, OBJECT, "}", "1"),
        lambda depth: nested(depth // 2, "[" + OBJECT, "}]", "[]" if depth % 2 else "1"),
        lambda depth: b'["' + b"]" * 500 + b'",' + nested(depth - 1) + b"]",
        lambda depth: b'["' + rb"\"]\\" * 500 + b'",' + nested(depth - 1) + b"]",
        lambda depth: b"[" + b"[]," * 1000 + nested(depth - 1) + b"]",
    ],
    ids=["arrays", "objects", "both", "closing brackets in a string", "escapes in a string", "after a long row"],
)
def test_depth_is_bounded_to_the_level(make: Any) -> None:
    """64 levels are read and 65 are not, whatever strings and neighbours pretend."""
    strict_json(make(MAX_DEPTH))
    with pytest.raises(NotStrictJsonError, match="nested deeper than 64 levels"):
        strict_json(make(MAX_DEPTH + 1))


@pytest.mark.parametrize(
    "text",
    ["[" * 100, "{" * 100, '\\"' + "[" * 100, "\\\\" * 3 + "[" * 100, '"' + "[" * 100, "]" * 50 + "[" * 100],
    ids=["arrays", "objects", "escaped quote", "backslashes", "open string", "closed first"],
)
def test_brackets_in_strings_nest_nothing(text: str) -> None:
    """A string full of brackets, quotes and backslashes is a string."""
    assert strict_json(json.dumps([text, [text]]).encode()) == [text, [text]]


@given(strings=st.lists(st.text(alphabet='[]{}"\\\\x', max_size=30), max_size=6), depth=st.integers(1, 2 * MAX_DEPTH))
def test_depth_is_the_real_depth(strings: list[str], depth: int) -> None:
    """Accepted exactly when the parsed value is no deeper than the bound."""
    value: list[Any] = [*strings]
    for _ in range(depth - 1):
        value = [*strings, value, *strings]
    data = json.dumps(value).encode()
    if depth <= MAX_DEPTH:
        assert strict_json(data) == value
    else:
        with pytest.raises(NotStrictJsonError):
            strict_json(data)


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize(
    "make",
    [
        lambda digits: "1" * digits,
        lambda digits: "0." + "1" * (digits - 2),
        lambda digits: "1." + "0" * (digits - 5) + "e-9",
    ],
    ids=["integer", "fraction", "exponent"],
)
def test_digits_are_bounded(make: Any, sign: str) -> None:
    """A number of 400 characters is read, one more is refused by its length."""
    strict_json((sign + make(MAX_DIGITS - len(sign))).encode())
    with pytest.raises(NotStrictJsonError, match=r"a number has 401 digits; 400 are read"):
        strict_json((sign + make(MAX_DIGITS + 1 - len(sign))).encode())


def test_size_is_bounded_to_the_byte() -> None:
    """One MiB is JSON; one byte more is text, because decoding it would hold everybody up."""
    fits = b'"' + b"x" * (MAX_JSON_BYTES - 2) + b'"'
    assert decode(fits, "auto") == "x" * (MAX_JSON_BYTES - 2)
    larger = b'"' + b"x" * (MAX_JSON_BYTES - 1) + b'"'
    assert decode(larger, "auto") == larger.decode()
    with pytest.raises(GuestEnded) as caught:
        decode(larger, "json")
    assert "it has 1,048,577 bytes, and JSON is read up to 1,048,576" in caught.value.verdict.message


@pytest.mark.timing
@pytest.mark.parametrize(
    "make",
    [
        lambda: b"[" + b"[]," * (MAX_JSON_BYTES // 3 - 2) + b"[]]",
        lambda: b"[" * MAX_JSON_BYTES,
        lambda: b"]" * MAX_JSON_BYTES,
        lambda: b'{"":' * (MAX_JSON_BYTES // 4),
        lambda: b"[" + b'"",' * (MAX_JSON_BYTES // 3 - 2) + b'""]',
        lambda: b"\\" * MAX_JSON_BYTES,
        lambda: b'"' * MAX_JSON_BYTES,
        lambda: b"[" + b"1," * (MAX_JSON_BYTES // 2 - 2) + b"1]",
        lambda: b'["' + b"\\u0041" * (MAX_JSON_BYTES // 6 - 1) + b'"]',
        lambda: b"1" * MAX_JSON_BYTES,
        lambda: b'"' + b"\\ud800" * (MAX_JSON_BYTES // 6 - 1) + b'"',
    ],
    ids=[
        "many arrays",
        "opening",
        "closing",
        "objects",
        "strings",
        "backslashes",
        "quotes",
        "numbers",
        "escapes",
        "one number",
        "surrogates",
    ],
)
def test_the_worst_mebibyte_is_read_in_bounded_time(make: Any) -> None:
    """Whatever a guest sends in one MiB is decoded or refused without holding the host up."""
    data = make()
    started = time.perf_counter()
    decode(data, "auto")
    assert time.perf_counter() - started < 1.5


# --- what is asked for -----------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "output"), [(b"1", 1), (b"-2.5", -2.5), (b" 7\n", 7)])
def test_a_number_can_be_asked_for(data: bytes, output: float) -> None:
    """``returns: number`` reads an answer that is one number."""
    assert decode(data, "number") == output


@pytest.mark.parametrize(
    ("data", "said"), [(b"true", "bool"), (b'"1"', "str"), (b"[1]", "list"), (b"null", "NoneType")]
)
def test_an_answer_that_is_no_number_is_invalid(data: bytes, said: str) -> None:
    """Anything but a number is the guest's fault then."""
    with pytest.raises(GuestEnded) as caught:
        decode(data, "number")
    assert caught.value.verdict.outcome is Outcome.INVALID_RESULT
    assert caught.value.verdict.message == f"its answer is not a number but JSON of type {said}"
