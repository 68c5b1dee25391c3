"""What a module declares, as plain records named with the specification's words.

Value types are their names in the text format ("i32", "funcref", "(ref null 3)"): a set of strings compares, prints
and stores as it is, where an enum could not hold the open-ended reference types.

Names come from the module and may hold any character: pass them through `infrafabric.errors.escape` before printing.
"""

from __future__ import annotations

from typing import Literal

import attrs

ExternKind = Literal["func", "table", "memory", "global", "tag"]

#: What Python numbers convert to and from. Everything else (v128, references) stays inside the guest.
HOST_VALUE_TYPES = frozenset({"i32", "i64", "f32", "f64"})


@attrs.frozen
class FuncType:
    """The signature of a function or tag: the value types of its parameters and results, in order."""

    params: tuple[str, ...] = ()
    results: tuple[str, ...] = ()

    @property
    def callable_from_host(self) -> bool:
        """True when every parameter and result is i32, i64, f32 or f64."""
        return HOST_VALUE_TYPES.issuperset(self.params) and HOST_VALUE_TYPES.issuperset(self.results)

    def __str__(self) -> str:
        """The signature for people.

        >>> print(FuncType(("i32", "i32"), ("i64",)))
        (i32, i32) -> i64
        """
        params, results = ", ".join(self.params), ", ".join(self.results)
        return f"({params}) -> {results if len(self.results) == 1 else f'({results})'}"


@attrs.frozen(kw_only=True)
class MemoryType:
    """A linear memory. Sizes are in pages of ``page_size`` bytes (65,536 unless the module chose another)."""

    minimum_pages: int
    maximum_pages: int | None = None
    shared: bool = False
    is_64: bool = False
    page_size: int = 65_536
    imported: bool = False

    @property
    def minimum_bytes(self) -> int:
        """The size an instance begins with."""
        return self.minimum_pages * self.page_size

    @property
    def maximum_bytes(self) -> int | None:
        """The size the module itself will not grow beyond; None when it states none."""
        return None if self.maximum_pages is None else self.maximum_pages * self.page_size


@attrs.frozen(kw_only=True)
class TableType:
    """A table of references. Sizes are in elements."""

    element_type: str
    minimum: int
    maximum: int | None = None
    shared: bool = False
    is_64: bool = False
    imported: bool = False


@attrs.frozen(kw_only=True)
class GlobalType:
    """A global variable."""

    value_type: str
    mutable: bool = False
    shared: bool = False


ExternType = FuncType | TableType | MemoryType | GlobalType


@attrs.frozen(kw_only=True)
class Import:
    """Something the module wants from its host. ``type`` of a func or tag is its `FuncType`."""

    module: str
    name: str
    kind: ExternKind
    type: ExternType


@attrs.frozen(kw_only=True)
class Export:
    """Something the module offers under ``name``: item ``index`` of its kind, imported ones counted first."""

    name: str
    kind: ExternKind
    index: int
    type: ExternType


@attrs.frozen(kw_only=True)
class Counts:
    """How much of everything there is. Functions, globals, tables, memories and tags include imported ones."""

    types: int = 0
    functions: int = 0
    imports: int = 0
    exports: int = 0
    globals: int = 0
    tables: int = 0
    memories: int = 0
    tags: int = 0
    data_segments: int = 0
    data_bytes: int = 0
    element_segments: int = 0
    element_items: int = 0
    code_bytes: int = 0
    custom_sections: int = 0


@attrs.frozen
class Producer:
    """One entry of the "producers" section: ``field`` is "language", "processed-by" or "sdk"."""

    field: str
    name: str
    version: str
