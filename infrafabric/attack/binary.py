"""Writes modules byte by byte: what no assembler would write, or only slowly.

Binary format: WebAssembly core specification 3.0, chapter 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER = b"\0asm\x01\0\0\0"
I32, I64, F32, F64, V128, FUNCREF, EXTERNREF = b"\x7f", b"\x7e", b"\x7d", b"\x7c", b"\x7b", b"\x70", b"\x6f"
FUNCTION, TABLE, MEMORY, GLOBAL, TAG = b"\0", b"\x01", b"\x02", b"\x03", b"\x04"
#: A memory of one page, and the body of a function that does nothing.
ONE_PAGE = b"\0\x01"
NOTHING = b"\0\x0b"


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


def custom(title: str, content: bytes = b"") -> bytes:
    """A custom section."""
    return section(0, name(title) + content)


def signature(params: bytes = b"", results: bytes = b"") -> bytes:
    """A function type."""
    return b"\x60" + leb(len(params)) + params + leb(len(results)) + results


def body(code: bytes, local_groups: Iterable[bytes] = ()) -> bytes:
    """The body of a function with its size; ``local_groups`` are pairs of a count and a type."""
    whole = vector(local_groups) + code + b"\x0b"
    return leb(len(whole)) + whole


def export(title: str | bytes, index: int = 0, kind: bytes = FUNCTION) -> bytes:
    """An entry of the export section."""
    return name(title) + kind + leb(index)


def imported(module: str | bytes, title: str | bytes, what: bytes) -> bytes:
    """An entry of the import section; ``what`` is the kind and its type."""
    return name(module) + name(title) + what


def module(*sections: bytes) -> bytes:
    """A core module of these sections."""
    return HEADER + b"".join(sections)


def one_function(
    code: bytes,
    *,
    local_groups: Iterable[bytes] = (),
    params: bytes = b"",
    results: bytes = b"",
    types: Iterable[bytes] = (),
    before_code: bytes = b"",
    exports: Iterable[bytes] = (export("run"),),
    after: bytes = b"",
) -> bytes:
    """A module of one function, exported as ``run``; further ``types`` begin at index 1."""
    return module(
        section(1, vector([signature(params, results), *types])),
        section(3, b"\x01\0"),
        before_code,
        section(7, vector(exports)),
        section(10, b"\x01" + body(code, local_groups)),
        after,
    )


def function_names(*names: tuple[int, str | bytes]) -> bytes:
    """A name section that names functions."""
    part = vector(leb(index) + name(text) for index, text in names)
    return custom("name", b"\x01" + leb(len(part)) + part)


def parameter_names(function: int, names: Iterable[str]) -> bytes:
    """A name section that names the parameters of one function."""
    part = leb(1) + leb(function) + vector(leb(index) + name(text) for index, text in enumerate(names))
    return custom("name", b"\x02" + leb(len(part)) + part)
