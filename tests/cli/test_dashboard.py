"""``infrafabric dashboard``: a board in the browser, over a file or a running server."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING

import attrs
import pytest

from infrafabric.board.files import save
from infrafabric.board.sources import LiveSource
from infrafabric.dashboard.serving import serve_dashboard
from infrafabric.testing import ADDER, contract
from tests.cli.program import PROGRAM, run_program
from tests.dashboard.asking import ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infrafabric.chassis import IFChassis

TOKEN = "a-token-of-this-test"  # noqa: S105 - of this test


@attrs.frozen
class Running:
    """A dashboard that runs as a program."""

    process: subprocess.Popen[str]
    url: str

    def swarms(self, token: str = "") -> set[str]:
        """The swarms of its overview; none when it does not answer."""
        answer = ask(self.url, "/v1/overview", Authorization=f"Bearer {token}")
        return {row["swarm_id"] for row in answer.json["rows"]} if answer.status == 200 else set()


@contextlib.contextmanager
def running(*arguments: object, **env: str) -> Iterator[Running]:
    """Run a dashboard until the block ends, then as Ctrl-C does."""
    process = subprocess.Popen(
        [*PROGRAM, "dashboard", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | env,
    )
    try:
        assert process.stdout is not None
        yield Running(process, process.stdout.readline().strip())
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def loaded(chassis: IFChassis) -> IFChassis:
    """A chassis with a swarm that has run."""
    chassis.load_swarm("adder", ADDER, contract("adder"))
    chassis.execute_task("adder", "add", [1, 2])
    return chassis


def test_of_a_file(loaded: IFChassis, tmp_path: Path) -> None:
    """It prints its address on stdout, serves what the file holds, and Ctrl-C ends it well."""
    path = tmp_path / "board.json"
    save(LiveSource(loaded).board(), path)
    with running(path) as dashboard:
        assert dashboard.swarms() == {"adder"}


def test_of_a_server_with_a_token(loaded: IFChassis, tmp_path: Path) -> None:
    """The token is sent on to the server, and asked of whoever opens this dashboard."""
    token_file = tmp_path / "token"
    token_file.write_text(f"{TOKEN}\n")
    with (
        serve_dashboard(loaded, token=TOKEN) as server,
        running(server.url.removesuffix("/dashboard/"), "--token-file", token_file) as dashboard,
    ):
        assert dashboard.swarms() == set()
        assert dashboard.swarms(TOKEN) == {"adder"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.json"], "missing.json cannot be read"),
        (["http://127.0.0.1:9"], "does not answer"),
        (["board.json", "--host", "0.0.0.0"], "needs a token"),  # noqa: S104 - refused
        (["board.json", "--token-file", "weak"], "at least 16 are needed"),
        (["board.json", "--port", "70000"], "--port"),
        ([], "SOURCE"),
    ],
    ids=["missing", "away", "public", "weak", "port", "nothing"],
)
def test_what_cannot_be_shown_is_said(
    loaded: IFChassis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    """In one line, with the status of a mistake in the command line."""
    monkeypatch.chdir(tmp_path)
    save(LiveSource(loaded).board(), "board.json")
    (tmp_path / "weak").write_text("secret")
    ended = run_program("dashboard", *arguments)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert says in ended.err


def test_a_missing_extra_is_said(tmp_path: Path) -> None:
    """With the command that installs it."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'starlette' else find(name, *rest)\n"
    )
    ended = run_program("dashboard", "board.json", env={"PYTHONPATH": str(tmp_path)})
    assert ended.status == 2
    assert "starlette is not installed; install with: pip install 'infrafabric[server]'" in ended.err
