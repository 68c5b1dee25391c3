"""``cstring``: NUL-terminated text in and out, and 0 for a failure."""

from __future__ import annotations

from typing import Any

import pytest

from infrafabric.errors import Outcome
from tests.engine.abi.allocators import ALLOCATE
from tests.engine.driving import PAGE, Guest, memory_text

LIMIT = 1 << 20
UPPER = f"""(module {ALLOCATE}
  (func (export "first_upper") (param $text i32) (result i32)
    (i32.store8 (local.get $text) (i32.and (i32.load8_u (local.get $text)) (i32.const 0xdf)))
    (local.get $text))
  (func (export "fail") (param i32) (result i32) (i32.const 0)))"""


def answering(pointer: int, content: bytes = b"", at: int = 64, pages: int = 1) -> Guest:
    """A guest that answers ``pointer``, with ``content`` in its memory."""
    return Guest(
        f"""(module (memory (export "memory") {pages}) (data (i32.const {at}) "{memory_text(content)}")
          (func (export "allocate") (param i32) (result i32) (i32.const 8))
          (func (export "f") (param i32) (result i32) (i32.const {pointer})))""",
        payload_bytes=LIMIT,
    )


@pytest.mark.parametrize(
    ("params", "output"), [("straße", "Straße"), (b"x", "X"), (["a"], ["a"]), ("", ""), (None, "")], ids=str
)
def test_text_goes_in_and_comes_out(params: Any, output: Any) -> None:
    """Text, bytes and JSON arrive with a NUL behind them, and the answer ends at its NUL."""
    assert Guest(UPPER).run("first_upper", params, abi="cstring").ok() == output


@pytest.mark.parametrize("params", ["a\0b", b"\0", {"a": "\0"}], ids=["text", "bytes", "JSON escapes it"])
def test_a_nul_inside_the_parameters_is_refused(params: Any) -> None:
    """A NUL would end the text early: refused with its place, unless JSON escapes it."""
    ended = Guest(UPPER).run("first_upper", params)
    if isinstance(params, dict):
        assert ended.outcome is Outcome.SUCCESS
        return
    assert ended.outcome is Outcome.INVALID_PARAMS
    assert f"hold a NUL at byte {1 if len(params) == 3 else 0}" in ended.message


def test_a_null_answer_is_the_guests_failure() -> None:
    """0 says that the guest failed."""
    ended = Guest(UPPER).run("fail", "x")
    assert ended.outcome is Outcome.GUEST_ERROR
    assert ended.message == "'fail' answered a null pointer"


@pytest.mark.parametrize(
    ("pointer", "content", "at", "output"),
    [
        (64, b"hello\0", 64, "hello"),
        (PAGE - 1, b"\0", PAGE - 1, ""),
        (PAGE - 4, b"end\0", PAGE - 4, "end"),
    ],
    ids=["inside", "the last byte", "up to the end"],
)
def test_an_answer_ends_at_its_nul(pointer: int, content: bytes, at: int, output: str) -> None:
    """The text up to the first NUL, also when that is the last byte of memory."""
    assert answering(pointer, content, at).run("f", "x", returns="text").ok() == output


@pytest.mark.parametrize(
    ("pointer", "content", "at"),
    [(PAGE - 3, b"abc", PAGE - 3), (PAGE, b"", 64), (0xFFFF_FFFF, b"", 64), (0x8000_0000, b"", 64)],
    ids=["no NUL", "the end", "the last address", "a negative pointer"],
)
def test_an_answer_without_a_nul_is_invalid(pointer: int, content: bytes, at: int) -> None:
    """Without a NUL before the end of memory there is no text; nothing outside memory is looked at."""
    ended = answering(pointer, content, at).run("f", "x")
    assert ended.outcome is Outcome.INVALID_RESULT
    assert f"its answer at {pointer} has no NUL before the end of its memory of 65,536 bytes" in ended.message


@pytest.mark.parametrize(("length", "outcome"), [(LIMIT, Outcome.SUCCESS), (LIMIT + 1, Outcome.INVALID_RESULT)])
def test_an_answer_is_bounded(length: int, outcome: Outcome) -> None:
    """max_payload_mb holds for the text without its NUL, to the byte."""
    guest = Guest(
        f"""(module (memory (export "memory") 20) (func (export "allocate") (param i32) (result i32) (i32.const 8))
          (func (export "f") (param i32) (result i32)
            (memory.fill (i32.const 64) (i32.const 65) (i32.const {length})) (i32.const 64)))""",
        payload_bytes=LIMIT,
    )
    ended = guest.run("f", "x", returns="bytes")
    assert ended.outcome is outcome
    if ended.verdict is None:
        assert ended.output == b"A" * LIMIT
    else:
        assert ended.message == "its answer has 1,048,577 bytes; max_payload_mb allows 1 MiB"
