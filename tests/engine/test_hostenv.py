"""``env.log`` and ``env.abort`` as guests call them, with honest and hostile arguments."""

from __future__ import annotations

import pytest

from infrafabric.engine.guestlog import MAX_RECORD_BYTES
from infrafabric.errors import Outcome
from tests.engine.driving import PAGE, Guest, memory_text

LOG = f"""(module
  (import "env" "log" (func $say (param i32 i32)))
  (memory (export "memory") 1 4)
  (data (i32.const 16) "hello")
  (data (i32.const {PAGE - 4}) "last")
  (func (export "say") (param i32 i32) (call $say (local.get 0) (local.get 1)))
  (func (export "long") (param i32) (result i32)
    (drop (memory.grow (i32.const 3)))
    (memory.fill (i32.const 0) (i32.const 120) (i32.const {3 * PAGE}))
    (call $say (i32.const 0) (local.get 0)) (i32.const 1))
  (func (export "flood") (param $count i32) (result i32)
    (loop
      (call $say (i32.const 16) (i32.const 5))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if 0 (local.get $count)))
    (i32.const 1)))"""


TELL = """(module
  (import "env" "log" (func $tell (param i32 i32 i32)))
  (memory (export "memory") 1) (data (i32.const 16) "hello")
  (func (export "tell") (param i32 i32 i32) (call $tell (local.get 0) (local.get 1) (local.get 2))))"""


@pytest.fixture(scope="module")
def guest() -> Guest:
    """A guest that logs what it is told to."""
    return Guest(LOG)


@pytest.fixture(scope="module")
def levelled() -> Guest:
    """A guest that logs at the level it is told."""
    return Guest(TELL)


def test_without_a_level_a_record_is_info(guest: Guest) -> None:
    """The form of two arguments has the level that most records have."""
    assert [(record.level, record.text) for record in guest.run("say", [16, 5]).logs] == [("info", "hello")]


@pytest.mark.parametrize(
    ("level", "name"),
    [
        (0, "trace"),
        (1, "debug"),
        (2, "info"),
        (3, "warn"),
        (4, "error"),
        (5, "info"),
        (-1, "info"),
        (2**31 - 1, "info"),
    ],
)
def test_levels(levelled: Guest, level: int, name: str) -> None:
    """Levels 0 to 4 are trace to error; any other number is info."""
    (record,) = levelled.run("tell", [level, 16, 5]).logs
    assert (record.level, record.text) == (name, "hello")


@pytest.mark.parametrize(
    ("pointer", "length", "text"),
    [(PAGE - 4, 4, "last"), (0, 0, ""), (PAGE, 0, ""), (16, 5, "hello")],
    ids=["the last bytes", "nothing", "nothing at the end", "inside"],
)
def test_a_range_inside_memory_is_logged(guest: Guest, pointer: int, length: int, text: str) -> None:
    """Any range of the guest's memory can be logged."""
    ended = guest.run("say", [pointer, length])
    assert ended.outcome is Outcome.SUCCESS
    assert ended.texts == [text]


@pytest.mark.parametrize(
    ("pointer", "length", "shown"),
    [
        (PAGE - 4, 5, f"5 bytes at {PAGE - 4}"),
        (PAGE + 1, 0, f"0 bytes at {PAGE + 1}"),
        (0, -1, "4294967295 bytes at 0"),
        (-1, 1, "1 bytes at 4294967295"),
        (-4, 8, "8 bytes at 4294967292"),
        (-(2**31), -(2**31), "2147483648 bytes at 2147483648"),
    ],
    ids=["one over", "past the end", "all of it", "the last address", "wraps around", "negative"],
)
def test_a_range_outside_memory_is_a_warning(guest: Guest, pointer: int, length: int, shown: str) -> None:
    """The guest's author is told, nothing is read, and the guest goes on."""
    ended = guest.run("say", [pointer, length])
    assert ended.outcome is Outcome.SUCCESS
    (record,) = ended.logs
    assert (record.level, record.text) == (
        "warn",
        f"env.log: {shown} are not inside the memory this module exports",
    )


@pytest.mark.parametrize(
    ("length", "ending"),
    [(MAX_RECORD_BYTES, ""), (MAX_RECORD_BYTES + 1, "... (4097 bytes)"), (3 * PAGE, "... (196608 bytes)")],
)
def test_a_long_record_is_cut(guest: Guest, length: int, ending: str) -> None:
    """4096 bytes are kept, and the real length is told."""
    ended = guest.run("long", [length])
    assert ended.texts == ["x" * min(length, MAX_RECORD_BYTES) + ending]
    assert ended.run is not None
    assert ended.run.log.bytes == min(length, MAX_RECORD_BYTES)


def test_a_module_without_an_exported_memory_can_say_nothing() -> None:
    """A guest whose memory nobody can see gets the warning, not a failure."""
    guest = Guest(
        """(module (import "env" "log" (func $say (param i32 i32))) (memory 1)
          (func (export "f") (call $say (i32.const 0) (i32.const 5))))"""
    )
    ended = guest.run("f")
    assert ended.outcome is Outcome.SUCCESS
    assert ended.texts == ["env.log: 5 bytes at 0 are not inside the memory this module exports"]


def test_a_start_function_can_log() -> None:
    """The log works while the instance is being made."""
    guest = Guest(
        """(module (import "env" "log" (func $say (param i32 i32))) (memory (export "memory") 1)
          (data (i32.const 0) "starting") (func $start (call $say (i32.const 0) (i32.const 8))) (start $start)
          (func (export "f") (call $say (i32.const 5) (i32.const 3))))"""
    )
    assert guest.run("f").texts == ["starting", "ing"]


def test_a_flood_costs_the_guest_and_not_the_host(guest: Guest) -> None:
    """Records over the budget are dropped and counted; every call of the guest returns."""
    ended = Guest(LOG, log_bytes_per_second=37 * 20).run("flood", [5000])
    assert ended.outcome is Outcome.SUCCESS
    assert 20 <= len(ended.logs) < 100
    assert ended.dropped == 5000 - len(ended.logs)
    assert ended.run is not None
    assert ended.run.host_calls == 5000
    assert guest.run("say", [16, 5]).dropped == 0


# --- env.abort -------------------------------------------------------------------------------------

ABORT = """(module
  (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  {data}
  (func (export "f") (param i32 i32) (call $abort (local.get 0) (local.get 1) (i32.const {line}) (i32.const 7))))"""


def assembly_script(text: str, at: int, length: int | None = None) -> str:
    """A string of AssemblyScript's runtime at ``at``: its length in the four bytes before it."""
    content = text.encode("utf-16-le", "surrogatepass")
    size = (len(content) if length is None else length).to_bytes(4, "little")
    return f'(data (i32.const {at - 4}) "{memory_text(size + content)}")'


def aborting(data: str, line: int = 12) -> Guest:
    """A guest that aborts."""
    return Guest(ABORT.format(data=data, line=line))


@pytest.mark.parametrize("line", [12, -1])
def test_an_abort_is_a_trap_with_message_and_place(line: int) -> None:
    """The message and the source position are the guest author's to see."""
    guest = aborting(assembly_script("index out of range", 100) + assembly_script("src/index.ts", 200), line)
    ended = guest.run("f", [100, 200])
    assert ended.outcome is Outcome.TRAP
    assert ended.verdict is not None
    assert ended.verdict.trap_code == "abort"
    assert ended.message == f"the guest aborted: index out of range (src/index.ts:{line % 2**32}:7)"


@pytest.mark.parametrize(
    ("data", "message", "said"),
    [
        ("", 0, "no message"),
        ("", 3, "no message"),
        ("", -1, "no message"),
        ("", PAGE, "no message"),
        (assembly_script("x", 100, 2**32 - 1), 100, "no message"),
        (assembly_script("x", 100, PAGE), 100, "no message"),
        (assembly_script("x", 100, 0), 100, "no message"),
        (assembly_script("end", PAGE - 6), PAGE - 6, "end"),
        (assembly_script("end", PAGE - 6, 7), PAGE - 6, "no message"),
        (assembly_script("red\x1b[31m\n\u202e", 100), 100, r"red\x1b[31m\n\u202e"),
        (assembly_script("\ud800x", 100), 100, "\ufffdx"),
        (assembly_script("abc", 100, 5), 100, "ab\ufffd"),
        (assembly_script("x" * 3000, 100), 100, "x" * 1024 + "... (2048 characters)"),
    ],
    ids=[
        "null",
        "too low for a length",
        "the last address",
        "past the end",
        "length of everything",
        "length over the end",
        "empty",
        "the last bytes",
        "one byte over the end",
        "terminal codes",
        "half a character",
        "half a unit",
        "very long",
    ],
)
def test_whatever_an_abort_points_at(data: str, message: int, said: str) -> None:
    """Pointers and lengths that lie give no message; text is escaped and cut; it is a trap each time."""
    ended = aborting(data).run("f", [message, 0])
    assert ended.outcome is Outcome.TRAP
    assert ended.message == f"the guest aborted: {said} (unknown file:12:7)"


def test_nothing_runs_after_an_abort() -> None:
    """The guest ends at once, and a kept instance with it."""
    guest = Guest(
        """(module (import "env" "abort" (func $abort (param i32 i32 i32 i32))) (memory (export "memory") 1)
          (global $count (mut i32) (i32.const 0))
          (func (export "f") (result i32)
            (global.set $count (i32.add (global.get $count) (i32.const 1))) (global.get $count))
          (func (export "end")
            (call $abort (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
            (global.set $count (i32.const 100))))""",
        kept=True,
    )
    assert [guest.run("f").ok(), guest.run("f").ok()] == [1, 2]
    assert guest.run("end").outcome is Outcome.TRAP
    assert guest.run("f").ok() == 1
    guest.close()
