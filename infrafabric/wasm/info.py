"""`ModuleInfo`: everything `inspect_module` found, as one frozen record.

It holds no reference to the module's bytes, so that a loaded swarm costs what it declares and not what it weighs.
Lookups are methods on the record instead of a second "view" class: there is one thing to pass around.
"""

from __future__ import annotations

from typing import Any, Literal

import attrs

from infrafabric.errors import escape
from infrafabric.wasm.bounds import ReadBounds
from infrafabric.wasm.names import NameSection
from infrafabric.wasm.records import Counts, Export, FuncType, Import, MemoryType, Producer, TableType

#: Module names under which toolchains import WASI: preview 1, and the snapshot before it.
WASI_MODULES = frozenset({"wasi_snapshot_preview1", "wasi_unstable"})

_MAX_TOOLS, _MAX_TOOL_TEXT = 8, 60


def _how_many(items: Any) -> str:
    return f"<{len(items)}>"


@attrs.frozen(kw_only=True)
class ModuleInfo:
    """What the bytes of a module say about it.

    Of a component (``kind == "component"``) only ``kind``, ``size_bytes``, ``sha256`` and ``producers`` are known.
    ``memories`` and ``tables`` begin with the imported ones. ``start`` is the index of the start function. All
    names are the module's own text: escape them before printing.
    """

    kind: Literal["module", "component"]
    size_bytes: int
    sha256: str
    imports: tuple[Import, ...] = attrs.field(default=(), repr=_how_many)
    exports: tuple[Export, ...] = attrs.field(default=(), repr=_how_many)
    memories: tuple[MemoryType, ...] = ()
    tables: tuple[TableType, ...] = ()
    start: int | None = None
    counts: Counts = attrs.field(factory=Counts)
    producers: tuple[Producer, ...] = ()
    _functions: tuple[FuncType, ...] = attrs.field(default=(), repr=False, eq=False)
    _names: NameSection = attrs.field(factory=lambda: NameSection(b"", ReadBounds()), repr=False, eq=False)
    _exports_by_name: dict[str, Export] = attrs.field(init=False, repr=False, eq=False)

    @_exports_by_name.default
    def _by_name(self) -> dict[str, Export]:
        return {export.name: export for export in self.exports}

    def export(self, name: str) -> Export | None:
        """The export of that name."""
        return self._exports_by_name.get(name)

    def exported_memory(self) -> str | None:
        """The name under which a memory is exported: "memory" if there is such, else the first."""
        preferred = self._exports_by_name.get("memory")
        if preferred is not None and preferred.kind == "memory":
            return preferred.name
        return next((export.name for export in self.exports if export.kind == "memory"), None)

    @property
    def needs_wasi(self) -> bool:
        """True when something is imported from WASI preview 1 or its predecessor."""
        return any(item.module in WASI_MODULES for item in self.imports)

    def function_type(self, index: int) -> FuncType | None:
        """The signature of function ``index``, imported ones counted first."""
        return self._functions[index] if 0 <= index < len(self._functions) else None

    def function_name(self, index: int) -> str | None:
        """What the name section calls function ``index``."""
        return self._names.function(index)

    @property
    def module_name(self) -> str | None:
        """What the name section calls the module."""
        return self._names.module()

    def parameter_names(self, function: str | int) -> tuple[str, ...] | None:
        """The names of the parameters of an exported function, or of the function of that index, in order.

        None unless the name section gives every parameter a name of its own. A function without parameters has ().
        """
        index = self._function_index(function)
        signature = None if index is None else self.function_type(index)
        if index is None or signature is None:
            return None
        wanted = len(signature.params)
        found = self._names.locals(index, wanted) if wanted else {}
        names = tuple(name for _, name in sorted(found.items()) if name)
        return names if len(set(names)) == wanted else None

    def _function_index(self, function: str | int) -> int | None:
        if isinstance(function, int):
            return function
        export = self.export(function)
        return export.index if export is not None and export.kind == "func" else None

    @property
    def languages(self) -> tuple[str, ...]:
        """The source languages that the producers section names, escaped."""
        named = (_language(item) for item in self.producers if item.field == "language")
        return tuple(dict.fromkeys(named))[:_MAX_TOOLS]

    @property
    def toolchain(self) -> str | None:
        """What made the module, on one line and escaped: "Rust (rustc 1.63.0, clang 14.0.6)"; None when unknown."""
        tools = [_tool(item) for item in self.producers if item.field in {"processed-by", "sdk"}]
        languages, made_by = ", ".join(self.languages), ", ".join(dict.fromkeys(tools[:_MAX_TOOLS]))
        return f"{languages} ({made_by})" if languages and made_by else languages or made_by or None


def _language(producer: Producer) -> str:
    # clang writes the names of DWARF: "C_plus_plus_14" -> "C++14"
    name = producer.name.replace("C_plus_plus_", "C++").replace("C_plus_plus", "C++")
    return escape(name, _MAX_TOOL_TEXT)


def _tool(producer: Producer) -> str:
    # "1.63.0 (4b91a6ea7 2022-08-08)" -> "1.63.0"
    version = producer.version.partition(" (")[0]
    return escape(f"{producer.name} {version}".strip(), _MAX_TOOL_TEXT)
