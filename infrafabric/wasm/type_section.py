"""The type section: function types by name, and everything else of the GC proposals stepped over correctly.

Recursion groups do not nest in the format and structs do not nest in place, so a loop reads them all; nothing here
recurses on what the module says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.wasm.records import FuncType
from infrafabric.wasm.value_types import SINGLE_BYTE, read_type_index, read_value_type

if TYPE_CHECKING:
    from infrafabric.wasm.cursor import Cursor
    from infrafabric.wasm.draft import Draft

_REC, _SUB_FINAL, _SUB = 0x4E, 0x4F, 0x50
_SHARED, _DESCRIBES, _DESCRIPTOR = 0x65, 0x4C, 0x4D
_FUNC, _STRUCT, _ARRAY, _CONTINUATION = 0x60, 0x5F, 0x5E, 0x5D
_PACKED = frozenset({0x78, 0x77})


def read_types(cursor: Cursor, draft: Draft) -> None:
    """Add every type of the section to the draft."""
    types = draft.types
    for _ in range(cursor.count("types")):
        if cursor.position < cursor.end and cursor.data[cursor.position] == _REC:
            cursor.position += 1
            # Counted on top of the group itself, so that empty groups are paid for too.
            members = cursor.count("types", smallest=2)
            known = len(types) + members
            for _ in range(members):
                types.append(_read_subtype(cursor, known))
        else:
            types.append(_read_subtype(cursor, len(types) + 1))


def _read_subtype(cursor: Cursor, known: int) -> FuncType | None:
    """One type that may refer to the first ``known``; None unless it is a function type."""
    code = _skip_prefixes(cursor, known)
    if code == _FUNC:
        return FuncType(_read_values(cursor, known), _read_values(cursor, known))
    if code == _STRUCT:
        for _ in range(cursor.count("signature_values", smallest=2)):
            _skip_field(cursor, known)
    elif code == _ARRAY:
        _skip_field(cursor, known)
    elif code == _CONTINUATION:
        read_type_index(cursor, known)
    else:
        cursor.fail(f"unknown kind of type 0x{code:02x}", cursor.position - 1)
    return None


def _skip_prefixes(cursor: Cursor, known: int) -> int:
    """Step over supertypes and annotations; returns the code of the kind of type, which is read."""
    code = cursor.byte()
    if code in {_SUB, _SUB_FINAL}:
        for _ in range(cursor.count("signature_values")):
            read_type_index(cursor, known)
        code = cursor.byte()
    if code == _SHARED:
        code = cursor.byte()
    for prefix in (_DESCRIBES, _DESCRIPTOR):
        if code == prefix:
            read_type_index(cursor, known)
            code = cursor.byte()
    return code


def _read_values(cursor: Cursor, known: int) -> tuple[str, ...]:
    """A vector of value types."""
    count = cursor.count("signature_values")
    codes = cursor.data[cursor.position : cursor.position + count]
    # Almost every signature is one byte a value; if these bytes are not, none of them has been consumed yet.
    names = tuple(map(SINGLE_BYTE.get, codes))
    if None not in names:
        cursor.position += count
        return names  # type: ignore[return-value]
    return tuple(read_value_type(cursor, known) for _ in range(count))


def _skip_field(cursor: Cursor, known: int) -> None:
    """Step over the type of a struct's field or an array's element."""
    if cursor.position < cursor.end and cursor.data[cursor.position] in _PACKED:
        cursor.position += 1
    else:
        read_value_type(cursor, known)
    mutable = cursor.byte()
    if mutable > 1:
        cursor.fail(f"unknown field mutability 0x{mutable:02x}", cursor.position - 1)
