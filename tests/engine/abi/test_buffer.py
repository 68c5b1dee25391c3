"""``buffer``: bytes go in at a pointer, and a number or the bytes at a packed pointer come out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.errors import Outcome
from tests.engine.abi.allocators import ALLOCATE
from tests.engine.driving import PAGE, Guest, memory_text

ECHO = f"""(module {ALLOCATE}
  (func (export "echo") (param i32 i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))
  (func (export "length") (param i32 i32) (result i32) (local.get 1))
  (func (export "last") (param i32 i32) (result i32)
    (i32.load8_u (i32.sub (i32.add (local.get 0) (local.get 1)) (i32.const 1))))
  (func (export "nothing") (param i32 i32))
  (func (export "number") (param i32 i32) (result i64) (i64.const -5)))"""
LIMIT = 1 << 20


@pytest.fixture(scope="module")
def guest() -> Guest:
    """A guest that answers its input, its length, its last byte, nothing, or a number."""
    return Guest(ECHO, memory_bytes=128 * PAGE, payload_bytes=LIMIT)


def answering(pointer: int, length: int, content: bytes = b"", at: int = 64) -> Guest:
    """A guest whose answer says ``length`` bytes at ``pointer``, with ``content`` in its memory."""
    packed = (pointer << 32 | length) - (1 << 64 if pointer >> 31 else 0)
    return Guest(
        f"""(module {ALLOCATE} (data (i32.const {at}) "{memory_text(content)}")
          (func (export "f") (param i32 i32) (result i64) (i64.const {packed})))""",
        payload_bytes=LIMIT,
    )


@pytest.mark.parametrize(
    ("params", "seen"),
    [
        (b"\x00\xff", b"\x00\xff"),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abcd")[::2], b"ac"),
        ("héllo", "héllo".encode()),
        ({"a": [1, None]}, b'{"a": [1, null]}'),
        ({}, b"{}"),
        (["x"], b'["x"]'),
        (True, b"true"),
        (7, b"7"),
        (None, b""),
        ("", b""),
        (b"", b""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, memoryview) else str(value),
)
def test_parameters_arrive_as_bytes(guest: Guest, params: Any, seen: bytes) -> None:
    """Bytes and text as they are, None as nothing, everything else as JSON."""
    assert guest.run("echo", params, returns="bytes", abi="buffer").ok() == seen
    assert guest.run("length", params, abi="buffer").ok() == len(seen)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"a": float("nan")}, "cannot be sent as JSON: Out of range float values"),
        ({"a": {1, 2}}, "type dict cannot be sent as JSON: Object of type set"),
        ("\ud800", "surrogates not allowed"),
        ({"a": "\ud800"}, "surrogates not allowed"),
        ([[1]] * 3 + [object()], "type list cannot be sent"),
    ],
    ids=["NaN", "a set", "half a character", "half a character inside", "an object"],
)
def test_what_json_cannot_hold_is_the_callers_mistake(guest: Guest, params: Any, said: str) -> None:
    """Parameters that have no bytes are refused before anything runs, and the message says why."""
    ended = guest.run("echo", params, abi="buffer")
    assert ended.outcome is Outcome.INVALID_PARAMS
    assert said in ended.message
    assert ended.run is None


def test_parameters_too_deep_to_write_are_the_callers_mistake(guest: Guest) -> None:
    """Nesting that Python cannot write as JSON is refused, not raised."""
    deep: list[Any] = []
    for _ in range(200_000):
        deep = [deep]
    ended = guest.run("echo", deep, abi="buffer")
    assert ended.outcome is Outcome.INVALID_PARAMS
    while deep:  # taken apart by hand: freeing it in one go would recurse
        deep = deep[0]


@pytest.mark.parametrize(("size", "outcome"), [(LIMIT, Outcome.SUCCESS), (LIMIT + 1, Outcome.INVALID_PARAMS)])
def test_parameters_are_bounded(guest: Guest, size: int, outcome: Outcome) -> None:
    """max_payload_mb holds for parameters, to the byte."""
    ended = guest.run("length", b"x" * size)
    assert ended.outcome is outcome
    assert (ended.output == size) == (outcome is Outcome.SUCCESS)
    if ended.message:
        assert ended.message == "the parameters have 1,048,577 bytes; max_payload_mb allows 1 MiB"


@pytest.mark.parametrize(
    ("returns", "params", "output"),
    [
        ("auto", b'{"a": 1}', {"a": 1}),
        ("auto", b"plain", "plain"),
        ("auto", b"\xff", b"\xff"),
        ("auto", b"", ""),
        ("json", b"[1.5]", [1.5]),
        ("text", b'{"a": 1}', '{"a": 1}'),
        ("bytes", b'{"a": 1}', b'{"a": 1}'),
        ("bytes", b"", b""),
    ],
)
def test_the_reply_is_read_as_asked(guest: Guest, returns: str, params: bytes, output: Any) -> None:
    """``returns`` decides how the bytes of the answer are read; auto tries JSON, text, bytes."""
    assert guest.run("echo", params, returns=returns).ok() == output


@pytest.mark.parametrize(
    ("returns", "params", "said"),
    [
        ("json", b"plain", "not strict JSON"),
        ("json", b"", "not strict JSON"),
        ("text", b"a\xff", "its answer is not UTF-8: byte 1 is 0xff"),
    ],
)
def test_a_reply_that_is_not_what_was_promised_is_invalid(guest: Guest, returns: str, params: bytes, said: str) -> None:
    """When the contract says how to read an answer, one that is not so is the guest's fault."""
    ended = guest.run("echo", params, returns=returns)
    assert ended.outcome is Outcome.INVALID_RESULT
    assert said in ended.message


def test_numbers_and_nothing(guest: Guest) -> None:
    """An i32 is the number, an i64 too when the contract says so, and no result is None."""
    assert guest.run("last", b"abc").ok() == ord("c")
    assert guest.run("number", b"", returns="number").ok() == -5
    assert guest.run("nothing", b"x").ok() is None


@pytest.mark.parametrize(
    ("pointer", "length", "output"),
    [
        (64, 5, "hello"),
        (PAGE - 3, 3, "\0\0\0"),
        (0, 0, ""),
        (0xFFFF_FFFF, 0, ""),
        (0, 1, "\0"),
    ],
    ids=["inside", "the last bytes", "zero", "empty outside", "address zero"],
)
def test_an_answer_inside_memory_is_read(pointer: int, length: int, output: str) -> None:
    """Any range inside the memory is an answer; an empty one is empty wherever it lies."""
    assert answering(pointer, length, b"hello").run("f", b"", returns="text").ok() == output


@pytest.mark.parametrize(
    ("pointer", "length"),
    [(PAGE - 3, 4), (PAGE, 1), (0xFFFF_FFFF, 1), (0x8000_0000, 100), (0, PAGE + 1)],
    ids=["one over", "past the end", "the last address", "a negative pointer", "all and one more"],
)
def test_an_answer_outside_memory_is_invalid(pointer: int, length: int) -> None:
    """A pointer or length that leaves the memory is the guest's lie, and the message has the numbers."""
    ended = answering(pointer, length).run("f", b"")
    assert ended.outcome is Outcome.INVALID_RESULT
    assert f"says {length:,} bytes at {pointer}, which is not inside its memory of 65,536 bytes" in ended.message


@pytest.mark.parametrize(
    ("length", "outcome"),
    [(LIMIT, Outcome.SUCCESS), (LIMIT + 1, Outcome.INVALID_RESULT), (0xFFFF_FFFF, Outcome.INVALID_RESULT)],
)
def test_an_answer_is_bounded(length: int, outcome: Outcome) -> None:
    """max_payload_mb holds for answers, to the byte, before anything is copied."""
    guest = Guest(
        f"""(module (memory (export "memory") 32) (func (export "allocate") (param i32) (result i32) (i32.const 8))
          (func (export "f") (param i32 i32) (result i64) (i64.const {length})))""",
        payload_bytes=LIMIT,
    )
    ended = guest.run("f", b"", returns="bytes")
    assert ended.outcome is outcome
    if ended.verdict is not None:
        assert ended.message == f"its answer has {length:,} bytes; max_payload_mb allows 1 MiB"


@given(data=st.binary(max_size=300))
def test_bytes_go_round_unchanged(guest: Guest, data: bytes) -> None:
    """Whatever bytes go in, the guest sees exactly those."""
    assert guest.run("echo", data, returns="bytes").ok() == data
