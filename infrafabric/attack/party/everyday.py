"""A guest that ends in every way, for attacks that are made by what happens around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infrafabric.attack.attack import Attack, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infrafabric.attack.scene import Scene
    from infrafabric.chassis import TaskResult

MODULE = """(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1)
  (func (export "say") (param i32 i32) (result i64) (call $log (local.get 0) (local.get 1)) (i64.const 0))
  (func (export "well") (result i32) (i32.const 42))
  (func (export "outside") (drop (i32.load (i32.const 70000))))
  (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
  (func $deep (export "deep") (call $deep))
  (func (export "spin") (loop (br 0))))"""

#: (task, parameters, how it has to end)
TASKS: tuple[tuple[str, Any, str], ...] = (
    ("say", {"a": 1}, "success"),
    ("well", None, "success"),
    ("outside", None, "trap"),
    ("divide", [0], "trap"),
    ("deep", None, "trap"),
)


def each_ends_well(when: str, run: Callable[[str, Any], TaskResult]) -> Iterable[str]:
    """What is wrong when each task is run by ``run``."""
    for task, params, expected in TASKS:
        result = run(task, params)
        if result.status != expected:
            yield f"{when}, {task} ended as {result.status}: {result.error}"


def unjudged(scene: Scene) -> Callable[[str, Any], TaskResult]:
    """Runs tasks from any thread, without noting them in the scene."""
    return lambda task, params: scene.chassis.execute_task(scene.swarm_id, task, params, check=False)


def around(name: str, tries: str, perform: Callable[[Scene], Iterable[str]], **limits: Any) -> Attack:
    """An attack that is made by ``perform``."""
    return Attack(
        name=name,
        tries=tries,
        module=text(MODULE),
        perform=perform,
        limits={"max_execution_time_seconds": 2, **limits},
        late_seconds=0.5,
    )
