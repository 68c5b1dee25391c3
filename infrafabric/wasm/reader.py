"""`inspect_module`: the bytes of a module to what they declare, without an engine.

One pass over the sections; code and data are stepped over by their sizes. Asking the engine was rejected: its type
reflection aborts the process on signatures that 40 bytes can hold, its text errors carry raw guest bytes, and some
modules cost it gigabytes before it can refuse them. Format: WebAssembly specification 3.0, chapter 5.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from infrafabric.errors import InvalidModule, ModuleTooLarge
from infrafabric.wasm.bounds import Budget, ReadBounds
from infrafabric.wasm.cursor import Cursor
from infrafabric.wasm.draft import Draft
from infrafabric.wasm.info import ModuleInfo
from infrafabric.wasm.names import NameSection, read_producers
from infrafabric.wasm.records import Counts
from infrafabric.wasm.sections import (
    read_exports,
    read_functions,
    read_globals,
    read_imports,
    read_memories,
    read_start,
    read_tables,
    read_tags,
)
from infrafabric.wasm.segments import read_code, read_data, read_data_count, read_elements
from infrafabric.wasm.sniff import MAGIC, describe
from infrafabric.wasm.type_section import read_types

if TYPE_CHECKING:
    from collections.abc import Callable

_HEADER_BYTES = 8
_MODULE_VERSION = b"\x01\0\0\0"
_COMPONENT_LAYER = b"\x01\0"
_CUSTOM = 0
_MAX_COMPONENT_SECTIONS = 10_000

#: Section id -> name and reader, in the order in which sections must come.
_SECTIONS: dict[int, tuple[str, Callable[[Cursor, Draft], None]]] = {
    1: ("type", read_types),
    2: ("import", read_imports),
    3: ("function", read_functions),
    4: ("table", read_tables),
    5: ("memory", read_memories),
    13: ("tag", read_tags),
    6: ("global", read_globals),
    7: ("export", read_exports),
    8: ("start", read_start),
    9: ("element", read_elements),
    12: ("data count", read_data_count),
    10: ("code", read_code),
    11: ("data", read_data),
}
_ORDER = {section: place for place, section in enumerate(_SECTIONS)}


def inspect_module(data: bytes, *, bounds: ReadBounds = ReadBounds()) -> ModuleInfo:  # noqa: B008 (frozen)
    r"""What the WebAssembly binary ``data`` declares: imports, exports with signatures, memories, counts, producers.

    Time is linear in the size of ``data`` (about 1 ms a MB and 1-2 us a declaration) and memory follows ``bounds``.
    What is refused here no engine accepts; function bodies and types of instructions are left to the engine.

    Raises `InvalidModule` with the byte offset when ``data`` is not a well-formed module, `ModuleTooLarge` when it
    declares more than ``bounds`` allows, and `TypeError` when ``data`` is not bytes.

    >>> info = inspect_module(b"\0asm\x01\0\0\0")
    >>> info.kind, info.size_bytes, info.exports
    ('module', 8, ())
    """
    data = _as_bytes(data)
    budget = Budget(bounds)
    budget.spend("module_bytes", len(data), "the file's size")
    cursor = Cursor(data, 0, len(data), "header", budget)
    if _read_header(cursor):
        return _read_component(cursor)
    draft = Draft()
    _read_sections(cursor, draft)
    return _finish(draft, data, bounds)


def _as_bytes(data: object) -> bytes:
    if isinstance(data, bytes):
        return data
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    message = f"inspect_module takes the bytes of a module, not {type(data).__name__}. Read the file first."
    raise TypeError(message)


def _read_header(cursor: Cursor) -> bool:
    """Check the eight bytes in front; True for a component."""
    data = cursor.data
    if not data.startswith(MAGIC):
        if data and MAGIC.startswith(data):
            raise _too_short(data)
        what, advice = describe(data)
        message = f"Not a WebAssembly module: {what} (byte 0). {advice}"
        raise InvalidModule(message, 0)
    if len(data) < _HEADER_BYTES:
        raise _too_short(data)
    cursor.position = _HEADER_BYTES
    if data[6:_HEADER_BYTES] == _COMPONENT_LAYER:
        return True
    if data[4:_HEADER_BYTES] != _MODULE_VERSION:
        version = int.from_bytes(data[4:_HEADER_BYTES], "little")
        message = (
            f"Unknown WebAssembly version {version} (0x{version:08x}) at byte 4, modules have version 1. "
            "Build it with a current toolchain."
        )
        raise InvalidModule(message, 4)
    return False


def _too_short(data: bytes) -> InvalidModule:
    message = (
        f"Not a WebAssembly module: too short, it ends at byte {len(data)} and a module has at least {_HEADER_BYTES}. "
        "Copy the file again."
    )
    return InvalidModule(message, len(data))


def _read_sections(cursor: Cursor, draft: Draft) -> None:
    """Read section after section to the end of the file."""
    previous = -1
    while cursor.position < cursor.end:
        start = cursor.position
        cursor.place = "between sections"
        number = cursor.byte()
        if number not in _SECTIONS and number != _CUSTOM:
            cursor.fail(f"unknown section {number}", start)
        name, read = _SECTIONS.get(number, ("custom", _read_custom))
        cursor.place = f"{name} section"
        content = cursor.skip(cursor.u32(), f"the {name} section")
        if number != _CUSTOM:
            if _ORDER[number] <= previous:
                cursor.fail(f"the {name} section is out of order or there twice", start)
            previous = _ORDER[number]
        section = Cursor(cursor.data, content, cursor.position, cursor.place, cursor.budget)
        read(section, draft)
        if section.position != section.end:
            section.fail(f"the content ends here and the section at byte {section.end}")
    _check_counts(cursor, draft)


def _check_counts(cursor: Cursor, draft: Draft) -> None:
    """What two sections state must agree, also when one of them is missing."""
    cursor.place = "end of the module"
    if (draft.bodies or 0) != (draft.defined_functions or 0):
        cursor.fail(f"{draft.bodies or 0:,} bodies for {draft.defined_functions or 0:,} functions")
    if (draft.data_count or 0) != (draft.data_segments or 0) and draft.data_count is not None:
        cursor.fail(f"the data section is missing, the data count section said {draft.data_count:,}")


def _read_custom(cursor: Cursor, draft: Draft) -> None:
    """A custom section: only its own name can be wrong; what it holds is for whoever knows it."""
    cursor.budget.spend("custom_sections", 1, cursor.at(cursor.position))
    draft.custom_sections += 1
    name = cursor.name("a custom section's name")
    start = cursor.skip(cursor.end - cursor.position, "a custom section")
    if name == "producers" and not draft.producers:
        draft.producers = read_producers(cursor.data, start, cursor.end)
    elif name == "name" and not draft.name_section and cursor.end - start <= cursor.budget.bounds.name_section_bytes:
        draft.name_section = cursor.data[start : cursor.end]


def _read_component(cursor: Cursor) -> ModuleInfo:
    """What can be said of a component: its outermost custom sections, up to the first mistake."""
    draft = Draft()
    with suppress(InvalidModule, ModuleTooLarge):
        for _ in range(_MAX_COMPONENT_SECTIONS):
            number = cursor.byte()
            start = cursor.skip(cursor.u32(), "a section")
            if number == _CUSTOM:
                _read_custom(Cursor(cursor.data, start, cursor.position, "custom section", cursor.budget), draft)
    return ModuleInfo(
        kind="component",
        size_bytes=len(cursor.data),
        sha256=hashlib.sha256(cursor.data).hexdigest(),
        producers=draft.producers,
    )


def _finish(draft: Draft, data: bytes, bounds: ReadBounds) -> ModuleInfo:
    counts = Counts(
        types=len(draft.types),
        functions=len(draft.functions),
        imports=len(draft.imports),
        exports=len(draft.exports),
        globals=len(draft.globals),
        tables=len(draft.tables),
        memories=len(draft.memories),
        tags=len(draft.tags),
        data_segments=draft.data_segments or 0,
        data_bytes=draft.data_bytes,
        element_segments=draft.element_segments,
        element_items=draft.element_items,
        code_bytes=draft.code_bytes,
        custom_sections=draft.custom_sections,
    )
    return ModuleInfo(
        kind="module",
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        imports=tuple(draft.imports),
        exports=tuple(draft.exports.values()),
        memories=tuple(draft.memories),
        tables=tuple(draft.tables),
        start=draft.start,
        counts=counts,
        producers=draft.producers,
        functions=tuple(draft.functions),
        names=NameSection(draft.name_section, bounds),
    )
