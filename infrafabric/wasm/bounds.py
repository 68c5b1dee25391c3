"""How much of a module is read: `ReadBounds`, and the `Budget` that one reading spends from it.

Every vector of the format is paid for here before anything is kept for it, so memory follows these bounds and
never a number that the file claims. One running total per kind was chosen over a limit per vector: a type section
of many small groups costs the same as one large group.
"""

from __future__ import annotations

from typing import Literal, NoReturn

import attrs

from infrafabric.errors import ModuleTooLarge

Bounded = Literal[
    "module_bytes",
    "types",
    "signature_values",
    "functions",
    "imports",
    "exports",
    "globals",
    "tables",
    "memories",
    "tags",
    "data_segments",
    "element_segments",
    "element_items",
    "constant_instructions",
    "custom_sections",
    "name_bytes",
    "total_name_bytes",
]


def _bound(default: int) -> int:
    checks = [attrs.validators.instance_of(int), attrs.validators.ge(0)]
    bound: int = attrs.field(default=default, validator=checks)
    return bound


@attrs.frozen(kw_only=True)
class ReadBounds:
    """The most of each thing that one module may hold. Beyond it reading ends with `ModuleTooLarge`.

    The defaults admit what toolchains make in practice (a small Go program has 27,000 data segments) and keep the
    reading of the worst module that fits them to seconds. Values are counts, at least 0.
    """

    #: Size of the file in bytes; the most a contract can allow.
    module_bytes: int = _bound(256 * 1024 * 1024)
    types: int = _bound(100_000)
    #: Parameters, results, struct fields and supertypes of all types together.
    signature_values: int = _bound(500_000)
    #: Functions with a body; imported ones count as imports.
    functions: int = _bound(200_000)
    imports: int = _bound(2_000)
    exports: int = _bound(20_000)
    #: This and the next three count those defined here; imported ones count as imports.
    globals: int = _bound(20_000)
    tables: int = _bound(100)
    memories: int = _bound(100)
    tags: int = _bound(1_000)
    data_segments: int = _bound(100_000)
    element_segments: int = _bound(20_000)
    #: Entries of all element segments together.
    element_items: int = _bound(500_000)
    #: Instructions in the initial values and offsets of globals, tables, elements and data together.
    constant_instructions: int = _bound(1_000_000)
    custom_sections: int = _bound(1_000)
    #: UTF-8 bytes of one import, export or custom section name.
    name_bytes: int = _bound(4_096)
    #: UTF-8 bytes of all of those names together.
    total_name_bytes: int = _bound(4 * 1024 * 1024)
    #: Bytes of the "name" custom section that are kept; a larger section gives no names.
    name_section_bytes: int = _bound(4 * 1024 * 1024)
    #: Names read from each part of the "name" custom section; what follows is left out.
    debug_names: int = _bound(200_000)


class Budget:
    """What one reading has used of its bounds."""

    __slots__ = ("_spent", "bounds")

    def __init__(self, bounds: ReadBounds) -> None:
        self.bounds = bounds
        self._spent: dict[str, int] = {}

    def spend(self, what: Bounded, amount: int, place: str) -> None:
        """Pay for ``amount`` more of ``what``, found at ``place``; `ModuleTooLarge` when that is over the bound."""
        total = self._spent.get(what, 0) + amount
        if total > getattr(self.bounds, what):
            self.refuse(what, total, place)
        self._spent[what] = total

    def left(self, what: Bounded) -> int:
        """How many more of ``what`` may be read."""
        remaining: int = getattr(self.bounds, what) - self._spent.get(what, 0)
        return remaining

    def refuse(self, what: Bounded, amount: int, place: str) -> NoReturn:
        """Raise the `ModuleTooLarge` for a module with at least ``amount`` of ``what``."""
        bound: int = getattr(self.bounds, what)
        message = (
            f"The module has {amount:,} {what.replace('_', ' ')} or more ({place}) and at most {bound:,} are allowed. "
            f"Make the module smaller, or raise ReadBounds.{what}."
        )
        raise ModuleTooLarge(message)
