"""Writes the WebAssembly binary format by hand: what an assembler would refuse to produce."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER = b"\0asm\x01\0\0\0"
COMPONENT_HEADER = b"\0asm\x0d\0\x01\0"

#: A body that does nothing, with its size.
EMPTY_BODY = b"\x02\0\x0b"
#: i32.const 0, end.
ZERO = b"\x41\0\x0b"


def leb(number: int, width: int = 1) -> bytes:
    """``number`` as unsigned LEB128 in at least ``width`` bytes."""
    out = bytearray()
    while number > 0x7F or len(out) < width - 1:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def name(text: str | bytes) -> bytes:
    """A name: its length and its UTF-8, or the bytes given."""
    raw = text.encode() if isinstance(text, str) else text
    return leb(len(raw)) + raw


def vector(items: Iterable[bytes]) -> bytes:
    """A count and the items."""
    listed = list(items)
    return leb(len(listed)) + b"".join(listed)


def repeated(count: int, item: bytes) -> bytes:
    """A vector of the same item."""
    return leb(count) + item * count


def section(number: int, content: bytes) -> bytes:
    """A section with its size."""
    return bytes([number]) + leb(len(content)) + content


def custom(title: str | bytes, content: bytes = b"") -> bytes:
    """A custom section."""
    return section(0, name(title) + content)


def module(*sections: bytes) -> bytes:
    """A core module of these sections."""
    return HEADER + b"".join(sections)


#: One type () -> ().
TYPES = section(1, b"\x01\x60\0\0")
#: One function of that type, and its body.
FUNCTIONS, CODE = section(3, b"\x01\0"), section(10, b"\x01" + EMPTY_BODY)
#: One memory of one page.
MEMORY = section(5, b"\x01\0\x01")
#: One table of no funcref.
TABLE = section(4, b"\x01\x70\0\0")


def with_exports(*exports: bytes) -> bytes:
    """A module of one function, one memory and one table that exports ``exports``."""
    return module(TYPES, FUNCTIONS, TABLE, MEMORY, section(7, vector(exports)), CODE)
