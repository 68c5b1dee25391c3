"""How a command line ends: its exit status, its one line, and nothing else."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric import errors
from infrafabric.cli import doctor_checks, main
from infrafabric.cli.app import COMMANDS
from infrafabric.testing import wat
from tests.cli.program import PROGRAM, Ended, guest, run_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Ended]


def _raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make ``infrafabric doctor`` end in ``error``."""

    def examine() -> None:
        raise error

    monkeypatch.setattr(doctor_checks, "examine", examine)


_PROBLEM = errors.Problem(rule="IF102", path="a.b", message="it is wrong", fix="right it")
_ERRORS: list[errors.InfraFabricError] = [
    kind((_PROBLEM,)) if kind is errors.ContractValidationError else kind("it is wrong")
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, errors.InfraFabricError)
]


@pytest.mark.parametrize("error", _ERRORS, ids=lambda error: type(error).__name__)
def test_every_error_of_the_library_ends_with_its_own_status_and_one_line(
    infrafabric: Run, monkeypatch: pytest.MonkeyPatch, error: errors.InfraFabricError
) -> None:
    """Cause first, then the next step."""
    error.add_note("do this")
    _raising(monkeypatch, error)
    ended = infrafabric("doctor")
    assert ended.status == error.exit_code
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert "it is wrong" in ended.err
    assert ended.err.endswith("; do this\n")
    assert ended.err.count("\n") == 1


def test_what_an_error_quotes_is_escaped_and_kept_on_its_line(
    infrafabric: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where whoever raised it forgot."""
    _raising(monkeypatch, errors.ModuleError("a\x1b[31mb\nc\u202ed"))
    assert infrafabric("doctor").err == "error: a\\x1b[31mb c\\u202ed\n"


def test_each_problem_of_a_contract_has_a_line(infrafabric: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A contract is corrected once, not once a mistake."""
    second = errors.Problem(rule="IF103", path="c", message="so is this")
    _raising(monkeypatch, errors.ContractValidationError((_PROBLEM, second)))
    assert infrafabric("doctor").err == "error: a.b: it is wrong; right it\nerror: c: so is this\n"


def test_a_mistake_of_ours_says_so_and_where_to_look(infrafabric: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 70, no traceback until it is asked for."""
    _raising(monkeypatch, ZeroDivisionError("by zero"))
    ended = infrafabric("doctor")
    assert ended.status == 70
    assert ended.err == (
        "error: internal: ZeroDivisionError: by zero; this is a mistake in infrafabric; "
        "--debug shows the traceback to report\n"
    )


@pytest.mark.parametrize("arguments", [("--debug", "doctor"), ("doctor", "--debug")], ids=["before", "after"])
def test_debug_shows_the_traceback_before_the_line(
    infrafabric: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Wherever it stands in the command line."""
    _raising(monkeypatch, ZeroDivisionError("by zero"))
    err = infrafabric(*arguments).err
    assert err.startswith("Traceback (most recent call last):\n")
    assert "in examine" in err
    assert err.splitlines()[-1].startswith("error: internal: ZeroDivisionError")


def test_debug_shows_the_guests_backtrace(infrafabric: Run) -> None:
    """The guest's own frames, and no hint at --debug any more."""
    err = infrafabric("run", guest("base64"), "decode", "--params", "c3d*", "--params-format", "text", "--debug").err
    assert "<function" in err
    assert "--debug" not in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("insepct", "x"), "no command is called 'insepct'; did you mean inspect; see infrafabric --help"),
        (
            ("zzz",),
            f"no command is called 'zzz'; there are {', '.join(COMMANDS)}; see infrafabric --help",
        ),
        (("run", "--memry", "1Mi"), "No such option"),
        (("run",), "Missing argument 'MODULE|CONTRACT'; see infrafabric run --help"),
        (("run", "x.wasm", "f", "--abi", "magic"), "'magic' is not one of 'scalar', 'buffer'"),
        (("completion", "tcsh"), "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
        (("inspect", "a", "b"), "unexpected extra argument"),
        (("run", "a\x1b[31m\nb", "f", "x", "y"), "unexpected extra argument"),
    ],
)
def test_a_mistake_in_the_command_line_is_one_line_with_the_way_to_help(
    infrafabric: Run, arguments: tuple[str, ...], line: str
) -> None:
    """Status 2, nothing printed."""
    ended = infrafabric(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert line in ended.err
    assert "--help\n" in ended.err
    assert ended.err.count("\n") == 1


def test_without_arguments_the_help_is_shown(infrafabric: Run) -> None:
    """A newcomer types the name first."""
    ended = infrafabric()
    assert ended.status == 0
    assert ended.out == infrafabric("--help").out == infrafabric("-h").out


def test_the_version_names_engine_and_python(infrafabric: Run) -> None:
    """What a report of a mistake needs."""
    ended = infrafabric("--version")
    assert ended.status == 0
    assert ended.out.startswith("infrafabric 0.1.0 (wasmtime 50.")
    assert "CPython 3." in ended.out


def test_an_interrupt_while_the_program_loads_is_an_ending_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before there is anything that could report it."""
    import builtins  # noqa: PLC0415 - only this test

    real = builtins.__import__

    def interrupted(name: str, *rest: Any, **more: Any) -> Any:
        if name == "infrafabric.cli":
            raise KeyboardInterrupt
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", interrupted)
    assert main([]) == 130


# --- as a program ----------------------------------------------------------------------------------


def test_ctrl_c_ends_a_running_guest_at_once(tmp_path: Path) -> None:
    """Status 130, one word, no traceback; the guest's line shows that it was running."""
    (tmp_path / "spin.wasm").write_bytes(
        wat("""(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1)
          (data (i32.const 0) "begun")
          (func (export "spin") (call $log (i32.const 0) (i32.const 5)) (loop br 0)))""")
    )
    process = subprocess.Popen(
        [*PROGRAM, "run", str(tmp_path / "spin.wasm"), "spin"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"[WASM:spin] begun\n"
        interrupted = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"error: interrupted\n")
    assert time.monotonic() - interrupted < 5


def test_ctrl_c_while_it_waits_for_its_input(tmp_path: Path) -> None:
    """The same, before any guest exists."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [*PROGRAM, "run", str(guest("wc")), "_start", "--params", f"@{pipe}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process, pipe.open("wb"):  # which waits until it reads
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"error: interrupted\n")


@pytest.mark.parametrize(
    "arguments", [("--help",), ("run", guest("arith"), "answer"), ("inspect", guest("arith"), "-o", "table")]
)
def test_a_reader_that_goes_away_is_no_reason_to_complain(arguments: tuple[object, ...]) -> None:
    """As for every tool in a pipe: quiet, and the status that a shell knows for it."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)], stdout=write, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the platform has no /dev/full")  # noqa: PTH110 - a device
def test_a_full_disk_is_told() -> None:
    """What was promised to be written was not."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [*PROGRAM, "run", str(guest("arith")), "answer"],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (74, b"error: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize(
    ("arguments", "redirection", "status"),
    [
        (("run", guest("arith"), "answer"), ">&-", 0),
        (("run", guest("greet"), "greet", "--params", "-", "--stats"), "2>&-", 0),
        (("run", guest("arith"), "none"), "2>&-", 2),
        (("inspect", guest("arith"), "-o", "table"), ">&- 2>&-", 0),
        (("run", guest("wc"), "_start", "--params", "-"), "<&-", 2),
    ],
)
def test_streams_that_are_closed_change_nothing_else(
    arguments: tuple[object, ...], redirection: str, status: int
) -> None:
    """As under some schedulers and daemons."""
    script = f'exec "$@" {redirection}'
    command = ["sh", "-c", script, "sh", *PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    assert done.returncode == status
    assert b"Traceback" not in done.stderr


def test_a_terminal_without_the_letters_gets_escapes() -> None:
    """Status and stats hold a µ or an arrow, which not every encoding has."""
    ended = run_program(
        "run", guest("upper"), "process", "--params", "-", "--stats", stdin=b"a", env={"PYTHONIOENCODING": "ascii"}
    )
    assert ended.status == 0
    assert ended.stdout == b"A"
    ascii_table = run_program("inspect", guest("arith"), "-o", "table", env={"PYTHONIOENCODING": "ascii"})
    assert (ascii_table.status, ascii_table.stdout.isascii()) == (0, True)


def test_a_command_line_runs_from_any_folder(tmp_path: Path) -> None:
    """Nothing in the current folder is imported or needed."""
    (tmp_path / "click.py").write_text("raise SystemExit(99)")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "infrafabric", "run", str(guest("arith")), "answer"],
        capture_output=True,
        timeout=60,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"42\n", b"")
