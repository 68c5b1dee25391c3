"""What `inspect_module` reports of well-formed modules."""

from __future__ import annotations

import hashlib
import pickle

import pytest
from wasmtime import wat2wasm

from infrafabric.wasm import (
    Counts,
    Export,
    FuncType,
    GlobalType,
    Import,
    MemoryType,
    ModuleInfo,
    Producer,
    TableType,
    inspect_module,
)
from tests.wasm.encoding import COMPONENT_HEADER, HEADER, custom, name, section, vector

EVERYTHING = """
(module
  (import "env" "log" (func $log (param i32 i32)))
  (import "env" "tick" (global i64))
  (import "env" "shared_table" (table 1 2 funcref))
  (type $pair (func (param i32 i32) (result i64)))
  (table 3 externref)
  (memory (export "memory") 2 10)
  (tag (export "oops") (param i32))
  (global $counter (export "counter") (mut i32) (i32.const 7))
  (func $start)
  (func (export "pack") (type $pair) (i64.const 0))
  (func (export "mix") (param f32 f64) (result i32 v128) unreachable)
  (start $start)
  (elem (table 0) (i32.const 0) func $log $start)
  (elem declare func $start)
  (data (i32.const 16) "hello")
  (data "passive"))
"""


def inspect(wat: str) -> ModuleInfo:
    """What is read of a module written as text."""
    return inspect_module(bytes(wat2wasm(wat)))


def test_reports_everything_a_module_declares() -> None:
    """Imports, exports, memories, tables, start and counts come out as they were written."""
    info = inspect(EVERYTHING)
    assert info.kind == "module"
    assert info.imports == (
        Import(module="env", name="log", kind="func", type=FuncType(("i32", "i32"))),
        Import(module="env", name="tick", kind="global", type=GlobalType(value_type="i64")),
        Import(
            module="env",
            name="shared_table",
            kind="table",
            type=TableType(element_type="funcref", minimum=1, maximum=2, imported=True),
        ),
    )
    assert info.exports == (
        Export(name="memory", kind="memory", index=0, type=MemoryType(minimum_pages=2, maximum_pages=10)),
        Export(name="oops", kind="tag", index=0, type=FuncType(("i32",))),
        Export(name="counter", kind="global", index=1, type=GlobalType(value_type="i32", mutable=True)),
        Export(name="pack", kind="func", index=2, type=FuncType(("i32", "i32"), ("i64",))),
        Export(name="mix", kind="func", index=3, type=FuncType(("f32", "f64"), ("i32", "v128"))),
    )
    assert info.memories == (MemoryType(minimum_pages=2, maximum_pages=10),)
    assert info.tables == (
        TableType(element_type="funcref", minimum=1, maximum=2, imported=True),
        TableType(element_type="externref", minimum=3),
    )
    assert info.start == 1
    assert info.counts == Counts(
        types=info.counts.types,
        functions=4,
        imports=3,
        exports=5,
        globals=2,
        tables=2,
        memories=1,
        tags=1,
        data_segments=2,
        data_bytes=12,
        element_segments=2,
        element_items=3,
        code_bytes=info.counts.code_bytes,
        custom_sections=1,
    )


def test_the_smallest_module_is_eight_bytes() -> None:
    """A header alone is a module without anything."""
    info = inspect_module(HEADER)
    assert (info.kind, info.size_bytes, info.counts, info.exports) == ("module", 8, Counts(), ())
    assert info.sha256 == hashlib.sha256(HEADER).hexdigest()


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview], ids=lambda kind: kind.__name__)
def test_takes_any_bytes(kind: type) -> None:
    """A bytearray or memoryview gives what the same bytes give."""
    assert inspect_module(kind(HEADER)) == inspect_module(HEADER)


@pytest.mark.parametrize("wrong", ["(module)", None, 8, [0, 97]], ids=["text", "none", "number", "list"])
def test_refuses_what_is_not_bytes(wrong: object) -> None:
    """Text is neither parsed nor opened as a path: the type is wrong."""
    with pytest.raises(TypeError, match="takes the bytes of a module"):
        inspect_module(wrong)  # type: ignore[arg-type]


def test_finds_exports_by_name() -> None:
    """An export is found under its exact name only."""
    info = inspect(EVERYTHING)
    assert info.export("pack") is info.exports[3]
    assert info.export("Pack") is None


@pytest.mark.parametrize(
    ("exports", "found"),
    [
        ('(memory (export "memory") 1)', "memory"),
        ('(memory (export "ram") 1)', "ram"),
        ('(memory (export "first") (export "memory") 1)', "memory"),
        ('(memory 1) (func (export "memory"))', None),
        ('(func (export "memory")) (memory (export "ram") 1)', "ram"),
        ("(memory 1)", None),
    ],
    ids=["memory", "other", "prefers_memory", "a_function", "function_and_other", "not_exported"],
)
def test_finds_the_exported_memory(exports: str, found: str | None) -> None:
    """The memory named "memory" is preferred, and something else of that name is not taken for one."""
    assert inspect(f"(module {exports})").exported_memory() == found


@pytest.mark.parametrize(
    ("source", "needs"),
    [("wasi_snapshot_preview1", True), ("wasi_unstable", True), ("wasi", False), ("env", False)],
)
def test_knows_who_needs_wasi(source: str, needs: bool) -> None:  # noqa: FBT001
    """Preview 1 and its predecessor count, a look-alike name does not."""
    assert inspect(f'(module (import "{source}" "proc_exit" (func (param i32))))').needs_wasi is needs


def test_knows_the_signature_of_every_function() -> None:
    """Imported functions are counted first; an index outside has no signature."""
    info = inspect(EVERYTHING)
    assert info.function_type(0) == FuncType(("i32", "i32"))
    assert info.function_type(3) == FuncType(("f32", "f64"), ("i32", "v128"))
    assert info.function_type(4) is None
    assert info.function_type(-1) is None


@pytest.mark.parametrize(
    ("signature", "callable_", "text"),
    [
        (FuncType(), True, "() -> ()"),
        (FuncType(("i32", "i64", "f32", "f64"), ("i32",)), True, "(i32, i64, f32, f64) -> i32"),
        (FuncType((), ("i32", "f64")), True, "() -> (i32, f64)"),
        (FuncType(("v128",)), False, "(v128) -> ()"),
        (FuncType(("i32",), ("funcref",)), False, "(i32) -> funcref"),
        (FuncType(("(ref null 3)",)), False, "((ref null 3)) -> ()"),
    ],
    ids=["empty", "numbers", "two_results", "vector", "reference_result", "typed_reference"],
)
def test_says_which_signatures_the_host_can_call(signature: FuncType, callable_: bool, text: str) -> None:  # noqa: FBT001
    """Numbers can be passed; one vector or reference anywhere makes the function uncallable."""
    assert signature.callable_from_host is callable_
    assert str(signature) == text


def test_a_vector_export_of_forty_bytes_is_seen_as_not_callable() -> None:
    """The signature on which the engine's reflection aborts is read like any other."""
    wasm = bytes(wat2wasm('(module (func (export "run") (param v128)))'))
    export = inspect_module(wasm).export("run")
    assert export is not None
    assert export.type == FuncType(("v128",))
    assert not export.type.callable_from_host


def test_unfolds_compact_imports() -> None:
    """Groups of imports under one module name read as if each were written out."""
    types = section(1, b"\x01\x60\x01\x7f\0")
    items = name("env") + name("") + b"\x7f" + vector([name("a") + b"\0\0", name("b") + b"\x03\x7e\x01"])
    names = name("sys") + name("") + b"\x7e" + b"\0\0" + vector([name("c"), name("d")])
    plain = name("") + name("") + b"\0\0"
    info = inspect_module(HEADER + types + section(2, vector([items, names, plain])))
    taken = FuncType(("i32",))
    assert [(item.module, item.name, item.type) for item in info.imports] == [
        ("env", "a", taken),
        ("env", "b", GlobalType(value_type="i64", mutable=True)),
        ("sys", "c", taken),
        ("sys", "d", taken),
        ("", "", taken),
    ]
    assert info.counts.functions == 4


def test_sees_a_component_and_who_made_it() -> None:
    """Of a component the kind, size, digest and outermost producers are known."""
    made_by = custom("producers", vector([name("processed-by") + vector([name("wit-component") + name("0.201.0")])]))
    data = COMPONENT_HEADER + section(1, HEADER) + made_by
    info = inspect_module(data)
    assert (info.kind, info.size_bytes, info.exports) == ("component", len(data), ())
    assert info.sha256 == hashlib.sha256(data).hexdigest()
    assert info.producers == (Producer("processed-by", "wit-component", "0.201.0"),)
    assert info.parameter_names("run") is None


@pytest.mark.parametrize("tail", [b"\0", b"\0\xff\xff\xff\xff\xff", b"\x01\x7f"], ids=["cut", "overlong", "too_large"])
def test_a_damaged_component_is_still_a_component(tail: bytes) -> None:
    """Its refusal is about being a component, so what follows the header cannot hide that."""
    assert inspect_module(COMPONENT_HEADER + tail).kind == "component"


def test_survives_pickling() -> None:
    """The record travels between processes with its lookups."""
    info = inspect(EVERYTHING)
    copy = pickle.loads(pickle.dumps(info))
    assert copy == info
    assert copy.export("pack") == info.export("pack")
    assert copy.function_type(3) == info.function_type(3)
    assert copy.function_name(1) == "start"


def test_two_modules_of_the_same_shape_differ_by_their_digest() -> None:
    """Equality includes the bytes, so a cache keyed by the record cannot mix modules up."""
    one, two = inspect('(module (memory 1) (data "a"))'), inspect('(module (memory 1) (data "b"))')
    assert one.counts == two.counts
    assert one != two


def test_its_repr_stays_short() -> None:
    """Thousands of exports do not flood a debugger or a log."""
    exports = "".join(f'(func (export "task{number}"))' for number in range(500))
    assert len(repr(inspect(f"(module {exports})"))) < 1_000
