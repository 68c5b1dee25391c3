"""Guests that use up the stack: the engine's, and the thread's below it."""

from __future__ import annotations

from infrafabric.attack import binary
from infrafabric.attack.attack import Attack, Call, group, run, text, trapped

_OVERFLOW = run("trap", look=trapped("stack_overflow"))


def _locals_of_every_kind(count: int) -> bytes:
    """A function of ``count`` 64-bit locals, all in use, that calls itself."""
    use = b"".join(b"\x20" + binary.leb(i) + b"\x42\x01\x7c\x21" + binary.leb(i) for i in range(count))
    read = b"".join(b"\x20" + binary.leb(i) + b"\x50\x1a" for i in range(count))
    groups = (binary.leb(count) + binary.I64,)
    return binary.one_function(use + b"\x10\x00" + read, local_groups=groups)


def _vector_frames() -> bytes:
    """As above with 128-bit locals."""
    count = 2_000
    use = b"".join(
        b"\x20" + binary.leb(i) + b"\x20" + binary.leb(i) + b"\xfd\xae\x01\x21" + binary.leb(i) for i in range(count)
    )
    read = b"".join(b"\x20" + binary.leb(i) + b"\xfd\x53\x1a" for i in range(count))
    return binary.one_function(use + b"\x10\x00" + read, local_groups=(binary.leb(count) + binary.V128,))


def _many_parameters() -> bytes:
    """A function of a thousand parameters and results that passes them on to itself."""
    params = binary.I64 * 1000
    own = b"".join(b"\x20" + binary.leb(i) for i in range(1000)) + b"\x10\x00"
    start = b"\x42\x00" * 1000 + b"\x10\x00" + b"\x1a" * 1000
    return binary.module(
        binary.section(1, binary.vector([binary.signature(params, params), binary.signature()])),
        binary.section(3, b"\x02\x00\x01"),
        binary.section(7, binary.vector([binary.export("run", 1)])),
        binary.section(10, binary.vector([binary.body(own), binary.body(start)])),
    )


ATTACKS = group(
    "recursion",
    Attack(
        name="direct-recursion",
        tries="Call itself for ever.",
        module=text('(module (func $run (export "run") (call $run)))'),
        calls=_OVERFLOW,
    ),
    Attack(
        name="indirect-recursion",
        tries="Call itself through a table for ever.",
        module=text("""(module (type $t (func)) (table funcref (elem $run))
          (func $run (export "run") (call_indirect (type $t) (i32.const 0))))"""),
        calls=_OVERFLOW,
    ),
    Attack(
        name="mutual-recursion",
        tries="Call another that calls back, with a value kept on the stack.",
        module=text("""(module
          (func $a (export "run") (result i64) (i64.add (call $b) (i64.const 1)))
          (func $b (result i64) (i64.mul (call $a) (i64.const 3))))"""),
        calls=_OVERFLOW,
    ),
    Attack(
        name="large-frames",
        tries="Call itself with frames of 3,000 variables.",
        module=lambda: _locals_of_every_kind(3_000),
        calls=_OVERFLOW,
        limits={"max_load_seconds": 10},
    ),
    Attack(
        name="frame-larger-than-the-stack",
        tries="Call a function whose one frame is larger than the whole stack.",
        module=lambda: _locals_of_every_kind(49_000),
        load=("loaded", "compile_limit_exceeded", "invalid_module"),
        calls=run("trap"),
        limits={"max_load_seconds": 3},
    ),
    Attack(
        name="vector-frames",
        tries="Call itself with frames of 2,000 vectors.",
        module=_vector_frames,
        load=("loaded", "compile_limit_exceeded"),
        calls=_OVERFLOW,
        limits={"max_load_seconds": 10},
    ),
    Attack(
        name="many-parameters",
        tries="Call itself with a thousand parameters and a thousand results.",
        module=_many_parameters,
        load=("loaded", "compile_limit_exceeded"),
        calls=_OVERFLOW,
        limits={"max_load_seconds": 10},
    ),
    Attack(
        name="host-call-at-the-bottom",
        tries="Call the host at every depth, so that it runs where no stack is left.",
        module=text("""(module (import "env" "log" (func $log (param i32 i32)))
          (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
          (memory (export "memory") 1)
          (func $run (export "run") (call $log (i32.const 0) (i32.const 0))
            (drop (call $time (i32.const 1) (i64.const 0) (i32.const 64))) (call $run)))"""),
        calls=run("trap", "timeout"),
        limits={"max_cpu_percent": 100, "max_execution_time_seconds": 2},
    ),
    Attack(
        name="recursion-in-start",
        tries="Use up the stack in the start function.",
        module=text("(module (func $start (call $start)) (start $start))"),
        load=("init_failed",),
    ),
    Attack(
        name="recursion-in-allocator",
        tries="Use up the stack when the host asks for memory.",
        module=text("""(module (memory (export "memory") 1)
          (func $a (export "allocate") (param i32) (result i32) (i32.add (call $a (i32.const 1)) (i32.const 1)))
          (func (export "run") (param i32 i32) (result i64) (i64.const 0)))"""),
        calls=(Call(params="x", expect=("trap",), look=trapped("stack_overflow")),),
    ),
    Attack(
        name="recursion-again-and-again",
        tries="Use up the stack twenty times in one kept swarm.",
        module=text('(module (func $run (export "run") (call $run)))'),
        calls=_OVERFLOW * 20,
        contract={"execution": {"instance": "swarm"}},
    ),
)
