"""Every ending, before there is an instance: in the start function and in the initializers, at load and in a task."""

from __future__ import annotations

from infrafabric.attack.attack import Attack, Call, group, text

_WASI = "wasi_snapshot_preview1"

#: How it ends -> code of a function without parameters.
_ENDINGS = {
    "unreachable": "(unreachable)",
    "load-outside": "(drop (i32.load (i32.const -4)))",
    "division": "(drop (i32.div_s (i32.const 1) (i32.load (i32.const 1024))))",
    "overflow": "(call $deep)",
    "exit": "(call $exit (i32.const 3))",
    "abort": "(call $abort (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1))",
    "spin": "(loop (br 0))",
    "sleep": "(call $sleep (i64.const -1))",
}
_PLACES = {
    "start": "(start $end)",
    "reactor": '(export "_initialize" (func $end))',
    "initialize": '(func (export "initialize") (result i32) (call $end) (i32.const 0))',
}

#: Memory that is exported and has grown when the end comes, a log record and an unfinished line of output.
_MODULE = f"""(module
  (import "env" "log" (func $log (param i32 i32)))
  (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
  (import "{_WASI}" "proc_exit" (func $exit (param i32)))
  (import "{_WASI}" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "{_WASI}" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "\\10\\00\\00\\00\\04\\00\\00\\00unfinished")
  (func $deep (call $deep))
  (func $sleep (param i64) (i32.store offset=16 (i32.const 2048) (i32.const 1))
    (i64.store offset=24 (i32.const 2048) (local.get 0))
    (drop (call $poll (i32.const 2048) (i32.const 4096) (i32.const 1) (i32.const 512))))
  (func $end
    (drop (memory.grow (i32.const 3)))
    (call $log (i32.const 16) (i32.const 10))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 512)))
    %s)
  (func (export "trap") (unreachable))
  (func (export "well") (result i32) (i32.const 42))
  %s)"""


def _ends(ending: str, place: str) -> Attack:
    return Attack(
        name=f"{ending}-in-{place}",
        tries=f"End by {ending} in {place}, with grown memory and half a line written.",
        module=text(_MODULE % (_ENDINGS[ending], _PLACES[place])),
        load=("init_failed",),
        limits={"max_load_seconds": 0.2},
    )


def _too_slow_for_a_task(place: str) -> Attack:
    """The start takes 0.1 s: loading has the time, a task has not."""
    return Attack(
        name=f"slow-{place}",
        tries=f"Take longer in {place} than a task has, though not longer than loading has.",
        module=text(_MODULE % ("(call $sleep (i64.const 100000000))", _PLACES[place])),
        limits={"max_execution_time_seconds": 0.05},
        calls=(Call(task="well", expect=("timeout",)), Call(task="well", expect=("timeout",))),
    )


ATTACKS = group(
    "starts",
    *(_ends(ending, place) for place in _PLACES for ending in _ENDINGS),
    *(_too_slow_for_a_task(place) for place in _PLACES),
    Attack(
        name="slow-start-of-kept",
        tries="Trap, so that the kept instance is made anew, and take too long for that.",
        module=text(_MODULE % ("(call $sleep (i64.const 100000000))", _PLACES["start"])),
        contract={"execution": {"instance": "swarm"}},
        limits={"max_execution_time_seconds": 0.05},
        calls=(
            Call(task="well", output=42),
            Call(task="trap", expect=("trap",)),
            Call(task="well", expect=("timeout",)),
            Call(task="well", expect=("timeout",)),
        ),
    ),
)
