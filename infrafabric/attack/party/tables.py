"""Guests that do with tables what others do with memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.attack import binary
from infrafabric.attack.attack import Attack, Call, group, run, text, trapped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infrafabric.attack.attack import Look
    from infrafabric.attack.scene import Scene
    from infrafabric.chassis import TaskResult

_LEFT = """(module (type $t (func (result i32))) (table 1 funcref) (elem declare func $secret)
  (func $secret (result i32) (i32.const 42))
  (func (export "leave") (result i32) (table.grow (ref.func $secret) (i32.const 19000)))
  (func (export "leave_and_trap") (drop (table.grow (ref.func $secret) (i32.const 19000))) (unreachable))
  (func (export "dig") (result i32) (local $at i32) (local $found i32)
    (drop (table.grow (ref.null func) (i32.const 19000)))
    (loop (local.set $found (i32.add (local.get $found) (i32.eqz (ref.is_null (table.get (local.get $at))))))
      (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (table.size))))
    (local.get $found)))"""


def _dig(scene: Scene) -> Iterable[str]:
    for task in ("leave", "leave_and_trap"):
        scene.execute(task)
        found = scene.execute("dig")
        if found.output != 0:
            yield f"after {task} another instance found {found.output} functions in its table ({found.status})"


def _grows_within(bound: int) -> Look:
    def look(result: TaskResult) -> Iterable[str]:
        if result.output > bound:
            yield f"the table grew to {result.output} elements"

    return look


def _huge_segments(entries: int) -> bytes:
    """A table and an element segment of so many functions."""
    return binary.module(
        binary.section(1, binary.vector([binary.signature()])),
        binary.section(3, b"\x01\x00"),
        binary.section(4, b"\x01\x70\x00" + binary.leb(entries)),
        binary.section(7, binary.vector([binary.export("run")])),
        binary.section(9, b"\x01\x00\x41\x00\x0b" + binary.repeated(entries, b"\x00")),
        binary.section(10, b"\x01" + binary.body(b"")),
    )


def _refused(name: str, tries: str, source: str, *load: str) -> Attack:
    return Attack(name=name, tries=tries, module=text(source), load=load or ("invalid_module",))


ATTACKS = group(
    "tables",
    Attack(
        name="table-grow-loop",
        tries="Grow a table until no more is given.",
        module=text("""(module (table 1 funcref) (func (export "run") (result i32)
          (loop (br_if 0 (i32.ne (i32.const -1) (table.grow (ref.null func) (i32.const 100))))) (table.size)))"""),
        calls=(Call(look=_grows_within(20_000)),),
    ),
    Attack(
        name="table-grow-at-once",
        tries="Grow a table of external references by all there could be.",
        module=text("""(module (table 1 externref) (func (export "run") (param i32) (result i32)
          (table.grow (ref.null extern) (local.get 0))))"""),
        calls=(
            Call(params=[-1], output=-1),
            Call(params=[0x7FFF_FFFF], output=-1),
            Call(params=[1_000_001], output=-1),
        ),
    ),
    Attack(
        name="million-element-table",
        tries="Declare the largest table that is read, and grow it.",
        module=text("""(module (table 1000000 funcref) (func (export "run") (result i32)
          (table.grow (ref.null func) (i32.const 1))))"""),
        calls=run(output=-1) * 3,
    ),
    _refused(
        "huge-table",
        "Declare a table of a million elements and one.",
        "(module (table 1000001 funcref))",
        "module_too_large",
    ),
    _refused(
        "largest-table",
        "Declare a table of four billion elements.",
        "(module (table 0xffffffff funcref))",
        "module_too_large",
    ),
    _refused("many-tables", "Declare two tables.", "(module (table 1 funcref) (table 1 funcref))"),
    _refused("table64", "Declare a table with 64-bit indices.", "(module (table i64 1 funcref))"),
    _refused("table-of-any", "Declare a table of garbage-collected references.", "(module (table 1 anyref))"),
    Attack(
        name="half-a-million-elements",
        tries="Fill a table with half a million functions for each task.",
        module=lambda: _huge_segments(500_000),
        calls=run() * 3,
        limits={"max_load_seconds": 5},
    ),
    Attack(
        name="too-many-elements",
        tries="Carry half a million and one elements.",
        module=lambda: _huge_segments(500_001),
        load=("module_too_large",),
    ),
    Attack(
        name="element-segment-outside",
        tries="Initialize table elements that are not there.",
        module=text("(module (table 1 funcref) (func $f) (elem (i32.const 1) $f))"),
        load=("init_failed",),
    ),
    Attack(
        name="functions-others-left",
        tries="Find functions that earlier tasks left in the table.",
        module=text(_LEFT),
        limits={"max_cpu_percent": 100},
        perform=_dig,
    ),
    Attack(
        name="call-what-is-not-there",
        tries="Call through every kind of wrong table entry.",
        module=text("""(module (type $t (func)) (type $u (func (param i64)))
          (table 2 funcref) (func $f (param i64)) (elem (i32.const 0) $f)
          (func (export "type") (call_indirect (type $t) (i32.const 0)))
          (func (export "null") (call_indirect (type $t) (i32.const 1)))
          (func (export "outside") (call_indirect (type $t) (i32.const 2)))
          (func (export "negative") (call_indirect (type $t) (i32.const -1))))"""),
        calls=(
            Call(task="type", expect=("trap",), look=trapped("bad_signature")),
            Call(task="null", expect=("trap",), look=trapped("indirect_call_to_null")),
            Call(task="outside", expect=("trap",), look=trapped("table_out_of_bounds")),
            Call(task="negative", expect=("trap",), look=trapped("table_out_of_bounds")),
        ),
    ),
)
