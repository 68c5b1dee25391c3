"""What a guest leaves behind for the next task, when it was ended in the middle of its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.attack.attack import Attack, Call, group, run, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infrafabric.attack.scene import Scene

_KEPT = {"execution": {"instance": "swarm"}}

_HALF_DONE = """(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (global $busy (mut i32) (i32.const 0)) (memory (export "memory") 1)
  (func $begin (global.set $busy (i32.const 1)) (i32.store (i32.const 8) (i32.const 1))
    (drop (memory.grow (i32.const 9))))
  (func (export "trap") (call $begin) (unreachable))
  (func (export "spin") (call $begin) (loop (br 0)))
  (func (export "overflow") (call $begin) (call $deep))
  (func $deep (call $deep))
  (func (export "exit") (call $begin) (call $exit (i32.const 0)))
  (func (export "allocate") (param i32) (result i32) (i32.const 1024))
  (func (export "bad") (param i32 i32) (result i64) (call $begin) (i64.const -1))
  (func (export "look") (result i32)
    (i32.add (i32.add (global.get $busy) (i32.load (i32.const 8))) (i32.sub (memory.size) (i32.const 1)))))"""


def _is_fresh_after(task: str, status: str, params: object = None) -> Attack:
    return Attack(
        name=f"state-after-{task}",
        tries=f"Leave half of its work in a kept instance and end by {task}.",
        module=text(_HALF_DONE),
        contract=_KEPT,
        calls=(
            Call(task="look", output=0),
            Call(task=task, params=params, expect=(status,)),
            Call(task="look", output=0),
        ),
    )


def _cancelled_halfway(scene: Scene) -> Iterable[str]:
    future = scene.chassis.submit_task(scene.swarm_id, "spin", check=False)
    future.cancel()
    future.result(10)
    left = scene.execute("look").output
    if left != 0:
        yield f"after a cancellation the kept instance holds {left}"


ATTACKS = group(
    "state",
    _is_fresh_after("trap", "trap"),
    _is_fresh_after("spin", "timeout"),
    _is_fresh_after("overflow", "trap"),
    _is_fresh_after("exit", "guest_error"),
    _is_fresh_after("bad", "invalid_result", "x"),
    Attack(
        name="state-after-cancel",
        tries="Leave half of its work in a kept instance and be cancelled.",
        module=text(_HALF_DONE),
        contract=_KEPT,
        perform=_cancelled_halfway,
    ),
    Attack(
        name="state-after-command-exit",
        tries="Exit with 0 from the middle of a kept command, which is success, and be called again.",
        module=text("""(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1) (global $busy (mut i32) (i32.const 0))
          (func (export "_start") (global.set $busy (i32.const 1)) (call $exit (i32.const 0)))
          (func (export "look") (result i32) (global.get $busy)))"""),
        contract=_KEPT,
        calls=(Call(task="_start"), Call(task="look", output=0)),
    ),
    Attack(
        name="state-of-fresh-tasks",
        tries="Leave a message for the next task in globals, memory and table.",
        module=text("""(module (memory 1) (global $g (mut i64) (i64.const 0)) (table 1 funcref)
          (func (export "run") (result i64)
            (i64.add (global.get $g) (i64.add (i64.load (i32.const 0))
              (i64.extend_i32_u (i32.eqz (ref.is_null (table.get (i32.const 0)))))))
            (global.set $g (i64.const 1)) (i64.store (i32.const 0) (i64.const 1))
            (table.set (i32.const 0) (ref.func $f)))
          (func $f) (elem declare func $f))"""),
        calls=run(output=0) * 5,
    ),
)
