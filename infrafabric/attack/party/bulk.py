"""Guests that do much in one instruction, where nothing looks at their deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from infrafabric.attack.attack import Attack, Call, group, run, text, trapped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infrafabric.attack.scene import Scene

#: One bulk operation over 256 MiB of fresh pages, on a busy machine.
_ONE_OPERATION_SECONDS = 1.0
_CANCEL_SECONDS = 0.25


def _over_memory(name: str, tries: str, code: str) -> Attack:
    return Attack(
        name=name,
        tries=tries,
        module=text(f'(module (memory 512) (data $d "{"x" * 4096}") (func (export "run") (loop {code} (br 0))))'),
        calls=run("timeout"),
    )


def _over_table(name: str, tries: str, code: str) -> Attack:
    return Attack(
        name=name,
        tries=tries,
        module=text(f"""(module (table 20000 funcref) (func $f) (elem $e func $f $f $f $f)
          (func (export "run") (loop {code} (br 0))))"""),
        calls=run("timeout"),
    )


def _cancel_amid(scene: Scene) -> Iterable[str]:
    future = scene.chassis.submit_task(scene.swarm_id, "run", check=False)
    time.sleep(0.05)
    started = time.monotonic()
    future.cancel()
    result = future.result(10)
    scene.look_at(result)
    if result.status != "cancelled":
        yield f"a cancelled fill ended as {result.status}"
    if time.monotonic() - started > _CANCEL_SECONDS:
        scene.doubts.append(f"cancelling took {time.monotonic() - started:.3f} s")


_FILL = "(memory.fill (i32.const 0) (i32.const 7) (i32.const 33554432))"

ATTACKS = group(
    "bulk operations",
    _over_memory("fill-loop", "Fill all memory again and again.", _FILL),
    _over_memory(
        "copy-loop",
        "Copy all memory onto itself, one byte further.",
        "(memory.copy (i32.const 1) (i32.const 0) (i32.const 33554431))",
    ),
    _over_memory(
        "init-loop",
        "Copy a data segment into memory again and again.",
        "(memory.init $d (i32.const 0) (i32.const 0) (i32.const 4096))",
    ),
    _over_table(
        "table-fill-loop",
        "Fill all of the table again and again.",
        "(table.fill (i32.const 0) (ref.func $f) (i32.const 20000))",
    ),
    _over_table(
        "table-copy-loop",
        "Copy all of the table onto itself, one element further.",
        "(table.copy (i32.const 1) (i32.const 0) (i32.const 19999))",
    ),
    _over_table(
        "table-init-loop",
        "Copy an element segment into the table again and again.",
        "(table.init $e (i32.const 0) (i32.const 0) (i32.const 4))",
    ),
    Attack(
        name="fill-a-quarter-gigabyte",
        tries="Fill 256 MiB in one instruction, again and again.",
        module=text("""(module (memory 4096)
          (func (export "run") (loop (memory.fill (i32.const 0) (i32.const 7) (i32.const 268435456)) (br 0))))"""),
        calls=run("timeout"),
        limits={"max_memory_mb": 256},
        late_seconds=_ONE_OPERATION_SECONDS,
    ),
    Attack(
        name="fill-in-start",
        tries="Fill memory in the start function for ever.",
        module=text(f"(module (memory 512) (func $start (loop {_FILL} (br 0))) (start $start))"),
        load=("init_failed",),
        limits={"max_load_seconds": 0.4},
    ),
    Attack(
        name="fill-and-be-cancelled",
        tries="Fill memory while the caller cancels.",
        module=text(f'(module (memory 512) (func (export "run") (loop {_FILL} (br 0))))'),
        limits={"max_execution_time_seconds": 5},
        perform=_cancel_amid,
    ),
    Attack(
        name="bulk-outside",
        tries="Fill, copy and initialize beyond the end, by length, by sum and by wrapping.",
        module=text("""(module (memory 1) (data $d "abc")
          (func (export "fill") (memory.fill (i32.const 1) (i32.const 0) (i32.const 65536)))
          (func (export "wrap") (memory.fill (i32.const -1) (i32.const 0) (i32.const 2)))
          (func (export "copy") (memory.copy (i32.const 0) (i32.const 65535) (i32.const 2)))
          (func (export "init") (memory.init $d (i32.const 0) (i32.const 2) (i32.const 2)))
          (func (export "dropped") (data.drop $d) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)))
          (func (export "huge") (memory.copy (i32.const 0) (i32.const 0) (i32.const -1))))"""),
        calls=tuple(
            Call(task=task, expect=("trap",), look=trapped("memory_out_of_bounds"))
            for task in ("fill", "wrap", "copy", "init", "dropped", "huge")
        ),
    ),
)
