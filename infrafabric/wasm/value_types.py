"""Value, reference, limit and global types: their bytes to their names in the text format.

Covers the specification 3.0 and the proposals that toolchains can already emit (shared, exact and continuation
types, custom page sizes), because a module that cannot run is best refused with the name of what it uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.wasm.records import GlobalType, MemoryType, TableType

if TYPE_CHECKING:
    from infrafabric.wasm.cursor import Cursor

_NUMBERS = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64", 0x7B: "v128"}

#: Abstract heap types, and how the text format abbreviates a nullable reference to them.
_HEAP = {
    0x70: ("func", "funcref"),
    0x6F: ("extern", "externref"),
    0x6E: ("any", "anyref"),
    0x6D: ("eq", "eqref"),
    0x6C: ("i31", "i31ref"),
    0x6B: ("struct", "structref"),
    0x6A: ("array", "arrayref"),
    0x69: ("exn", "exnref"),
    0x68: ("cont", "contref"),
    0x71: ("none", "nullref"),
    0x72: ("noextern", "nullexternref"),
    0x73: ("nofunc", "nullfuncref"),
    0x74: ("noexn", "nullexnref"),
    0x75: ("nocont", "nullcontref"),
}
_ABBREVIATIONS = dict(_HEAP.values())

#: Value types of one byte. Others begin with one of the three bytes below.
SINGLE_BYTE = _NUMBERS | {code: abbreviation for code, (_, abbreviation) in _HEAP.items()}
_REF_NULL, _REF, _SHARED, _EXACT = 0x63, 0x64, 0x65, 0x62

_HAS_MAXIMUM, _IS_SHARED, _IS_64, _HAS_PAGE_SIZE = 1, 2, 4, 8


def read_value_type(cursor: Cursor, types: int) -> str:
    """The name of the value type here; ``types`` is the number of types it may refer to."""
    start = cursor.position
    code = cursor.byte()
    name = SINGLE_BYTE.get(code)
    if name is not None:
        return name
    if code in {_REF, _REF_NULL}:
        heap = read_heap_type(cursor, types)
        if code == _REF:
            return f"(ref {heap})"
        return _ABBREVIATIONS.get(heap) or f"(ref null {heap})"
    if code != _SHARED:
        cursor.fail(f"unknown value type 0x{code:02x}", start)
    return f"(ref null (shared {_abstract(cursor)}))"


def read_reference_type(cursor: Cursor, types: int) -> str:
    """As `read_value_type`, for places where only a reference may stand."""
    start = cursor.position
    name = read_value_type(cursor, types)
    if name in _NUMBERS.values():
        cursor.fail(f"a reference type was due, found {name}", start)
    return name


def read_heap_type(cursor: Cursor, types: int) -> str:
    """What a reference points to: "func", "3", "(shared any)", "(exact 3)"."""
    start = cursor.position
    code = cursor.byte()
    if code == _SHARED:
        return f"(shared {_abstract(cursor)})"
    if code == _EXACT:
        return f"(exact {read_type_index(cursor, types)})"
    if code in _HEAP:
        return _HEAP[code][0]
    cursor.position = start
    index = cursor.u32()
    # An index here is a signed LEB128 of 33 bits, so that it cannot be mistaken for the codes above: its last byte
    # has no sign bit. The fifth byte of a u32 is too small to have bit 6.
    if cursor.data[cursor.position - 1] & 0x40:
        cursor.fail(f"unknown heap type 0x{code:02x}", start)
    return str(_check_type_index(cursor, index, types, start))


def _abstract(cursor: Cursor) -> str:
    code = cursor.byte()
    if code not in _HEAP:
        cursor.fail(f"unknown heap type 0x{code:02x}", cursor.position - 1)
    return _HEAP[code][0]


def read_type_index(cursor: Cursor, types: int) -> int:
    """An index below ``types``."""
    start = cursor.position
    return _check_type_index(cursor, cursor.u32(), types, start)


def _check_type_index(cursor: Cursor, index: int, types: int, start: int) -> int:
    if index >= types:
        cursor.fail(f"type index {index} is out of range, there are {types}", start)
    return index


def _read_flags(cursor: Cursor, largest: int, what: str) -> int:
    flags = cursor.byte()
    if flags > largest:
        cursor.fail(f"unknown {what} flags 0x{flags:02x}", cursor.position - 1)
    return flags


def _read_limits(cursor: Cursor, flags: int, what: str) -> tuple[int, int | None]:
    start = cursor.position
    minimum = cursor.u64()
    maximum = cursor.u64() if flags & _HAS_MAXIMUM else None
    largest = minimum if maximum is None else maximum
    if minimum > largest:
        cursor.fail(f"the {what} minimum {minimum:,} is above its maximum {maximum:,}", start)
    if largest > 0xFFFF_FFFF and not flags & _IS_64:
        cursor.fail(f"the {what} size {largest:,} does not fit a 32-bit {what}", start)
    return minimum, maximum


def read_memory_type(cursor: Cursor, *, imported: bool) -> MemoryType:
    """A memory's limits, its page size included."""
    flags = _read_flags(cursor, 15, "memory")
    minimum, maximum = _read_limits(cursor, flags, "memory")
    page_size_log2 = 16
    if flags & _HAS_PAGE_SIZE:
        start = cursor.position
        page_size_log2 = cursor.u32()
        if page_size_log2 > 63:
            cursor.fail(f"a page size of 2**{page_size_log2} bytes", start)
    return MemoryType(
        minimum_pages=minimum,
        maximum_pages=maximum,
        shared=bool(flags & _IS_SHARED),
        is_64=bool(flags & _IS_64),
        page_size=1 << page_size_log2,
        imported=imported,
    )


def read_table_type(cursor: Cursor, types: int, *, imported: bool) -> TableType:
    """A table's element type and limits."""
    element_type = read_reference_type(cursor, types)
    flags = _read_flags(cursor, 7, "table")
    minimum, maximum = _read_limits(cursor, flags, "table")
    return TableType(
        element_type=element_type,
        minimum=minimum,
        maximum=maximum,
        shared=bool(flags & _IS_SHARED),
        is_64=bool(flags & _IS_64),
        imported=imported,
    )


def read_global_type(cursor: Cursor, types: int) -> GlobalType:
    """A global's value type and mutability."""
    value_type = read_value_type(cursor, types)
    flags = _read_flags(cursor, 3, "global")
    return GlobalType(value_type=value_type, mutable=bool(flags & 1), shared=bool(flags & _IS_SHARED))
