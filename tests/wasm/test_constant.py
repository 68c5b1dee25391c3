"""Constant expressions are stepped over exactly: what follows one is read at the right byte."""

from __future__ import annotations

import pytest
from wasmtime import wat2wasm

from infrafabric.errors import InvalidModule
from infrafabric.wasm import GlobalType, inspect_module
from tests.wasm.encoding import module, section

EXPRESSIONS = {
    "i32": ("i32", "(i32.const 0)"),
    "i32_smallest": ("i32", "(i32.const -2147483648)"),
    "i32_largest": ("i32", "(i32.const 2147483647)"),
    "i32_of_byte_end": ("i32", "(i32.const 11)"),
    "i64": ("i64", "(i64.const 0x0b0b0b0b0b)"),
    "i64_smallest": ("i64", "(i64.const -9223372036854775808)"),
    "f32": ("f32", "(f32.const 1.5)"),
    "f64": ("f64", "(f64.const nan:0xb0b0b0b0b0b0b)"),
    "v128": ("v128", "(v128.const i8x16 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11)"),
    "global": ("i32", "(global.get 0)"),
    "extended_i32": ("i32", "(i32.mul (i32.add (global.get 0) (i32.const 4)) (i32.sub (i32.const 9) (i32.const 1)))"),
    "extended_i64": ("i64", "(i64.mul (i64.add (i64.const 1) (i64.const 2)) (i64.sub (i64.const 3) (i64.const 4)))"),
    "ref_func": ("funcref", "(ref.func 0)"),
    "ref_null": ("externref", "(ref.null extern)"),
    "ref_null_index": ("(ref null 0)", "(ref.null 0)"),
    "ref_i31": ("i31ref", "(ref.i31 (i32.const 5))"),
    "struct_new": ("(ref 0)", "(struct.new 0 (i32.const 1) (i64.const 2))"),
    "struct_new_default": ("(ref 0)", "(struct.new_default 0)"),
    "array_new": ("(ref 1)", "(array.new 1 (i32.const 7) (i32.const 3))"),
    "array_new_default": ("(ref 1)", "(array.new_default 1 (i32.const 3))"),
    "array_new_fixed": ("(ref 1)", "(array.new_fixed 1 2 (i32.const 1) (i32.const 2))"),
    "any_and_extern": ("externref", "(extern.convert_any (any.convert_extern (ref.null extern)))"),
}


@pytest.mark.parametrize(("type_name", "expression"), EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_steps_over_every_constant_instruction(type_name: str, expression: str) -> None:
    """As a global's value, as an element and beside another global."""
    wat = f"""(module
      (type (struct (field i32) (field i64))) (type (array i8))
      (import "m" "g" (global i32))
      (global (export "it") {type_name} {expression})
      (global (export "after") (mut f32) (f32.const 0))
      (func))"""
    info = inspect_module(bytes(wat2wasm(wat)))
    it, after = info.exports
    assert it.type == GlobalType(value_type=type_name)
    assert after.type == GlobalType(value_type="f32", mutable=True)


@pytest.mark.parametrize(
    ("code", "accepted"),
    [
        (b"\x41\x80\x80\x80\x80\x78", True),
        (b"\x41\xff\xff\xff\xff\x07", True),
        (b"\x41\x80\x80\x80\x80\x08", False),
        (b"\x41\xff\xff\xff\xff\x0f", False),
        (b"\x41\x80\x80\x80\x80\x80\0", False),
        (b"\x42" + b"\xff" * 9 + b"\0", True),
        (b"\x42" + b"\xff" * 9 + b"\x7f", True),
        (b"\x42" + b"\xff" * 9 + b"\x01", False),
        (b"\x42" + b"\x80" * 10 + b"\0", False),
        (b"\x23\x80\x80\x80\x80\x0f", True),
        (b"\x23\x80\x80\x80\x80\x10", False),
        (b"\xd2\x80\x80\x80\x80\x10", False),
        (b"\xfd\x8c\0" + bytes(16), True),
        (b"\xfd\x0c" + bytes(10), False),
        (b"\xfd\x0d" + bytes(16), False),
        (b"\xfb\x02\0", False),
        (b"\xfe\x72", True),
        (b"\xfe\x71", False),
        (b"\x43\0\0\0", False),
        (b"\x20\0", False),
        (b"\x02\x40\x0b", False),
        (b"\xd0\x41", False),
        (b"", True),
    ],
)
def test_immediates_are_read_strictly(code: bytes, accepted: bool) -> None:  # noqa: FBT001
    """Numbers beyond their width, cut constants and instructions that are not constant are refused at their byte."""
    wasm = module(section(6, b"\x01\x7f\0" + code + b"\x0b"))
    if accepted:
        assert inspect_module(wasm).counts.globals == 1
    else:
        with pytest.raises(InvalidModule, match="global section") as refused:
            inspect_module(wasm)
        assert refused.value.offset is not None
        assert refused.value.offset >= 13
