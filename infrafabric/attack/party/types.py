"""Signatures that the host cannot hold, or that it and the engine could read differently."""

from __future__ import annotations

from infrafabric.attack import binary
from infrafabric.attack.attack import Attack, Call, group, run, text

_UNKNOWN = run("unknown_task")


def _untouchable(name: str, tries: str, source: str) -> Attack:
    return Attack(name=name, tries=tries, module=text(source), calls=_UNKNOWN)


def _refused(name: str, tries: str, source: str) -> Attack:
    return Attack(name=name, tries=tries, module=text(source), load=("invalid_module",))


def _wide(width: int) -> bytes:
    kinds = (binary.I32, binary.I64, binary.F32, binary.F64)
    types = b"".join(kinds[i % 4] for i in range(width))
    return binary.one_function(b"".join(b"\x20" + binary.leb(i) for i in range(width)), params=types, results=types)


def _type_section(content: bytes) -> bytes:
    return binary.module(
        binary.section(1, content),
        binary.section(3, b"\x01\x00"),
        binary.section(7, binary.vector([binary.export("run")])),
        binary.section(10, b"\x01" + binary.body(b"\x00")),
    )


_WRONG = ([1], [1, 2, 3, 4, 5], [2**32, 0, 0, 0], [0, 2**64, 0, 0], [0, 0, 1e300, 0], [1.5, 0, 0, 0])
_NUMBERS = [index if index % 4 < 2 else index + 0.5 for index in range(1000)]

ATTACKS = group(
    "types",
    _untouchable("vector-parameter", "Take a vector.", '(module (func (export "run") (param v128)))'),
    _untouchable(
        "vector-result",
        "Return a vector.",
        '(module (func (export "run") (result v128) (v128.const i64x2 1 2)))',
    ),
    _untouchable(
        "extern-parameter", "Take a reference of the host.", '(module (func (export "run") (param externref)))'
    ),
    _untouchable(
        "extern-result",
        "Return a reference of the host.",
        '(module (func (export "run") (result externref) (ref.null extern)))',
    ),
    _untouchable("function-parameter", "Take a function.", '(module (func (export "run") (param funcref)))'),
    _untouchable(
        "function-result",
        "Return a live function.",
        '(module (func $run (export "run") (result funcref) (ref.func $run)) (elem declare func $run))',
    ),
    _untouchable(
        "one-vector-among-numbers",
        "Hide a vector among numbers.",
        '(module (func (export "run") (param i32 i64 f32 f64 v128 i32)))',
    ),
    _untouchable(
        "exported-global", "Export a global as a task.", '(module (global (export "run") v128 (v128.const i64x2 0 0)))'
    ),
    _untouchable(
        "exported-table", "Export a table of functions as a task.", '(module (table (export "run") 1 funcref))'
    ),
    _untouchable("exported-memory", "Export a memory as a task.", '(module (memory (export "run") 1))'),
    Attack(
        name="vectors-in-the-runtime",
        tries="Give allocator and initializer signatures with vectors.",
        module=text("""(module (memory (export "memory") 1)
          (func (export "initialize") (result v128) (v128.const i64x2 0 0))
          (func (export "allocate") (param v128) (result i32) (i32.const 0))
          (func (export "_initialize") (param externref))
          (func (export "run") (param i32 i32) (result i32) (i32.const 7)))"""),
        calls=(Call(params="text", output=7),),
    ),
    _refused(
        "typed-reference", "Take a typed reference.", '(module (type $t (func)) (func (export "run") (param (ref $t))))'
    ),
    _refused(
        "typed-null-reference",
        "Take a typed reference or null.",
        '(module (type $t (func)) (func (export "run") (param (ref null $t))))',
    ),
    _refused("any-reference", "Take a garbage-collected reference.", '(module (func (export "run") (param anyref)))'),
    _refused(
        "small-integer-reference", "Take a 31-bit integer reference.", '(module (func (export "run") (param i31ref)))'
    ),
    _refused("struct-type", "Declare a structure.", "(module (type (struct (field i32))))"),
    _refused("exception-tag", "Declare an exception.", "(module (tag (param i32)))"),
    _refused("exception-reference", "Take an exception.", '(module (func (export "run") (param exnref)))'),
    _refused(
        "non-null-extern",
        "Take a reference of the host that is never null.",
        '(module (func (export "run") (param (ref extern))))',
    ),
    Attack(
        name="thousand-values",
        tries="Take and return a thousand numbers of every kind.",
        module=lambda: _wide(1000),
        calls=(Call(params=_NUMBERS, output=_NUMBERS),),
    ),
    Attack(
        name="thousand-and-one-values",
        tries="Take and return a thousand and one numbers.",
        module=lambda: _wide(1001),
        load=("invalid_module",),
    ),
    Attack(
        name="wrong-arguments",
        tries="Be called with everything but what it takes.",
        module=text('(module (func (export "run") (param i32 i64 f32 f64) (result i32) (i32.const 1)))'),
        calls=(
            *(Call(params=params, expect=("invalid_params",)) for params in _WRONG),
            Call(params=[-(2**31), -(2**63), 1.5, 1e300], output=1),
        ),
    ),
    Attack(
        name="padded-type-section",
        tries="Encode the signature with padded numbers, so that readers may differ.",
        module=lambda: _type_section(b"\x81\x80\x80\x80\x00\x60\x81\x80\x00\x7f\x80\x80\x80\x80\x00"),
        calls=(Call(params=[1], expect=("trap",)),),
    ),
    Attack(
        name="type-in-a-group",
        tries="Wrap the signature in a recursive group.",
        module=lambda: _type_section(b"\x01\x4e\x01\x60\x00\x00"),
        load=("invalid_module", "loaded"),
        calls=run("trap"),
    ),
    Attack(
        name="type-with-a-supertype",
        tries="Wrap the signature in a subtype declaration.",
        module=lambda: _type_section(b"\x01\x50\x00\x60\x00\x00"),
        load=("invalid_module", "loaded"),
        calls=run("trap"),
    ),
    Attack(
        name="vector-type-by-another-index",
        tries="Export the function with vectors beside one with numbers of the same shape.",
        module=text("""(module (func (export "other") (param v128) (result v128) (local.get 0))
          (func (export "run") (param i64) (result i64) (local.get 0)))"""),
        calls=(Call(params=[5], output=5), Call(task="other", params=[5], expect=("unknown_task",))),
    ),
)
