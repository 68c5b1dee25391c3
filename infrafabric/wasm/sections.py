"""The sections that declare what a module has: imports, functions, tables, memories, tags, globals, exports, start.

The sections with its content are in `segments`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.errors import escape
from infrafabric.wasm.constant import skip_constant
from infrafabric.wasm.records import Export, ExternKind, ExternType, FuncType, Import
from infrafabric.wasm.value_types import read_global_type, read_memory_type, read_table_type

if TYPE_CHECKING:
    from infrafabric.wasm.cursor import Cursor
    from infrafabric.wasm.draft import Draft

_KINDS: tuple[ExternKind, ...] = ("func", "table", "memory", "global", "tag")
_EXACT_FUNC = 0x20
_COMPACT_ITEMS, _COMPACT_NAMES = 0x7F, 0x7E
_TABLE_WITH_VALUE = 0x40


def read_imports(cursor: Cursor, draft: Draft) -> None:
    """The import section; compact groups (one module name, many items) are unfolded."""
    for _ in range(cursor.count("imports", smallest=4)):
        module = cursor.name("an import's module name")
        name = cursor.name("an import's name")
        code = cursor.data[cursor.position] if cursor.position < cursor.end else 0
        if name or code not in {_COMPACT_ITEMS, _COMPACT_NAMES}:
            _add_import(draft, module, name, *_read_import_type(cursor, draft))
        else:
            cursor.position += 1
            _read_compact(cursor, draft, module, shared_type=code == _COMPACT_NAMES)


def _read_compact(cursor: Cursor, draft: Draft, module: str, *, shared_type: bool) -> None:
    """One module name with many names, each with a type of its own or all with one (compact import section)."""
    described = _read_import_type(cursor, draft) if shared_type else None
    for _ in range(cursor.count("imports", smallest=1 if shared_type else 3)):
        name = cursor.name("an import's name")
        _add_import(draft, module, name, *(described or _read_import_type(cursor, draft)))


def _add_import(draft: Draft, module: str, name: str, kind: ExternKind, type_: ExternType) -> None:
    draft.imports.append(Import(module=module, name=name, kind=kind, type=type_))
    draft.spaces[kind].append(type_)


def _read_import_type(cursor: Cursor, draft: Draft) -> tuple[ExternKind, ExternType]:
    start = cursor.position
    code = cursor.byte()
    described: ExternType
    if code in {0, _EXACT_FUNC}:
        code, described = 0, _read_func_type(cursor, draft)
    elif code == 1:
        described = read_table_type(cursor, len(draft.types), imported=True)
    elif code == 2:
        described = read_memory_type(cursor, imported=True)
    elif code == 3:
        described = read_global_type(cursor, len(draft.types))
    elif code == 4:
        described = _read_tag_type(cursor, draft)
    else:
        cursor.fail(f"unknown kind of import 0x{code:02x}", start)
    return _KINDS[code], described


def _read_func_type(cursor: Cursor, draft: Draft) -> FuncType:
    start = cursor.position
    return draft.func_type(cursor, cursor.u32(), start)


def _read_tag_type(cursor: Cursor, draft: Draft) -> FuncType:
    attribute = cursor.byte()
    if attribute:
        cursor.fail(f"unknown tag attribute 0x{attribute:02x}", cursor.position - 1)
    return _read_func_type(cursor, draft)


def read_functions(cursor: Cursor, draft: Draft) -> None:
    """The function section: one type index for each function with a body."""
    count = cursor.count("functions")
    draft.defined_functions = count
    start = cursor.position
    indices = cursor.data[start : start + count]
    if indices.isascii() and (not indices or max(indices) < len(draft.types)):
        # One byte each, as in most modules. Anything unusual is left to the loop, which says where it is.
        chosen = [draft.types[index] for index in indices]
        if None not in chosen:
            draft.functions.extend(chosen)  # type: ignore[arg-type]
            cursor.position += count
            return
    draft.functions.extend(_read_func_type(cursor, draft) for _ in range(count))


def read_tables(cursor: Cursor, draft: Draft) -> None:
    """The table section; a table may state the initial value of its elements."""
    types = len(draft.types)
    for _ in range(cursor.count("tables", smallest=3)):
        with_value = cursor.position < cursor.end and cursor.data[cursor.position] == _TABLE_WITH_VALUE
        if with_value:
            cursor.position += 1
            if cursor.byte():
                cursor.fail("unknown table encoding", cursor.position - 1)
        draft.tables.append(read_table_type(cursor, types, imported=False))
        if with_value:
            skip_constant(cursor, draft)


def read_memories(cursor: Cursor, draft: Draft) -> None:
    """The memory section."""
    for _ in range(cursor.count("memories", smallest=2)):
        draft.memories.append(read_memory_type(cursor, imported=False))


def read_tags(cursor: Cursor, draft: Draft) -> None:
    """The tag section (exception handling)."""
    for _ in range(cursor.count("tags", smallest=2)):
        draft.tags.append(_read_tag_type(cursor, draft))


def read_globals(cursor: Cursor, draft: Draft) -> None:
    """The global section."""
    types = len(draft.types)
    for _ in range(cursor.count("globals", smallest=3)):
        draft.globals.append(read_global_type(cursor, types))
        skip_constant(cursor, draft)


def read_exports(cursor: Cursor, draft: Draft) -> None:
    """The export section; names are unique."""
    for _ in range(cursor.count("exports", smallest=3)):
        start = cursor.position
        name = cursor.name("an export's name")
        if name in draft.exports:
            cursor.fail(f"a second export is named '{escape(name, 80)}'", start)
        code = cursor.byte()
        if code >= len(_KINDS):
            cursor.fail(f"unknown kind of export 0x{code:02x}", cursor.position - 1)
        kind, at = _KINDS[code], cursor.position
        index = cursor.u32()
        draft.exports[name] = Export(name=name, kind=kind, index=index, type=draft.item(cursor, kind, index, at))


def read_start(cursor: Cursor, draft: Draft) -> None:
    """The start section: the function that runs at instantiation."""
    start = cursor.position
    draft.start = cursor.u32()
    draft.item(cursor, "func", draft.start, start)
