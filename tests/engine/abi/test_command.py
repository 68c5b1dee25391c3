"""``command``: a program run once, with arguments, standard input, standard output and an exit code."""

from __future__ import annotations

from typing import Any

import pytest

from infrafabric.engine.abi.command import MAX_ARGUMENTS
from infrafabric.errors import Outcome
from tests.engine.driving import PAGE, Guest

LIMIT = 1 << 20
IMPORTS = """
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 64)
  (func $write (param $fd i32) (param $at i32) (param $size i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $size))
    (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
"""
#: Writes its arguments, NULs included.
ARGUMENTS = f"""(module {IMPORTS} (func (export "_start")
  (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
  (drop (call $args_get (i32.const {PAGE}) (i32.const {4 * PAGE})))
  (call $write (i32.const 1) (i32.load (i32.const {PAGE})) (i32.load (i32.const 20)))))"""
#: Copies standard input to standard output.
CAT = f"""(module {IMPORTS} (func (export "_start")
  (loop
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 1000))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (if (i32.load (i32.const 8)) (then
      (call $write (i32.const 1) (i32.const 1024) (i32.load (i32.const 8)))
      (br 1))))))"""


@pytest.fixture(scope="module")
def arguments() -> Guest:
    """A program that prints its arguments."""
    return Guest(ARGUMENTS, payload_bytes=LIMIT)


@pytest.fixture(scope="module")
def cat() -> Guest:
    """A program that prints its input."""
    return Guest(CAT, payload_bytes=LIMIT)


@pytest.mark.parametrize(
    ("params", "argv"),
    [
        (None, b"swarm\0"),
        ([], b"swarm\0"),
        (["a", "", "ü b"], "swarm\0a\0\0ü b\0".encode()),
        (("x",), b"swarm\0x\0"),
        ({"args": ["y"]}, b"swarm\0y\0"),
        ({"args": None, "stdin": "text"}, b"swarm\0"),
        ("text", b"swarm\0"),
        (["\udcff"], b"swarm\0\xff\0"),
    ],
    ids=repr,
)
def test_arguments(arguments: Guest, params: Any, argv: bytes) -> None:
    """A list of text is argv behind the program's own name; text and bytes are no arguments."""
    assert arguments.run("_start", params, returns="bytes").ok() == argv


@pytest.mark.parametrize(
    ("params", "stdin"),
    [
        (None, b""),
        ("text", b"text"),
        (b"\x00\xff", b"\x00\xff"),
        ({"stdin": b"x" * 5000}, b"x" * 5000),
        ({"stdin": {"a": 1}}, b'{"a": 1}'),
        ({"stdin": [1, 2]}, b"[1, 2]"),
        (["only", "args"], b""),
        ({}, b""),
    ],
    ids=["None", "text", "bytes", "long", "JSON", "a list inside", "args", "empty"],
)
def test_standard_input(cat: Guest, params: Any, stdin: bytes) -> None:
    """Text and bytes are standard input; data goes there as JSON under its name."""
    assert cat.run("_start", params, returns="bytes").ok() == stdin


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"args": [], "env": {}, "cwd": "/"}, "a command takes args and stdin, got also cwd, env"),
        ([1, 2], "a command's args are a list of text"),
        ({"args": "text"}, "a command's args are a list of text"),
        (7, "a command's args are a list of text"),
        (["a\0b"], "holds a NUL"),
        (["\ud800"], "cannot be sent as UTF-8"),
        (["x"] * (MAX_ARGUMENTS + 1), "up to 10,000 arguments, got 10,001"),
        (["x" * LIMIT, "x"], "the arguments have 1,048,577 bytes; max_payload_mb allows 1 MiB"),
        ({"stdin": "x" * (LIMIT + 1)}, "the parameters have 1,048,577 bytes"),
        ({"\x1b[31m" * 100: 1}, r"got also \x1b[31m"),
    ],
    ids=[
        "other keys",
        "numbers",
        "args as text",
        "a number",
        "NUL",
        "half a character",
        "too many",
        "too long",
        "input too long",
        "terminal codes",
    ],
)
def test_what_a_program_cannot_get_is_refused(arguments: Guest, params: Any, said: str) -> None:
    """The caller's mistakes are named before anything runs."""
    ended = arguments.run("_start", params)
    assert ended.outcome is Outcome.INVALID_PARAMS
    assert said in ended.message
    assert len(ended.message) < 500
    assert ended.run is None


def test_as_many_and_as_long_arguments_as_allowed(arguments: Guest) -> None:
    """Just inside both bounds every argument arrives, at its own place."""
    output = arguments.run("_start", ["x"] * MAX_ARGUMENTS, returns="bytes").ok()
    assert output == b"swarm\0" + b"x\0" * MAX_ARGUMENTS
    ended = arguments.run("_start", ["x" * LIMIT])
    assert ended.outcome is not Outcome.INVALID_PARAMS


@pytest.mark.parametrize(
    ("returns", "stdin", "output"),
    [
        ("auto", '{"a": 1}', {"a": 1}),
        ("text", '{"a": 1}', '{"a": 1}'),
        ("auto", "plain\n", "plain\n"),
        ("auto", "", ""),
    ],
)
def test_standard_output_is_the_answer(cat: Guest, returns: str, stdin: str, output: Any) -> None:
    """Standard output is read as any other answer."""
    assert cat.run("_start", stdin, returns=returns).ok() == output


def test_standard_error_goes_to_the_log() -> None:
    """Standard error is logged line by line as warnings, and is no part of the output."""
    guest = Guest(
        f"""(module {IMPORTS} (data (i32.const 100) "one\\0atwo\\0athree")
          (func (export "_start")
            (call $write (i32.const 2) (i32.const 100) (i32.const 13))
            (call $write (i32.const 1) (i32.const 100) (i32.const 3))))"""
    )
    ended = guest.run("_start")
    assert ended.ok() == "one"
    assert [(record.level, record.text) for record in ended.logs] == [
        ("warn", "one"),
        ("warn", "two"),
        ("warn", "three"),
    ]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [(0, Outcome.SUCCESS), (1, Outcome.GUEST_ERROR), (255, Outcome.GUEST_ERROR), (-1, Outcome.GUEST_ERROR)],
)
def test_exit_codes(code: int, outcome: Outcome) -> None:
    """Exit 0 is success with what was written before; any other code is the guest's error and is told."""
    guest = Guest(
        f"""(module {IMPORTS} (data (i32.const 100) "said")
          (func (export "_start")
            (call $write (i32.const 1) (i32.const 100) (i32.const 4))
            (call $proc_exit (i32.const {code}))
            unreachable))"""
    )
    ended = guest.run("_start")
    assert ended.outcome is outcome
    if ended.verdict is None:
        assert ended.output == "said"
    else:
        assert (ended.verdict.guest_code, ended.verdict.trap_code) == (code, "exit")
        assert ended.message == f"the guest exited with code {code}"


@pytest.mark.parametrize(("size", "outcome"), [(LIMIT, Outcome.SUCCESS), (LIMIT + 1, Outcome.INVALID_RESULT)])
def test_output_is_bounded(size: int, outcome: Outcome) -> None:
    """max_payload_mb holds for standard output, to the byte; the program is ended when it writes more."""
    guest = Guest(
        f"""(module {IMPORTS} (func (export "_start") (local $left i32) (local.set $left (i32.const {size}))
          (loop (if (local.get $left) (then
            (i32.store (i32.const 0) (i32.const 1024))
            (i32.store (i32.const 4) (local.get $left))
            (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
            (local.set $left (i32.sub (local.get $left) (i32.load (i32.const 8))))
            (br 1))))))""",
        payload_bytes=LIMIT,
    )
    ended = guest.run("_start", returns="bytes")
    assert ended.outcome is outcome
    if ended.verdict is None:
        assert len(ended.output) == size
    else:
        assert ended.message == "the guest wrote more than max_payload_mb = 1 MiB to its output"


def test_a_trap_of_a_program_is_a_trap() -> None:
    """A program that traps has no output."""
    ended = Guest('(module (func (export "_start") unreachable))').run("_start")
    assert (ended.outcome, ended.output) == (Outcome.TRAP, None)
