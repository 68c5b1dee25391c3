"""The sections with a module's content: elements, data count, code and data. Contents are measured, never copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.wasm.constant import skip_constant
from infrafabric.wasm.value_types import read_reference_type

if TYPE_CHECKING:
    from infrafabric.wasm.cursor import Cursor
    from infrafabric.wasm.draft import Draft

#: Bits of an element segment's flags; for those without an offset the second tells declared from passive.
_NO_OFFSET, _EXPLICIT_TABLE, _EXPRESSIONS = 1, 2, 4
_PASSIVE, _EXPLICIT_MEMORY = 1, 2


def read_elements(cursor: Cursor, draft: Draft) -> None:
    """The element section: what tables are filled with."""
    for _ in range(cursor.count("element_segments", smallest=2)):
        start = cursor.position
        flags = cursor.u32()
        if flags > 7:
            cursor.fail(f"unknown element segment flags 0x{flags:02x}", start)
        if not flags & _NO_OFFSET:
            at = cursor.position
            table = cursor.u32() if flags & _EXPLICIT_TABLE else 0
            draft.item(cursor, "table", table, at)
            skip_constant(cursor, draft)
        if flags & (_NO_OFFSET | _EXPLICIT_TABLE):
            _skip_element_type(cursor, draft, expressions=bool(flags & _EXPRESSIONS))
        count = cursor.count("element_items")
        for _ in range(count):
            if flags & _EXPRESSIONS:
                skip_constant(cursor, draft)
            else:
                cursor.u32()
        draft.element_segments += 1
        draft.element_items += count


def _skip_element_type(cursor: Cursor, draft: Draft, *, expressions: bool) -> None:
    if expressions:
        read_reference_type(cursor, len(draft.types))
    elif kind := cursor.byte():
        cursor.fail(f"unknown kind of element 0x{kind:02x}", cursor.position - 1)


def read_data_count(cursor: Cursor, draft: Draft) -> None:
    """The data count section: how many segments the data section will have."""
    draft.data_count = cursor.u32()


def read_code(cursor: Cursor, draft: Draft) -> None:
    """The code section. Bodies are stepped over by their sizes, which must add up to the section."""
    start = cursor.position
    draft.bodies = count = cursor.u32()
    if count != (draft.defined_functions or 0):
        cursor.fail(f"{count:,} bodies for {draft.defined_functions or 0:,} functions", start)
    for _ in range(count):
        size = cursor.u32()
        cursor.skip(size, "a function body")
        draft.code_bytes += size


def read_data(cursor: Cursor, draft: Draft) -> None:
    """The data section: what memories are filled with."""
    start = cursor.position
    draft.data_segments = count = cursor.count("data_segments", smallest=2)
    if draft.data_count not in {None, count}:
        cursor.fail(f"{count:,} data segments where the data count section said {draft.data_count:,}", start)
    for _ in range(count):
        start = cursor.position
        flags = cursor.u32()
        if flags != _PASSIVE:
            if flags > _EXPLICIT_MEMORY:
                cursor.fail(f"unknown data segment flags 0x{flags:02x}", start)
            at = cursor.position
            memory = cursor.u32() if flags == _EXPLICIT_MEMORY else 0
            if memory >= len(draft.memories):
                draft.item(cursor, "memory", memory, at)
            skip_constant(cursor, draft)
        size = cursor.u32()
        cursor.skip(size, "a data segment")
        draft.data_bytes += size
