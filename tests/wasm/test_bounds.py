"""Each bound of `ReadBounds` admits exactly its number and refuses one more, before anything is kept for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from infrafabric.errors import InvalidModule, ModuleTooLarge
from infrafabric.wasm import ReadBounds, inspect_module
from tests.wasm.encoding import (
    CODE,
    EMPTY_BODY,
    FUNCTIONS,
    MEMORY,
    TABLE,
    TYPES,
    ZERO,
    custom,
    leb,
    module,
    name,
    repeated,
    section,
    vector,
    with_exports,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def _functions(count: int) -> bytes:
    return module(TYPES, section(3, repeated(count, b"\0")), section(10, repeated(count, EMPTY_BODY)))


def _exports(count: int) -> bytes:
    return with_exports(*(name(f"e{number}") + b"\0\0" for number in range(count)))


def _named_export(size: int) -> bytes:
    return with_exports(name("x" * size) + b"\0\0")


def _module_of(size: int) -> bytes:
    return module(custom("pad", bytes(size - 14)))


def _compact_imports(count: int) -> bytes:
    group = name("m") + name("") + b"\x7e\0\0" + vector(name(f"i{number}") for number in range(count - 1))
    return module(TYPES, section(2, vector([group])))


#: Bound -> a module with that many of it; more than one where there is more than one way.
MODULES: list[tuple[str, Callable[[int], bytes]]] = [
    ("module_bytes", _module_of),
    ("types", lambda n: module(section(1, repeated(n, b"\x60\0\0")))),
    # A group counts as one more than its members.
    ("types", lambda n: module(section(1, b"\x01\x4e" + repeated(n - 1, b"\x60\0\0")))),
    ("types", lambda n: module(section(1, repeated(n, b"\x4e\0")))),
    ("signature_values", lambda n: module(section(1, b"\x01\x60" + repeated(n, b"\x7f") + b"\0"))),
    ("signature_values", lambda n: module(section(1, b"\x01\x60\0" + repeated(n, b"\x7f")))),
    ("signature_values", lambda n: module(section(1, repeated(n, b"\x60\x01\x7f\0")))),
    ("signature_values", lambda n: module(section(1, b"\x01\x5f" + repeated(n, b"\x7f\0")))),
    ("signature_values", lambda n: module(section(1, b"\x01\x50" + repeated(n, b"\0") + b"\x60\0\0"))),
    ("functions", _functions),
    ("imports", lambda n: module(TYPES, section(2, repeated(n, b"\0\0\0\0")))),
    ("imports", _compact_imports),
    ("exports", _exports),
    ("globals", lambda n: module(section(6, repeated(n, b"\x7f\0" + ZERO)))),
    ("tables", lambda n: module(section(4, repeated(n, b"\x70\0\0")))),
    ("memories", lambda n: module(section(5, repeated(n, b"\0\0")))),
    ("tags", lambda n: module(TYPES, section(13, repeated(n, b"\0\0")))),
    ("data_segments", lambda n: module(section(11, repeated(n, b"\x01\0")))),
    ("element_segments", lambda n: module(section(9, repeated(n, b"\x01\0\0")))),
    ("element_items", lambda n: module(section(9, b"\x01\x01\0" + repeated(n, b"\0")))),
    ("element_items", lambda n: module(section(9, repeated(n, b"\x01\0\x01\0")))),
    ("constant_instructions", lambda n: module(section(6, repeated(n, b"\x7f\0" + ZERO)))),
    ("constant_instructions", lambda n: module(section(6, b"\x01\x7f\0" + b"\x6a" * n + b"\x0b"))),
    ("constant_instructions", lambda n: module(MEMORY, section(11, repeated(n, b"\0" + ZERO + b"\0")))),
    ("constant_instructions", lambda n: module(TABLE, section(9, b"\x01\x05\x70" + repeated(n, b"\xd0\x70\x0b")))),
    ("constant_instructions", lambda n: module(section(4, repeated(n, b"\x40\0\x70\0\0\xd0\x70\x0b")))),
    ("custom_sections", lambda n: module(*[custom("x")] * n)),
    ("name_bytes", _named_export),
    ("name_bytes", lambda n: module(TYPES, section(2, vector([name("m" * n) + name("") + b"\0\0"])))),
    ("name_bytes", lambda n: module(TYPES, section(2, vector([name("") + name("n" * n) + b"\0\0"])))),
    ("name_bytes", lambda n: module(custom("c" * n))),
    ("total_name_bytes", _named_export),
    ("total_name_bytes", lambda n: module(*[custom("x")] * n)),
]
IDS = [f"{bound}_{number}" for number, (bound, _) in enumerate(MODULES)]


@pytest.mark.parametrize(("bound", "build"), MODULES, ids=IDS)
def test_admits_the_bound_and_refuses_one_more(bound: str, build: Callable[[int], bytes]) -> None:
    """At the bound the module is read; beyond it the error names the count and the bound."""
    limit = 20
    bounds = ReadBounds(**{bound: limit})
    inspect_module(build(limit), bounds=bounds)
    with pytest.raises(ModuleTooLarge, match=rf"{limit + 1} {bound.replace('_', ' ')} or more") as refused:
        inspect_module(build(limit + 1), bounds=bounds)
    assert f"at most {limit} are allowed" in str(refused.value)
    assert f"ReadBounds.{bound}" in str(refused.value)


def test_every_bound_has_a_module_that_breaks_it() -> None:
    """The table above covers all bounds but the two that only leave names out."""
    assert {bound for bound, _ in MODULES} | {"name_section_bytes", "debug_names"} == {
        field.name for field in attrs.fields(ReadBounds)
    }


@pytest.mark.parametrize(("bound", "build"), MODULES, ids=IDS)
def test_zero_means_none(bound: str, build: Callable[[int], bytes]) -> None:
    """A bound of zero refuses the first one."""
    with pytest.raises(ModuleTooLarge):
        inspect_module(build(20), bounds=ReadBounds(**{bound: 0}))


@pytest.mark.parametrize("value", [-1, 1.5, "20", None], ids=["negative", "fraction", "text", "none"])
def test_a_bound_is_a_count(value: Any) -> None:
    """A bound that is no count is refused when it is set, not met when it matters."""
    with pytest.raises((TypeError, ValueError)):
        ReadBounds(types=value)


def test_imports_do_not_count_as_definitions() -> None:
    """Imported functions and memories are bounded as imports alone."""
    imported = section(2, vector([b"\0\0\0\0", b"\0\0\x02\0\0"]))
    info = inspect_module(module(TYPES, imported, FUNCTIONS, MEMORY, CODE), bounds=ReadBounds(functions=1, memories=1))
    assert (info.counts.functions, info.counts.memories) == (2, 2)


@pytest.mark.parametrize(
    ("number", "content"),
    [
        (1, leb(2**32 - 1)),
        (1, b"\x01\x60" + leb(2**32 - 1)),
        (1, b"\x01\x4e" + leb(2**32 - 1)),
        (1, b"\x01\x5f" + leb(2**32 - 1)),
        (2, leb(2**32 - 1)),
        (3, leb(2**32 - 1)),
        (4, leb(2**32 - 1)),
        (5, leb(2**32 - 1)),
        (6, leb(2**32 - 1)),
        (7, leb(2**32 - 1)),
        (9, leb(2**32 - 1)),
        (9, b"\x01\x01\0" + leb(2**32 - 1)),
        (11, leb(2**32 - 1)),
        (13, leb(2**32 - 1)),
    ],
)
def test_a_huge_count_in_a_tiny_file_is_a_mistake(number: int, content: bytes) -> None:
    """A count that the rest of the section cannot hold is refused as malformed, whatever the bounds."""
    unbounded = ReadBounds(**{field.name: 2**40 for field in attrs.fields(ReadBounds)})
    with pytest.raises(InvalidModule, match=r"4,294,967,295 .* cannot fit in the 0 bytes left"):
        inspect_module(module(section(number, content)), bounds=unbounded)


def test_real_toolchains_fit_the_defaults() -> None:
    """A small Go program has some 27,000 data segments and 1,700 functions; ten times its code still fits."""
    bounds = ReadBounds()
    assert bounds.data_segments >= 27_000 * 3
    assert bounds.functions >= 1_700 * 10
