"""Types are named as the text format names them, proposals included."""

from __future__ import annotations

import pytest
from wasmtime import wat2wasm

from infrafabric.errors import InvalidModule
from infrafabric.wasm import FuncType, GlobalType, MemoryType, TableType, inspect_module
from tests.wasm.encoding import HEADER, leb, module, name, section, vector

NUMBERS = ["i32", "i64", "f32", "f64", "v128"]
ABBREVIATED = [
    "funcref",
    "externref",
    "anyref",
    "eqref",
    "i31ref",
    "structref",
    "arrayref",
    "exnref",
    "nullref",
    "nullexternref",
    "nullfuncref",
    "nullexnref",
]
SPELLED = [
    "(ref func)",
    "(ref extern)",
    "(ref any)",
    "(ref none)",
    "(ref nofunc)",
    "(ref 0)",
    "(ref null 0)",
    "(ref null 1)",
    "(ref (exact 0))",
    "(ref null (shared any))",
    "(ref (shared func))",
]


@pytest.mark.parametrize("type_name", NUMBERS + ABBREVIATED + SPELLED)
def test_names_value_types_as_written(type_name: str) -> None:
    """A parameter's type reads back as the text it was assembled from."""
    wat = f'(module (type (struct)) (type (array i8)) (func (export "f") (param {type_name}) unreachable))'
    export = inspect_module(bytes(wat2wasm(wat))).export("f")
    assert export is not None
    assert export.type == FuncType((type_name,))


@pytest.mark.parametrize(
    ("written", "read"),
    [("(ref null func)", "funcref"), ("(ref null extern)", "externref"), ("(ref null none)", "nullref")],
)
def test_one_type_has_one_name(written: str, read: str) -> None:
    """The long form of an abbreviated reference is the same type, so it gets the same name."""
    codes = {"(ref null func)": b"\x63\x70", "(ref null extern)": b"\x63\x6f", "(ref null none)": b"\x63\x71"}
    info = inspect_module(module(section(1, b"\x01\x60\x01" + codes[written] + b"\0"), _import_type_zero()))
    assert info.imports[0].type == FuncType((read,))


def _import_type_zero() -> bytes:
    return section(2, vector([name("m") + name("f") + b"\0\0"]))


@pytest.mark.parametrize(
    "types",
    [
        "(rec (type (struct (field (ref null 1)))) (type (struct (field (ref 0)) (field (mut i16)))))",
        "(type (sub (struct))) (type (sub final 0 (struct (field i8))))",
        "(rec) (rec (type (array (mut i8))))",
        "(type (array (ref null 0)))",
        "(type (func)) (type (cont 0))",
        "(type (shared (struct (field i32))))",
        "(rec (type (descriptor 1) (struct)) (type (describes 0) (struct)))",
    ],
    ids=["recursive", "subtypes", "empty_group", "itself", "continuation", "shared", "descriptors"],
)
def test_steps_over_types_that_are_no_functions(types: str) -> None:
    """What follows garbage-collected types in the section is still read right."""
    wat = f'(module {types} (type $after (func (param i64) (result f32))) (import "m" "f" (func (type $after))))'
    info = inspect_module(bytes(wat2wasm(wat)))
    assert info.imports[0].type == FuncType(("i64",), ("f32",))


def test_mixes_short_and_long_types_in_one_signature() -> None:
    """A signature whose bytes could be taken for one-byte types is read type by type."""
    wat = '(module (type (struct)) (import "m" "f" (func (param i32 (ref 0) v128) (result (ref null 0) anyref))))'
    info = inspect_module(bytes(wat2wasm(wat)))
    assert info.imports[0].type == FuncType(("i32", "(ref 0)", "v128"), ("(ref null 0)", "anyref"))


@pytest.mark.parametrize(
    ("wat", "expected"),
    [
        ("(memory 1)", MemoryType(minimum_pages=1)),
        ("(memory 4 4)", MemoryType(minimum_pages=4, maximum_pages=4)),
        ("(memory 0 65536)", MemoryType(minimum_pages=0, maximum_pages=65536)),
        ("(memory 1 2 shared)", MemoryType(minimum_pages=1, maximum_pages=2, shared=True)),
        ("(memory i64 1 4294967296)", MemoryType(minimum_pages=1, maximum_pages=2**32, is_64=True)),
        ("(memory 5 (pagesize 1))", MemoryType(minimum_pages=5, page_size=1)),
        ('(import "m" "m" (memory 3))', MemoryType(minimum_pages=3, imported=True)),
    ],
    ids=["plain", "equal", "maximum", "shared", "64_bit", "page_size", "imported"],
)
def test_reads_memory_types(wat: str, expected: MemoryType) -> None:
    """Every flag of a memory's limits has its field."""
    assert inspect_module(bytes(wat2wasm(f"(module {wat})"))).memories == (expected,)


def test_sizes_of_a_memory_in_bytes() -> None:
    """Pages are multiplied by the module's own page size."""
    assert MemoryType(minimum_pages=2, maximum_pages=3).minimum_bytes == 131_072
    assert MemoryType(minimum_pages=2, maximum_pages=3, page_size=1).maximum_bytes == 3
    assert MemoryType(minimum_pages=2).maximum_bytes is None


@pytest.mark.parametrize(
    ("wat", "expected"),
    [
        ("(table 1 funcref)", TableType(element_type="funcref", minimum=1)),
        ("(table i64 1 2 externref)", TableType(element_type="externref", minimum=1, maximum=2, is_64=True)),
        ("(type (func)) (table 1 (ref null 0))", TableType(element_type="(ref null 0)", minimum=1)),
        (
            "(func $f) (table 4 (ref func) (ref.func $f)) (elem declare func $f)",
            TableType(element_type="(ref func)", minimum=4),
        ),
    ],
    ids=["plain", "64_bit", "typed", "with_value"],
)
def test_reads_table_types(wat: str, expected: TableType) -> None:
    """Element type, limits and an initial value are read."""
    assert inspect_module(bytes(wat2wasm(f"(module {wat})"))).tables == (expected,)


def test_reads_a_shared_global() -> None:
    """A global's two flags are kept apart."""
    wat = '(module (import "m" "g" (global (shared mut i32))))'
    assert inspect_module(bytes(wat2wasm(wat))).imports[0].type == GlobalType(
        value_type="i32", mutable=True, shared=True
    )


@pytest.mark.parametrize(
    ("heap", "accepted"),
    [
        (b"\x00", True),
        (b"\x80\x00", True),
        (b"\x80\x80\x80\x80\x00", True),
        (b"\x80\x40", False),
        (b"\xf0\x7f", False),
        (b"\x80\x80\x80\x80\x10", False),
        (b"\x40", False),
        (b"\x01", False),
    ],
    ids=["0", "two_bytes", "five_bytes", "negative", "overlong_func", "sign_bit", "unknown", "out_of_range"],
)
def test_type_indices_in_references_are_signed(heap: bytes, accepted: bool) -> None:  # noqa: FBT001
    """Only a non-negative signed LEB128 of 33 bits is an index."""
    wasm = HEADER + section(1, b"\x01\x60\x01\x64" + heap + b"\0") + _import_type_zero()
    if accepted:
        assert inspect_module(wasm).imports[0].type == FuncType(("(ref 0)",))
    else:
        with pytest.raises(InvalidModule):
            inspect_module(wasm)


def test_an_index_may_have_any_bit_but_the_sign() -> None:
    """Index 4096 ends in a byte with bit 5 set; index 8192 needs a third byte, or it would be negative."""
    types = b"\x60\0\0" * 8192 + b"\x60\x01\x64\x80\x20\x01\x64\x80\xc0\0"
    info = inspect_module(
        module(section(1, leb(8193) + types), section(2, vector([name("m") + name("f") + b"\0" + leb(8192)])))
    )
    assert info.imports[0].type == FuncType(("(ref 4096)",), ("(ref 8192)",))
    with pytest.raises(InvalidModule, match="unknown heap type 0x80"):
        inspect_module(module(section(1, leb(8193) + types.replace(b"\x80\xc0\0", b"\x80\x40"))))


def test_an_exact_function_import_is_a_function() -> None:
    """Its kind has a code of its own and the signature is where it always is."""
    info = inspect_module(
        bytes(wat2wasm('(module (type (func (param f32))) (import "m" "f" (func (exact (type 0)))))'))
    )
    assert (info.imports[0].kind, info.imports[0].type) == ("func", FuncType(("f32",)))


def test_a_page_size_is_never_computed_from_a_large_exponent() -> None:
    """2**63 is a page size to refuse elsewhere; 2**4294967295 is not even computed."""
    assert inspect_module(module(section(5, b"\x01\x08\0" + leb(63)))).memories[0].page_size == 2**63
    with pytest.raises(InvalidModule, match="page size"):
        inspect_module(module(section(5, b"\x01\x08\0" + leb(64))))
    with pytest.raises(InvalidModule, match="page size"):
        inspect_module(module(section(5, b"\x01\x08\0" + leb(2**32 - 1))))
