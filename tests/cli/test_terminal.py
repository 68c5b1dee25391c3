"""What a person sees: the command line on a real terminal."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from typing import TYPE_CHECKING

import pytest

from infrafabric.cli import progress as progress_module
from infrafabric.testing import wat
from tests.cli.program import guest, run_program, show

if TYPE_CHECKING:
    from pathlib import Path


def _cells(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", guest("arith")),
        ("inspect", guest("wc")),
        ("inspect", guest("wordstat")),
        ("doctor",),
        ("run", guest("analyzer"), "analyze_code", "--params", '{"source": "eval(x)", "file": "a.py"}', "-o", "table"),
    ],
    ids=["arith", "wc", "wordstat", "doctor", "run"],
)
def test_tables_fit_the_terminal(arguments: tuple[object, ...], columns: int) -> None:
    """No line is wider than the terminal, whatever its width, and nothing but styles is sent to it."""
    shown = show(*arguments, columns=columns)
    assert shown.status == 0, shown.text
    assert len(shown.lines) > 5
    assert max(map(_cells, shown.lines)) <= columns
    assert "\x1b" not in shown.text


def test_a_module_is_shown_as_a_table_on_a_terminal() -> None:
    """What it is, wants and offers, in this order."""
    lines = show("inspect", guest("greet")).lines
    assert lines[0].rstrip() == "greet.wasm  can be loaded under the default contract"
    titles = [line.strip() for line in lines if line.strip() in {"Imports", "Tasks", "Conventions that do not fit"}]
    assert titles == ["Imports", "Tasks", "Conventions that do not fit"]
    assert ["env.log", "(i32, i32) -> ()", "granted"] in [re.split(r"\s{2,}", line.strip()) for line in lines]


def test_json_is_spread_over_lines_where_it_is_long() -> None:
    """Short values stay on one line; both are still JSON."""
    short = show("run", guest("arith"), "divmod", "--params", "[7, 2]")
    assert short.lines == ["[3, 1]"]
    long = show("run", guest("jsoncheck"), "validate", "--params", "[]")
    assert len(long.lines) > 5
    assert json.loads(long.text)["valid"] is True


def test_text_ends_its_line_on_a_terminal_only() -> None:
    """The prompt does not stick to the output, and a pipe gets no byte more."""
    command = ("run", guest("greet"), "greet", "--params", "swarm", "--params-format", "text", "--log-level", "off")
    assert show(*command).raw == "Hello, swarm!\r\n"
    assert run_program(*command).stdout == b"Hello, swarm!"


_EVIL = "a\x1b]0;title\x07\x1b[2Jb\x9bc\u202ed\te\nf"


def test_a_guests_text_cannot_control_the_terminal() -> None:
    """Line ends and tabs are kept, everything else is shown as an escape; a pipe gets it as it was."""
    command = ("run", guest("greet"), "greet", "--params", json.dumps({"x": 0}), "--log-level", "off")
    evil = ("run", guest("greet"), "greet", "--params", _EVIL, "--params-format", "text", "--log-level", "off")
    shown = show(*evil)
    assert shown.status == 0
    assert "Hello, a\\x1b]0;title\\x07\\x1b[2Jb\\x9bc\\u202ed" in shown.raw
    assert shown.raw.endswith("\r\nf!\r\n")
    assert "\x1b" not in shown.raw
    assert run_program(*evil).stdout.decode() == f"Hello, {_EVIL}!"
    assert show(*command).status == 0


def test_text_inside_json_cannot_control_the_terminal(tmp_path: Path) -> None:
    """It stays JSON, with escapes for what is not printable."""
    reply = json.dumps({"name": "\x9b2J\u202e\x7f \U000e0001 [bold]é"}, ensure_ascii=False).encode()
    data = "".join(f"\\{byte:02x}" for byte in reply)
    (tmp_path / "reply.wasm").write_bytes(
        wat(f"""(module (memory (export "memory") 1) (data (i32.const 16) "{data}")
          (func (export "allocate") (param i32) (result i32) i32.const 1024)
          (func (export "reply") (param i32 i32) (result i64) i64.const {16 << 32 | len(reply)}))""")
    )
    shown = show("run", tmp_path / "reply.wasm", "reply", env={"NO_COLOR": "1"})
    assert shown.raw == '{"name": "\\u009b2J\\u202e\\u007f \\udb40\\udc01 [bold]é"}\r\n'
    assert json.loads(shown.raw) == json.loads(reply)
    assert run_program("run", tmp_path / "reply.wasm", "reply").json == json.loads(reply)


def test_bytes_are_not_sent_to_a_terminal() -> None:
    """A note says what to do; a pipe gets them."""
    command = ("run", guest("base64"), "decode", "--params", "//4A", "--params-format", "text")
    shown = show(*command)
    assert shown.status == 0
    assert shown.lines == ["note: the output is 3 bytes that are no text: send it to a file (> FILE), or see -o json"]
    assert run_program(*command).stdout == b"\xff\xfe\0"


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", guest("arith")),
        ("doctor",),
        ("run", guest("greet-levels"), "log_levels", "--stats"),
        ("run", guest("jsoncheck"), "validate", "--params", "[]"),
        ("run", guest("arith"), "none"),
    ],
    ids=["inspect", "doctor", "log", "json", "error"],
)
def test_no_color_sends_plain_text(arguments: tuple[object, ...]) -> None:
    """https://no-color.org; with it unset or empty, the same command is coloured, and a pipe never is."""
    plain = show(*arguments, env={"NO_COLOR": "1"})
    assert "\x1b" not in re.sub(r"\x1b\[\?25[lh]|\x1b\[2K|\x1b\[1A", "", plain.raw)
    assert "\x1b[" in show(*arguments, env={"NO_COLOR": ""}).raw
    piped = run_program(*arguments)
    assert b"\x1b" not in piped.stdout + piped.stderr


def test_a_dumb_terminal_gets_plain_text() -> None:
    """No styles, no spinner."""
    assert "\x1b" not in show("doctor", env={"TERM": "dumb"}).raw


def test_the_log_is_coloured_by_its_level() -> None:
    """What is worth a look stands out."""
    raw = show("run", guest("greet-levels"), "log_levels").raw
    assert "\x1b[2m[WASM:greet-levels] level 2\x1b[0m" in raw
    assert "\x1b[33m[WASM:greet-levels] level 3\x1b[0m" in raw
    assert "\x1b[31m[WASM:greet-levels] level 4\x1b[0m" in raw


@pytest.fixture
def slow_start(tmp_path: Path) -> Path:
    """A module whose start function takes a good half of a second, and logs on the way."""
    path = tmp_path / "slow.wasm"
    path.write_bytes(
        wat("""(module (import "env" "log" (func $log (param i32 i32)))
          (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "warming up")
          (func (export "initialize") (result i32)
            (i32.store8 (i32.const 108) (i32.const 0)) (i32.store (i32.const 116) (i32.const 1))
            (i64.store (i32.const 124) (i64.const 700000000))
            (call $log (i32.const 0) (i32.const 10))
            (drop (call $poll (i32.const 100) (i32.const 200) (i32.const 1) (i32.const 300)))
            i32.const 0)
          (func (export "answer") (result i32) i32.const 42))""")
    )
    return path


def test_something_slow_shows_that_it_lives_and_leaves_nothing_behind(slow_start: Path) -> None:
    """On a terminal, once it is slow; a log line in between stays whole."""
    shown = show("run", slow_start, "answer")
    assert shown.status == 0, shown.text
    assert "loading " in shown.raw
    assert "[WASM:slow] warming up" in shown.raw
    assert shown.raw.endswith("42\r\n") or "42" in shown.lines[-1]
    piped = run_program("run", slow_start, "answer")
    assert piped.stdout == b"42\n"
    assert b"loading" not in piped.stderr


def test_something_quick_shows_no_sign_of_life() -> None:
    """A flicker would be noise."""
    show("run", guest("arith"), "answer")
    assert "loading" not in show("run", guest("arith"), "answer").raw


def test_progress_ends_with_its_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with an error, and without waiting for its next picture."""
    monkeypatch.setattr(progress_module, "wants_animation", lambda _stream: True)
    started = time.monotonic()
    with pytest.raises(ZeroDivisionError), progress_module.progress("waiting"):
        raise ZeroDivisionError
    assert time.monotonic() - started < progress_module.SLOW_SECONDS
