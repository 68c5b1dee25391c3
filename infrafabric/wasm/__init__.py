"""What the bytes of a WebAssembly module say, read in pure Python before any engine sees them.

You need this to decide whether a module may be loaded at all, to list what it exports and wants, and to know every
signature exactly. `inspect_module` is the way in; `ModuleInfo` is what it returns.
"""

from __future__ import annotations

from infrafabric.wasm.bounds import ReadBounds
from infrafabric.wasm.info import WASI_MODULES, ModuleInfo
from infrafabric.wasm.reader import inspect_module
from infrafabric.wasm.records import (
    HOST_VALUE_TYPES,
    Counts,
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

__all__ = [
    "HOST_VALUE_TYPES",
    "WASI_MODULES",
    "Counts",
    "Export",
    "ExternKind",
    "ExternType",
    "FuncType",
    "GlobalType",
    "Import",
    "MemoryType",
    "ModuleInfo",
    "Producer",
    "ReadBounds",
    "TableType",
    "inspect_module",
]
