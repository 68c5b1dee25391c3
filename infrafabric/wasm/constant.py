"""Constant expressions: the initial values of globals and tables, the offsets of segments, the items of elements.

They are stepped over, not evaluated. Nearly all are one instruction and `end`, which one regular expression
matches several times faster than a loop over opcodes; a Go module has tens of thousands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infrafabric.wasm.value_types import read_heap_type

if TYPE_CHECKING:
    from infrafabric.wasm.cursor import Cursor
    from infrafabric.wasm.draft import Draft

#: i32.const, global.get or ref.func with its LEB128 (the last of five bytes holds only bits that fit), then end.
_ONE_INSTRUCTION = re.compile(
    rb"(?:\x41(?:[\x80-\xff]{0,3}[\x00-\x7f]|[\x80-\xff]{4}[\x00-\x07\x78-\x7f])"
    rb"|[\x23\xd2](?:[\x80-\xff]{0,3}[\x00-\x7f]|[\x80-\xff]{4}[\x00-\x0f]))\x0b",
    re.DOTALL,
)

_END = 0x0B
_I32_CONST, _I64_CONST, _F32_CONST, _F64_CONST = 0x41, 0x42, 0x43, 0x44
_GLOBAL_GET, _REF_NULL, _REF_FUNC = 0x23, 0xD0, 0xD2
#: i32 and i64 add, sub, mul.
_ARITHMETIC = frozenset({0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E})
_GC, _VECTOR, _ATOMIC = 0xFB, 0xFD, 0xFE
_V128_CONST, _REF_I31_SHARED = 12, 0x72
#: How many indices follow: struct.new, struct.new_default, array.new, array.new_default, array.new_fixed,
#: any.convert_extern, extern.convert_any, ref.i31, struct.new_desc, struct.new_default_desc.
_GC_INDICES = {0: 1, 1: 1, 6: 1, 7: 1, 8: 2, 26: 0, 27: 0, 28: 0, 32: 1, 33: 1}


def skip_constant(cursor: Cursor, draft: Draft) -> None:
    """Step over one constant expression; `InvalidModule` at an instruction that cannot be in one."""
    match = _ONE_INSTRUCTION.match(cursor.data, cursor.position, cursor.end)
    if match is not None:
        cursor.position = match.end()
        cursor.budget.spend("constant_instructions", 1, cursor.place)
        return
    start = cursor.position
    allowed = cursor.budget.left("constant_instructions")
    used = 0
    while (opcode := cursor.byte()) != _END:
        used += 1
        if used > allowed:
            break
        _skip_immediates(cursor, opcode, len(draft.types))
    cursor.budget.spend("constant_instructions", used, cursor.at(start))


def _skip_immediates(cursor: Cursor, opcode: int, types: int) -> None:
    """Step over what follows ``opcode``, which was read just now."""
    start = cursor.position - 1
    if opcode in _ARITHMETIC:
        return
    if opcode in {_GLOBAL_GET, _REF_FUNC}:
        cursor.u32()
    elif opcode == _I32_CONST:
        cursor.skip_signed(32)
    elif opcode == _I64_CONST:
        cursor.skip_signed(64)
    elif opcode == _F32_CONST:
        cursor.skip(4, "f32.const")
    elif opcode == _F64_CONST:
        cursor.skip(8, "f64.const")
    elif opcode == _REF_NULL:
        read_heap_type(cursor, types)
    elif opcode in {_GC, _VECTOR, _ATOMIC}:
        _skip_prefixed(cursor, opcode, start)
    else:
        cursor.fail(f"opcode 0x{opcode:02x} in a constant expression", start)


def _skip_prefixed(cursor: Cursor, prefix: int, start: int) -> None:
    """Step over an instruction whose first byte, ``prefix``, is at ``start``."""
    opcode = cursor.u32()
    if prefix == _VECTOR and opcode == _V128_CONST:
        cursor.skip(16, "v128.const")
    elif prefix == _GC and opcode in _GC_INDICES:
        for _ in range(_GC_INDICES[opcode]):
            cursor.u32()
    elif prefix != _ATOMIC or opcode != _REF_I31_SHARED:
        cursor.fail(f"opcode 0x{prefix:02x} {opcode} in a constant expression", start)
