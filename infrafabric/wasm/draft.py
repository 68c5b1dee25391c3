"""What has been read of a module so far: the index spaces that later sections refer to, and the running counts.

One plain mutable object that each section reader adds to; only the finished `ModuleInfo` is frozen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infrafabric.wasm.cursor import Cursor
    from infrafabric.wasm.records import (
        Export,
        ExternKind,
        ExternType,
        FuncType,
        GlobalType,
        Import,
        MemoryType,
        Producer,
        TableType,
    )


class Draft:
    """A module while it is being read."""

    def __init__(self) -> None:
        #: A `FuncType`, or None where the type is a struct, array or continuation.
        self.types: list[FuncType | None] = []
        self.imports: list[Import] = []
        self.exports: dict[str, Export] = {}
        self.functions: list[FuncType] = []
        self.tables: list[TableType] = []
        self.memories: list[MemoryType] = []
        self.globals: list[GlobalType] = []
        self.tags: list[FuncType] = []
        #: The same lists by kind.
        self.spaces: dict[ExternKind, list[Any]] = {
            "func": self.functions,
            "table": self.tables,
            "memory": self.memories,
            "global": self.globals,
            "tag": self.tags,
        }
        self.start: int | None = None
        #: None until the section that states the number was read.
        self.defined_functions: int | None = None
        self.bodies: int | None = None
        self.data_count: int | None = None
        self.data_segments: int | None = None
        self.data_bytes = 0
        self.element_segments = 0
        self.element_items = 0
        self.code_bytes = 0
        self.custom_sections = 0
        self.producers: tuple[Producer, ...] = ()
        #: The content of the "name" section, read when somebody asks for a name.
        self.name_section = b""

    def func_type(self, cursor: Cursor, index: int, offset: int) -> FuncType:
        """Function type ``index``, which was read at ``offset``."""
        if index >= len(self.types):
            cursor.fail(f"type index {index} is out of range, there are {len(self.types)}", offset)
        found = self.types[index]
        if found is None:
            cursor.fail(f"type {index} is not a function type", offset)
        return found

    def item(self, cursor: Cursor, kind: ExternKind, index: int, offset: int) -> ExternType:
        """The type of item ``index`` of ``kind``, which was referred to at ``offset``."""
        space = self.spaces[kind]
        if index >= len(space):
            cursor.fail(f"{kind} index {index} is out of range, there are {len(space)}", offset)
        found: ExternType = space[index]
        return found
