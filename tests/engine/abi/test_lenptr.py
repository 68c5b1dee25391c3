"""``lenptr``: bytes out at the returned pointer, as many as the guest wrote where it was told."""

from __future__ import annotations

from typing import Any

import pytest

from infrafabric.errors import Outcome
from tests.engine.abi.allocators import ALLOCATE
from tests.engine.driving import PAGE, Guest, memory_text

LIMIT = 1 << 20
ECHO = f"""(module {ALLOCATE}
  (func (export "echo") (param $in i32) (param $size i32) (param $out_size i32) (result i32)
    (i32.store (local.get $out_size) (local.get $size))
    (local.get $in)))"""


def answering(pointer: int, length: int, content: bytes = b"", at: int = 64) -> Guest:
    """A guest that answers ``pointer`` and says ``length``."""
    return Guest(
        f"""(module {ALLOCATE} (data (i32.const {at}) "{memory_text(content)}")
          (func (export "f") (param i32 i32 i32) (result i32)
            (i32.store (local.get 2) (i32.const {length})) (i32.const {pointer})))""",
        payload_bytes=LIMIT,
    )


@pytest.mark.parametrize(
    ("params", "output"),
    [(b"\x00\x01\xff", b"\x00\x01\xff"), ("text", b"text"), ({"a": 1}, b'{"a": 1}'), (None, b""), (b"", b"")],
    ids=str,
)
def test_bytes_go_round(params: Any, output: bytes) -> None:
    """Parameters arrive as bytes with their length; the answer's length is read little-endian."""
    assert Guest(ECHO).run("echo", params, abi="lenptr", returns="bytes").ok() == output


def test_a_null_answer_is_the_guests_failure() -> None:
    """Null says that the guest failed, whatever the length says."""
    ended = answering(0, 5).run("f", b"x")
    assert ended.outcome is Outcome.GUEST_ERROR
    assert ended.message == "'f' answered a null pointer"


@pytest.mark.parametrize(
    ("pointer", "length", "content", "at", "output"),
    [
        (64, 258, b"x" * 258, 64, b"x" * 258),
        (PAGE - 2, 2, b"ab", PAGE - 2, b"ab"),
        (PAGE, 0, b"", 64, b""),
    ],
    ids=["two bytes of length", "the last bytes", "empty at the end"],
)
def test_an_answer_inside_memory_is_read(pointer: int, length: int, content: bytes, at: int, output: bytes) -> None:
    """The answer is as long as the guest wrote, up to the end of its memory."""
    assert answering(pointer, length, content, at).run("f", b"", returns="bytes").ok() == output


@pytest.mark.parametrize(
    ("pointer", "length"),
    [(PAGE - 2, 3), (0xFFFF_FFF0, 1), (1, PAGE), (PAGE + 1, 0)],
    ids=["one over", "far outside", "all but the first and one more", "empty, past the end"],
)
def test_an_answer_outside_memory_is_invalid(pointer: int, length: int) -> None:
    """A length or pointer that leaves the memory is the guest's lie."""
    ended = answering(pointer, length).run("f", b"")
    assert ended.outcome is Outcome.INVALID_RESULT
    assert f"says {length:,} bytes at {pointer}" in ended.message


@pytest.mark.parametrize("length", [LIMIT + 1, -1], ids=["one over", "negative"])
def test_an_answer_is_bounded(length: int) -> None:
    """A length over max_payload_mb is refused before a byte is copied; a negative one is a large one."""
    ended = answering(64, length).run("f", b"")
    assert ended.outcome is Outcome.INVALID_RESULT
    assert "max_payload_mb allows 1 MiB" in ended.message


def test_a_length_that_the_guest_never_wrote_is_zero() -> None:
    """The place for the length begins as zero, so a guest that forgets it answers nothing."""
    guest = Guest(f'(module {ALLOCATE} (func (export "f") (param i32 i32 i32) (result i32) (i32.const 64)))')
    assert guest.run("f", b"x", returns="bytes").ok() == b""


def test_it_works_without_an_allocator() -> None:
    """In a fresh instance the host makes room for both the input and the length."""
    guest = Guest(
        """(module (memory (export "memory") 1) (func (export "f") (param i32 i32 i32) (result i32)
          (i32.store (local.get 2) (local.get 1)) (local.get 0)))"""
    )
    assert guest.run("f", b"abc", returns="bytes").ok() == b"abc"
