"""Guests that never end: every kind of loop, wherever guest code runs."""

from __future__ import annotations

from infrafabric.attack.attack import Attack, Call, group, run, text

_ONE_MS = 0.001


def _spins(name: str, tries: str, source: str) -> Attack:
    return Attack(name=name, tries=tries, module=text(source), calls=run("timeout"))


def _spins_at_load(name: str, tries: str, source: str) -> Attack:
    return Attack(name=name, tries=tries, module=text(source), load=("init_failed",), limits={"max_load_seconds": 0.4})


ATTACKS = group(
    "loops",
    _spins("plain-loop", "Spin in an empty loop.", '(module (func (export "run") (loop br 0)))'),
    Attack(
        name="full-speed-loop",
        tries="Spin with a whole core granted.",
        module=text('(module (func (export "run") (loop br 0)))'),
        calls=run("timeout"),
        limits={"max_cpu_percent": 100},
    ),
    _spins(
        "nested-loops",
        "Spin in loops within loops, each counting 64 bits.",
        """(module (func (export "run") (local i64 i64 i64)
          (loop $a (loop $b (loop $c
            (br_if $c (i64.ne (local.tee 0 (i64.add (local.get 0) (i64.const 1))) (i64.const -1))))
            (br_if $b (i64.ne (local.tee 1 (i64.add (local.get 1) (i64.const 1))) (i64.const -1))))
            (br_if $a (i64.ne (local.tee 2 (i64.add (local.get 2) (i64.const 1))) (i64.const -1))))))""",
    ),
    _spins(
        "call-tree",
        "Call twice from each call, sixty levels deep: no loop, and no end.",
        """(module
          (func $tree (param i32) (if (local.get 0) (then
            (call $tree (i32.sub (local.get 0) (i32.const 1)))
            (call $tree (i32.sub (local.get 0) (i32.const 1))))))
          (func (export "run") (call $tree (i32.const 60))))""",
    ),
    _spins(
        "mutual-call-tree",
        "Grow a call tree of two functions that call each other through a table.",
        """(module (type $t (func (param i32))) (table funcref (elem $even $odd))
          (func $even (param i32) (if (local.get 0) (then
            (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1))
            (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))))
          (func $odd (param i32) (if (local.get 0) (then
            (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))
            (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))))
          (func (export "run") (call $even (i32.const 60))))""",
    ),
    _spins(
        "br-table-loop",
        "Jump back through a branch table, to another label each time.",
        """(module (func (export "run") (local i32)
          (loop $a (loop $b (loop $c
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (br_table $a $b $c $a (i32.rem_u (local.get 0) (i32.const 3))))))))""",
    ),
    _spins(
        "memory-loop",
        "Read and write memory in a loop that strides over pages.",
        """(module (memory 16) (func (export "run") (local i32)
          (loop (i32.store (i32.and (local.get 0) (i32.const 0xffffc)) (local.get 0))
            (local.set 0 (i32.add (local.get 0) (i32.load (i32.const 4096))))
            (local.set 0 (i32.add (local.get 0) (i32.const 4100))) (br 0))))""",
    ),
    _spins(
        "float-loop",
        "Spin on the slowest floating-point operations, with subnormal numbers.",
        """(module (func (export "run") (local f64) (local.set 0 (f64.const 0x1p-1060))
          (loop (local.set 0 (f64.sqrt (f64.div (local.get 0) (f64.const 0x1p-3)))) (br 0))))""",
    ),
    _spins(
        "refused-grow-loop",
        "Ask for memory that is refused, again and again.",
        '(module (memory 1) (func (export "run") (loop (drop (memory.grow (i32.const 65535))) (br 0))))',
    ),
    _spins(
        "grow-by-nothing-loop",
        "Grow memory and table by nothing, again and again.",
        """(module (memory 1) (table 1 funcref) (func (export "run")
          (loop (drop (memory.grow (i32.const 0))) (drop (table.grow (ref.null func) (i32.const 0))) (br 0))))""",
    ),
    _spins_at_load("loop-in-start", "Spin in the start function.", "(module (func $spin (loop br 0)) (start $spin))"),
    _spins_at_load("loop-in-reactor", "Spin in _initialize.", '(module (func (export "_initialize") (loop br 0)))'),
    _spins_at_load(
        "loop-in-initialize",
        "Spin in initialize.",
        '(module (func (export "initialize") (result i32) (loop br 0) (i32.const 0)))',
    ),
    Attack(
        name="loop-in-allocator",
        tries="Spin when the host asks for memory to put the parameters in.",
        module=text("""(module (memory (export "memory") 1)
          (func (export "allocate") (param i32) (result i32) (loop br 0) (i32.const 8))
          (func (export "run") (param i32 i32) (result i64) (i64.const 0)))"""),
        calls=(Call(params={"a": 1}, expect=("timeout",)),),
    ),
    Attack(
        name="loop-in-deallocator",
        tries="Answer well, then spin when the host gives the parameters' memory back.",
        module=text("""(module (memory (export "memory") 1)
          (func (export "allocate") (param i32) (result i32) (i32.const 8))
          (func (export "deallocate") (param i32 i32) (loop br 0))
          (func (export "run") (param i32 i32) (result i64) (i64.const 0)))"""),
        contract={"execution": {"instance": "swarm"}},
        calls=(Call(params={"a": 1}, expect=("timeout",)), Call(params={"a": 1}, expect=("timeout",))),
    ),
    Attack(
        name="tail-call-loop",
        tries="Spin by tail calls, which need no loop and no stack.",
        module=text('(module (func $run (export "run") (return_call $run)))'),
        load=("invalid_module",),
    ),
    Attack(
        name="tiny-deadline",
        tries="Outlast a deadline of a millisecond that the caller set.",
        module=text('(module (func (export "run") (loop br 0)))'),
        calls=tuple(Call(expect=("timeout", "busy"), timeout_seconds=_ONE_MS) for _ in range(20)),
    ),
)
