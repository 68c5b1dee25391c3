"""``infrafabric top``: once into a pipe, live on a terminal, and what it says when there is nothing to show."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING, NoReturn

import pytest

from infrafabric.board import LiveSource, save
from infrafabric.board.server import ServerSource
from infrafabric.errors import BoardError
from infrafabric.testing import ADDER, contract
from tests.cli.program import PROGRAM, run_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infrafabric.chassis import IFChassis
    from tests.cli.program import Ended

WAIT_SECONDS = 60


@pytest.fixture
def board(chassis: IFChassis, tmp_path: Path) -> Path:
    """The board of a chassis with one swarm that has run a task, in a file."""
    chassis.load_swarm("adder", ADDER, contract("adder"))
    chassis.execute_task("adder", "add", [2, 3])
    path = tmp_path / "board.json"
    save(LiveSource(chassis).board(), path)
    return path


def test_a_pipe_gets_one_plain_table(board: Path) -> None:
    """Without a terminal the overview is printed once, without colours."""
    ended = run_program("top", board)
    assert ended.status == 0, ended.err
    lines = ended.out.splitlines()
    assert "1 swarm" in lines[0]
    assert lines[0].endswith("from board.json")
    assert sum("adder" in line for line in lines) == 3
    assert "\x1b" not in ended.out
    assert ended.err == ""


def test_json_is_the_overview(board: Path) -> None:
    """``-o json`` prints the record that every view shows."""
    plain = run_program("top", board, "-o", "json").json
    assert plain == json.loads(board.read_text())["overview"]


def test_a_server_that_does_not_answer_is_one_line() -> None:
    """Nobody there: the address, the reason and a status, no traceback."""
    ended = run_program("top", "http://127.0.0.1:9")
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert "http://127.0.0.1:9 does not answer" in ended.err
    assert "infrafabric demo" not in ended.err


def test_a_beginner_without_a_server_is_told_of_the_demo(
    infrafabric: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`top` alone asks the usual address; where nobody is, the next step is a server that shows something."""

    def refused(source: ServerSource) -> NoReturn:
        raise BoardError(f"{source.name} does not answer: Connection refused; see that it runs and is reachable")

    monkeypatch.setattr(ServerSource, "overview", refused)
    ended = infrafabric("top")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert ended.err.rstrip().endswith("`infrafabric demo` starts one to look around in")


@pytest.mark.parametrize("token", [None, "a-wrong-token-of-22-chars"], ids=["none", "wrong"])
def test_whoever_gives_no_token_is_told_how(chassis: IFChassis, tmp_path: Path, token: str | None) -> None:
    """A server that wants one: the option is named, unless it was used."""
    (tmp_path / "token").write_text(token or "")
    given = [] if token is None else ["--token-file", tmp_path / "token"]
    with chassis.serve_dashboard(token="the-right-token-of-27-chars") as server:  # noqa: S106 - of this test
        ended = run_program("top", server.url.removesuffix("/dashboard/"), *given)
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "HTTP 401" in ended.err
    assert ("--token-file" in ended.err) is (token is None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.json"], "missing.json"),
        (["--interval", "soon"], "expected a duration"),
        (["--interval", "1ms"], "expected from 0.2 s"),
        (["--token-file", "missing"], "cannot read the token"),
    ],
    ids=["file", "no-duration", "too-often", "token-file"],
)
def test_mistakes_are_named(arguments: list[str], said: str) -> None:
    """A mistake in the command line is one line that names it."""
    ended = run_program("top", *arguments)
    assert ended.status == 2
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("text", ["", "two words", "x" * 5000], ids=["empty", "words", "long"])
def test_a_token_file_holds_one_token(tmp_path: Path, text: str) -> None:
    """Anything else is no token, and its content is not repeated."""
    (tmp_path / "token").write_text(text)
    ended = run_program("top", "--token-file", tmp_path / "token")
    assert ended.status == 2
    assert "holds no token" in ended.err
    assert "two words" not in ended.err


def test_without_textual_a_terminal_is_told_what_to_install(board: Path) -> None:
    """The extra that is missing is one line with the command that installs it."""
    code = (
        "import sys; sys.modules['textual'] = None\n"
        "from infrafabric.cli import top_command\n"
        "top_command._can_draw = lambda: True\n"
        "from infrafabric.cli import main\n"
        "sys.exit(main(['top', sys.argv[1]]))\n"
    )
    done = subprocess.run([PROGRAM[0], "-c", code, str(board)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'infrafabric[tui]'" in done.stderr


@pytest.mark.parametrize("no_colour", [False, True], ids=["colours", "NO_COLOR"])
def test_a_terminal_gets_the_live_view(board: Path, no_colour: bool) -> None:  # noqa: FBT001 - a case of the table
    """On a terminal it draws, takes keys, and gives the terminal back; under NO_COLOR without any colour."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment |= {"TERM": "xterm-256color"} | ({"NO_COLOR": "1"} if no_colour else {})
    process = subprocess.Popen(
        [*PROGRAM, "top", str(board)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        drawn = _read_until(ours, b"a file: nothing will change")
        os.write(ours, b"q")
        drawn += _read_until(ours, None)
        assert process.wait(WAIT_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert b"adder" in drawn
    assert b"\x1b[?1049l" in drawn, "the alternate screen was left"
    styles = {int(part) for found in re.findall(rb"\x1b\[([0-9;]+)m", drawn) for part in found.split(b";")}
    colours = styles & {*range(30, 39), *range(40, 49), *range(90, 98), *range(100, 108)}
    assert bool(colours) != no_colour


def _read_until(terminal: int, wanted: bytes | None) -> bytes:
    """What the terminal got, until ``wanted`` is in it; None: until the program ends."""
    got, end = b"", time.monotonic() + WAIT_SECONDS
    while wanted is None or wanted not in got:
        ready, _, _ = select.select([terminal], [], [], max(0.0, end - time.monotonic()))
        assert ready, got
        try:
            piece = os.read(terminal, 65_536)
        except OSError:  # EIO: the program has ended
            piece = b""
        if not piece:
            assert wanted is None, got
            return got
        got += piece
    return got
