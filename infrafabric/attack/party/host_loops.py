"""Guests that keep the host busy: loops of host calls, each cheap for them and work for us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.attack.attack import Attack, Call, group, run, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infrafabric.chassis import TaskResult

#: A hundredth of half a second, what is saved up at the beginning, and pages that are touched for the first time.
_SHARE_SECONDS = 0.04
_WASI = "wasi_snapshot_preview1"


def _asks(name: str, tries: str, function: str, signature: str, call: str, *, pages: int = 4) -> Attack:
    """A guest that repeats one host call; ``signature`` and ``call`` in text format."""
    return Attack(
        name=name,
        tries=tries,
        module=text(f"""(module (import "{_WASI}" "{function}" (func $ask {signature}))
          (memory (export "memory") {pages})
          (data (i32.const 0) "\\00\\00\\00\\00\\00\\00\\01\\00")
          (func $fill (memory.fill (i32.const 65536) (i32.const 10) (i32.const 65536)))
          (func (export "run") (call $fill) (loop {call} (br 0))))"""),
        calls=run("timeout"),
    )


def _within_its_share(result: TaskResult) -> Iterable[str]:
    if result.usage.cpu_seconds > _SHARE_SECONDS:
        yield f"it used {result.usage.cpu_seconds:.3f} s of CPU, where its share gives {_SHARE_SECONDS} at most"


ATTACKS = group(
    "host calls",
    _asks("yield-flood", "Yield for ever.", "sched_yield", "(result i32)", "(drop (call $ask))"),
    _asks(
        "clock-flood",
        "Ask for the time for ever.",
        "clock_time_get",
        "(param i32 i64 i32) (result i32)",
        "(drop (call $ask (i32.const 1) (i64.const 0) (i32.const 64)))",
    ),
    _asks(
        "random-flood",
        "Ask for 64 KiB of random bytes for ever.",
        "random_get",
        "(param i32 i32) (result i32)",
        "(drop (call $ask (i32.const 65536) (i32.const 65536)))",
    ),
    _asks(
        "random-whole-memory",
        "Ask for 32 MiB of random bytes in one call, for ever.",
        "random_get",
        "(param i32 i32) (result i32)",
        "(drop (call $ask (i32.const 0) (i32.const 33554432)))",
        pages=512,
    ),
    Attack(
        name="random-beyond-the-share",
        tries="Let the host work in one long call, with a hundredth of a core granted.",
        module=text(f"""(module (import "{_WASI}" "random_get" (func $ask (param i32 i32) (result i32)))
          (memory (export "memory") 512)
          (func (export "run") (loop (drop (call $ask (i32.const 0) (i32.const 33554432))) (br 0))))"""),
        calls=run("timeout", look=_within_its_share),
        limits={"max_cpu_percent": 1, "max_execution_time_seconds": 0.5},
    ),
    _asks(
        "newline-flood",
        "Write 64 KiB of newlines to standard output for ever: each is a record.",
        "fd_write",
        "(param i32 i32 i32 i32) (result i32)",
        """(i32.store (i32.const 0) (i32.const 65536)) (i32.store (i32.const 4) (i32.const 65536))
           (drop (call $ask (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))""",
    ),
    _asks(
        "unfinished-line-flood",
        "Write a line to standard error that never ends.",
        "fd_write",
        "(param i32 i32 i32 i32) (result i32)",
        """(memory.fill (i32.const 65536) (i32.const 97) (i32.const 65536))
           (i32.store (i32.const 0) (i32.const 65536)) (i32.store (i32.const 4) (i32.const 65536))
           (drop (call $ask (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 64)))""",
    ),
    Attack(
        name="scattered-write-flood",
        tries="Write 1,024 pieces of 64 KiB in one call, all of them the same memory.",
        module=text(f"""(module (import "{_WASI}" "fd_write" (func $ask (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 4)
          (func (export "run") (local i32)
            (loop (i32.store (local.get 0) (i32.const 65536)) (i32.store offset=4 (local.get 0) (i32.const 65536))
              (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 8))) (i32.const 8192))))
            (loop (drop (call $ask (i32.const 1) (i32.const 0) (i32.const 1024) (i32.const 16384))) (br 0))))"""),
        calls=run("timeout"),
    ),
    _asks(
        "poll-flood",
        "Poll for a thousand events that are ready, for ever.",
        "poll_oneoff",
        "(param i32 i32 i32 i32) (result i32)",
        """(memory.fill (i32.const 0) (i32.const 1) (i32.const 49152))
           (drop (call $ask (i32.const 0) (i32.const 131072) (i32.const 1024) (i32.const 200000)))""",
    ),
    _asks(
        "bad-descriptor-flood",
        "Close every file descriptor there could be.",
        "fd_close",
        "(param i32) (result i32)",
        "(drop (call $ask (i32.const -1)))",
    ),
    Attack(
        name="argument-flood",
        tries="Ask for ten thousand arguments for ever.",
        module=text(f"""(module (import "{_WASI}" "args_get" (func $ask (param i32 i32) (result i32)))
          (memory (export "memory") 16)
          (func (export "_start") (loop (drop (call $ask (i32.const 0) (i32.const 262144))) (br 0))))"""),
        calls=(Call(task="_start", params=["argument"] * 10_000, expect=("timeout",)),),
    ),
    Attack(
        name="output-flood",
        tries="Write output for ever where it is the task's result.",
        module=text(f"""(module (import "{_WASI}" "fd_write" (func $ask (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 2) (data (i32.const 4) "\\00\\00\\01\\00")
          (func (export "_start") (loop
            (drop (call $ask (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64))) (br 0))))"""),
        calls=(Call(task="_start", expect=("invalid_result", "timeout")),),
    ),
    Attack(
        name="full-speed-host-calls",
        tries="Call the host for ever with a whole core granted.",
        module=text(f"""(module (import "{_WASI}" "sched_yield" (func $ask (result i32)))
          (func (export "run") (loop (drop (call $ask)) (br 0))))"""),
        calls=run("timeout"),
        limits={"max_cpu_percent": 100},
    ),
)
