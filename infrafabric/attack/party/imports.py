"""Imports that are not granted, look as if they were, or are not what they say."""

from __future__ import annotations

from typing import Any

from infrafabric.attack import binary
from infrafabric.attack.attack import Attack, Call, group, run, text

_WASI = "wasi_snapshot_preview1"


def _denied(name: str, tries: str, source: str, **contract: Any) -> Attack:
    return Attack(name=name, tries=tries, module=text(source), load=("import_denied",), contract=contract)


def _function(module: str | bytes, name: str | bytes) -> bytes:
    return binary.module(
        binary.section(1, binary.vector([binary.signature(binary.I32 * 2)])),
        binary.section(2, binary.vector([binary.imported(module, name, b"\x00\x00")])),
    )


def _lookalike(name: str, tries: str, module: str, function: str) -> Attack:
    return Attack(name=name, tries=tries, module=lambda: _function(module, function), load=("import_denied",))


ATTACKS = group(
    "imports",
    _denied("log-as-memory", "Import env.log as a memory.", '(module (import "env" "log" (memory 1)))'),
    _denied("log-as-table", "Import env.log as a table.", '(module (import "env" "log" (table 1 funcref)))'),
    _denied("log-as-global", "Import env.log as a global.", '(module (import "env" "log" (global i32)))'),
    _denied("log-as-tag", "Import env.log as an exception.", '(module (import "env" "log" (tag (param i32))))'),
    _denied("imported-memory", "Import a memory of the host.", '(module (import "env" "memory" (memory 1)))'),
    _denied("log-without-parameters", "Import env.log with another signature.", '(module (import "env" "log" (func)))'),
    _denied(
        "log-of-64-bits", "Import env.log with 64-bit pointers.", '(module (import "env" "log" (func (param i64 i64))))'
    ),
    _denied("log-of-vectors", "Import env.log with vectors.", '(module (import "env" "log" (func (param v128 v128))))'),
    _denied(
        "log-with-result",
        "Import env.log with a result.",
        '(module (import "env" "log" (func (param i32 i32) (result i32))))',
    ),
    _lookalike("log-with-space", "Import a name that ends with a space.", "env", "log "),
    _lookalike("log-with-nul", "Import a name that ends with a NUL.", "env", "log\0"),
    _lookalike("log-with-nul-and-more", "Import a name with a NUL inside.", "env", "log\0_raw"),
    _lookalike("log-in-cyrillic", "Import a name that looks the same.", "env", "l\u043eg"),
    _lookalike("log-in-capitals", "Import the name in capitals.", "ENV", "LOG"),
    _lookalike("env-in-fullwidth", "Import from a module that looks the same.", "\uff45\uff4e\uff56", "log"),
    _lookalike("log-with-joiner", "Import a name with an invisible character.", "env", "lo\u200dg"),
    _lookalike("empty-names", "Import nothing from nowhere.", "", ""),
    _lookalike(
        "wasi-unstable", "Import from the snapshot before the one that is granted.", "wasi_unstable", "fd_write"
    ),
    _lookalike("wasi-preview-2", "Import an interface of WASI 0.2.", "wasi:filesystem/types@0.2.0", "open-at"),
    _denied(
        "files",
        "Open a file.",
        f'(module (import "{_WASI}" "path_open" (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32))))',
    ),
    _denied(
        "folders",
        "List a folder.",
        f'(module (import "{_WASI}" "fd_readdir" (func (param i32 i32 i32 i64 i32) (result i32))))',
    ),
    _denied(
        "network",
        "Use a socket.",
        f'(module (import "{_WASI}" "sock_send" (func (param i32 i32 i32 i32 i32) (result i32))))',
    ),
    _denied(
        "raised-signals", "Raise a signal.", f'(module (import "{_WASI}" "proc_raise" (func (param i32) (result i32))))'
    ),
    _denied("threads", "Start a thread.", '(module (import "wasi" "thread-spawn" (func (param i32) (result i32))))'),
    _denied(
        "wasi-other-signature",
        "Import fd_write with 64-bit pointers.",
        f'(module (import "{_WASI}" "fd_write" (func (param i32 i64 i64 i64) (result i32))))',
    ),
    _denied(
        "wasi-turned-off",
        "Import WASI where the contract turns it off.",
        f'(module (import "{_WASI}" "sched_yield" (func (result i32))))',
        permissions={"wasi": "none"},
    ),
    _denied(
        "log-turned-off",
        "Import env.log where the contract turns it off.",
        '(module (import "env" "log" (func (param i32 i32))))',
        permissions={"log": False},
    ),
    Attack(
        name="log-imported-twice",
        tries="Import env.log with both of its signatures.",
        module=text("""(module (import "env" "log" (func (param i32 i32)))
          (import "env" "log" (func (param i32 i32 i32)))
          (func (export "run")))"""),
        load=("import_denied",),
    ),
    Attack(
        name="host-functions-as-tasks",
        tries="Export the host's functions, to be called without a guest around them.",
        module=text(f"""(module (import "env" "log" (func $log (param i32 i32)))
          (import "{_WASI}" "random_get" (func $random (param i32 i32) (result i32)))
          (import "{_WASI}" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (import "{_WASI}" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
          (import "{_WASI}" "proc_exit" (func $exit (param i32)))
          (import "{_WASI}" "sched_yield" (func $yield (result i32)))
          (import "{_WASI}" "fd_close" (func $close (param i32) (result i32)))
          (memory (export "memory") 1)
          (export "log" (func $log)) (export "random" (func $random)) (export "write" (func $write))
          (export "poll" (func $poll)) (export "exit" (func $exit)) (export "initialize" (func $yield))
          (export "malloc" (func $close)))"""),
        calls=(
            Call(task="log", params=[0, 4096]),
            Call(task="log", params=[-1, -1]),
            Call(task="log", params={"any": "thing"}, expect=("success", "memory_exceeded")),
            Call(task="random", params=[0, -1]),
            Call(task="write", params=[1, 0, -1, 0]),
            Call(task="poll", params=[0, 0, -1, 0]),
            Call(task="exit", params=[7], expect=("guest_error",)),
            Call(task="initialize", expect=("unknown_task",)),
        ),
    ),
    Attack(
        name="host-functions-in-a-table",
        tries="Call the host's functions through a table.",
        module=text("""(module (import "env" "log" (func $log (param i32 i32)))
          (memory (export "memory") 1) (table funcref (elem $log)) (type $t (func (param i32 i32)))
          (func (export "run") (call_indirect (type $t) (i32.const 0) (i32.const 3) (i32.const 0))))"""),
        calls=run(),
    ),
)
