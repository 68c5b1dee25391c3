"""Guests that end themselves, wherever they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.attack.attack import Attack, Call, group, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infrafabric.attack.attack import Look
    from infrafabric.chassis import TaskResult

_HEAD = '(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)'
_CODES = (0, 1, 255, 256, -1, -(1 << 31))


def _code(code: int) -> Look:
    def look(result: TaskResult) -> Iterable[str]:
        if result.error is None or result.error.guest_code != code:
            yield f"exit code {code} expected, got {result.error.guest_code if result.error else result.status}"

    return look


def _exits(code: int) -> Attack:
    return Attack(
        name=f"exit-{code}",
        tries=f"Exit with code {code} from a task.",
        module=text(f'{_HEAD} (func (export "run") (call $exit (i32.const {code})) (unreachable)))'),
        calls=(Call(expect=("guest_error",), look=_code(code)),) * 2,
    )


def _command_exits(code: int) -> Attack:
    call = Call(task="_start") if code == 0 else Call(task="_start", expect=("guest_error",), look=_code(code))
    return Attack(
        name=f"command-exit-{code}",
        tries=f"Exit with code {code} from a command.",
        module=text(f'{_HEAD} (func (export "_start") (call $exit (i32.const {code})) (unreachable)))'),
        calls=(call,) * 2,
    )


def _exits_in(where: str, source: str, *calls: Call, load: str = "loaded", kept: bool = False) -> Attack:
    return Attack(
        name=f"exit-in-{where}",
        tries=f"Exit in the {where}.",
        module=text(f"{_HEAD} {source})"),
        load=(load,),
        calls=calls,
        contract={"execution": {"instance": "swarm"}} if kept else {},
    )


ATTACKS = group(
    "exits",
    *map(_exits, _CODES),
    *map(_command_exits, (0, 1, -1)),
    _exits_in("start-with-0", "(func $s (call $exit (i32.const 0))) (start $s)", load="init_failed"),
    _exits_in(
        "allocator",
        '(func (export "allocate") (param i32) (result i32) (call $exit (i32.const 0)) (i32.const 8))'
        '(func (export "run") (param i32 i32) (result i64) (i64.const 0))',
        Call(params="x", expect=("guest_error",), look=_code(0)),
    ),
    _exits_in(
        "deallocator",
        '(func (export "allocate") (param i32) (result i32) (i32.const 8))'
        '(func (export "deallocate") (param i32 i32) (call $exit (i32.const 0)))'
        '(func (export "run") (param i32 i32) (result i64) (i64.const 0))',
        Call(params="x", expect=("guest_error",), look=_code(0)),
        Call(params="x", expect=("guest_error",), look=_code(0)),
        kept=True,
    ),
    Attack(
        name="initialize-refuses",
        tries="Answer from initialize that it failed.",
        module=text('(module (func (export "initialize") (result i32) (i32.const -7)))'),
        load=("init_failed",),
    ),
    Attack(
        name="abort",
        tries="Abort as AssemblyScript does.",
        module=text("""(module (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
          (func (export "run") (call $abort (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))"""),
        calls=(Call(expect=("trap",)),),
    ),
)
