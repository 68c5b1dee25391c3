"""Modules that are small and valid, and cost a compiler seconds or gigabytes."""

from __future__ import annotations

from tests.wasm.encoding import EMPTY_BODY, leb, module, repeated, section

_ONE_FUNCTION = section(3, b"\x01\0")
_NOTHING = section(1, b"\x01\x60\0\0")
#: One type (i32, i32, i32) -> ().
_THREE = section(1, b"\x01\x60\x03\x7f\x7f\x7f\0")
_ARGUMENTS = b"\x20\0\x20\x01\x20\x02"


def _body(code: bytes) -> bytes:
    content = b"\0" + code + b"\x0b"
    return section(10, b"\x01" + leb(len(content)) + content)


def nested_blocks(depth: int = 2000, values: int = 1000) -> bytes:
    """Blocks in blocks, each with a thousand parameters and results: gigabytes from eleven kilobytes."""
    many = leb(values) + b"\x7f" * values
    types = section(1, b"\x02\x60\0\0\x60" + many + many)
    code = b"\x41\0" * values + b"\x02\x01" * depth + b"\x0b" * depth + b"\x1a" * values
    return module(types, _ONE_FUNCTION, _body(code))


def table_copies(count: int) -> bytes:
    """``table.copy`` over and over: ten bytes of code each, and superlinear time."""
    table = section(4, b"\x01\x70\0\x01")
    return module(_THREE, _ONE_FUNCTION, table, _body((_ARGUMENTS + b"\xfc\x0e\0\0") * count))


def many_functions(count: int = 200_000) -> bytes:
    """As many empty functions as the reader lets through."""
    return module(_NOTHING, section(3, repeated(count, b"\0")), section(10, repeated(count, EMPTY_BODY)))


def giant_function(operations: int = 1_000_000) -> bytes:
    """One function of many additions that depend on each other."""
    return module(_THREE, _ONE_FUNCTION, _body(b"\x20\0\x20\x01\x6a\x21\0" * operations))
