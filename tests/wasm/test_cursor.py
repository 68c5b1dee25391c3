"""Numbers of the format read back as written, and stop at the end they were given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.errors import InvalidModule
from infrafabric.wasm.bounds import Budget, ReadBounds
from infrafabric.wasm.cursor import Cursor
from tests.wasm.encoding import leb


def cursor(data: bytes, end: int | None = None) -> Cursor:
    """A cursor over ``data`` up to ``end``."""
    return Cursor(data, 0, len(data) if end is None else end, "test section", Budget(ReadBounds()))


def signed(number: int) -> bytes:
    """``number`` as signed LEB128."""
    out = bytearray()
    while True:
        byte = number & 0x7F
        number >>= 7
        if number == (-1 if byte & 0x40 else 0):
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.binary(max_size=3))
def test_u32_reads_every_number_in_every_width(number: int, width: int, after: bytes) -> None:
    """Padding up to five bytes does not change the number, and reading stops behind it."""
    data = leb(number, width)
    reader = cursor(data + after)
    assert reader.u32() == number
    assert reader.position == len(data)


@given(st.integers(0, 2**64 - 1), st.integers(1, 10))
def test_u64_reads_every_number_in_every_width(number: int, width: int) -> None:
    """The same for 64 bits and ten bytes."""
    assert cursor(leb(number, width)).u64() == number


@given(st.integers(2**32, 2**70))
def test_u32_refuses_larger_numbers(number: int) -> None:
    """One bit more than fits is an error at the number's first byte."""
    with pytest.raises(InvalidModule, match="32 bits") as refused:
        cursor(leb(number)).u32()
    assert refused.value.offset == 0


@given(st.integers(-(2**31), 2**31 - 1))
def test_steps_over_signed_numbers_that_fit(number: int) -> None:
    """Every i32 is stepped over, also as an i64."""
    for bits in (32, 64):
        reader = cursor(signed(number) + b"\x0b")
        reader.skip_signed(bits)
        assert reader.byte() == 0x0B


@given(st.one_of(st.integers(2**31, 2**64), st.integers(-(2**64), -(2**31) - 1)))
def test_refuses_signed_numbers_that_do_not_fit(number: int) -> None:
    """A number outside i32 is refused where an i32 is due, by its value or by its length."""
    with pytest.raises(InvalidModule, match="32 bits"):
        cursor(signed(number)).skip_signed(32)


@pytest.mark.parametrize("read", [Cursor.byte, Cursor.u32, Cursor.u64, lambda reader: reader.skip_signed(32)])
@pytest.mark.parametrize("data", [b"", b"\x80"], ids=["empty", "continued"])
def test_never_reads_past_its_end(read: object, data: bytes) -> None:
    """Bytes behind the end belong to the next section, even where they would complete the number."""
    reader = cursor(data + b"\x01\x01", end=len(data))
    if read is Cursor.byte and data:
        reader.byte()
    with pytest.raises(InvalidModule, match="unexpected end"):
        read(reader)  # type: ignore[operator]


def test_messages_say_the_offset_twice_and_the_section() -> None:
    """Decimal for people, hexadecimal for those who look at a dump."""
    reader = cursor(bytes(40))
    reader.position = 31
    with pytest.raises(InvalidModule, match=r"at byte 31 \(0x1f\), test section: broken\.") as refused:
        reader.fail("broken")
    assert refused.value.offset == 31
