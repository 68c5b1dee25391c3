"""``infrafabric serve`` as a program: what it says, how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("starlette", reason="needs: pip install 'infrafabric[server]'")

import httpx

from tests.cli.program import PROGRAM, guest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.program import Ended

_CONTRACT = """\
swarm_id: {name}
module: {{path: {name}.wasm}}
resource_limits: {{max_api_calls_per_second: 10000, max_concurrent_tasks: 4, max_cpu_percent: 400}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the contracts ``arith`` and ``spin``."""
    for name in ("arith", "spin"):
        shutil.copy(guest(name), tmp_path)
        (tmp_path / f"{name}.yaml").write_text(_CONTRACT.format(name=name), encoding="utf-8")
    return tmp_path


class Program:
    """A server that runs as a program."""

    def __init__(self, *arguments: object, env: dict[str, str] | None = None) -> None:
        command = [*PROGRAM, "serve", *map(str, arguments), "--port", "0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | (env or {}))
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.url = self.wait_for(r"(http://[^/;\s]+)")

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.lines.extend(iter(self.process.stderr.readline, ""))

    def wait_for(self, pattern: str) -> str:
        """The first group of a pattern, once it stands in the log."""
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.poll() is None:
            for line in list(self.lines):
                if found := re.search(pattern, line):
                    return found[1]
            time.sleep(0.01)
        raise AssertionError("".join(self.lines))

    def end(self) -> int:
        """Its exit status, once it has ended."""
        status = self.process.wait(30)
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()
        return status


@contextlib.contextmanager
def program(*arguments: object, env: dict[str, str] | None = None) -> Iterator[Program]:
    """A server that is ended after the block, if it has not been."""
    server = Program(*arguments, env=env)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.end()


def test_a_folder_is_served_until_sigterm(folder: Path) -> None:
    """The address is told on stderr; tasks run; SIGTERM ends it with status 0."""
    with program(folder) as server:
        answer = httpx.post(f"{server.url}/v1/swarms/arith/tasks/add", json=[2, 3])
        assert answer.json()["output"] == 5
        assert httpx.get(f"{server.url}/metrics").status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.end() == 0
    assert any("POST /v1/swarms/arith/tasks/add 200" in line for line in server.lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_under_load_loses_no_accepted_request(folder: Path, number: signal.Signals) -> None:
    """Whoever was accepted is answered in full; whoever came too late was never accepted."""
    answered: list[int] = []
    cut: list[str] = []

    def ask(url: str, first: int) -> None:
        with httpx.Client(base_url=url, timeout=20) as client:
            for count in range(first, first + 100_000):
                try:
                    answer = client.post("/v1/swarms/arith/tasks/add", json=[count, 1])
                except httpx.ConnectError:
                    return
                except httpx.RemoteProtocolError as error:
                    # An idle connection was ended: nothing of this request was read. Half an answer is a loss.
                    if "without sending a response" not in str(error):
                        cut.append(str(error))
                    return
                except httpx.ReadError:
                    return
                assert answer.json()["output"] == count + 1
                answered.append(count)

    with program(folder) as server:
        clients = [threading.Thread(target=ask, args=(server.url, number * 1_000_000)) for number in range(6)]
        for client in clients:
            client.start()
        end = time.monotonic() + 20
        while len(answered) < 100 and time.monotonic() < end:
            time.sleep(0.01)
        server.process.send_signal(number)
        assert server.end() == 0
        for client in clients:
            client.join()
    assert cut == []
    logged = sum("POST /v1/swarms/arith/tasks/add 200" in line for line in server.lines)
    assert logged == len(answered) >= 100


def test_the_second_signal_ends_at_once(folder: Path) -> None:
    """A drain that would take a minute does not."""
    with program(folder, "--drain-seconds", "60") as server:
        asking = threading.Thread(target=_ask_and_be_cut, args=(f"{server.url}/v1/swarms/spin/tasks/spin",))
        asking.start()
        deadline = time.monotonic() + 10
        running = 0
        while not running and time.monotonic() < deadline:
            running = httpx.get(f"{server.url}/v1/swarms/spin").json()["stats"]["tasks_running"]
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("(draining)")
        server.process.send_signal(signal.SIGTERM)
        assert server.end() == 0
        assert time.monotonic() - began < 10
        asking.join()


def _ask_and_be_cut(url: str) -> None:
    with contextlib.suppress(httpx.HTTPError):
        httpx.post(url, timeout=30)


def test_the_log_can_be_lines_of_json(folder: Path) -> None:
    """Every line is an object; that of a request has its parts, and never the query."""
    with program(folder, "--log-format", "json") as server:
        httpx.post(f"{server.url}/v1/swarms/arith/tasks/add?wait=true", json=[2, 3])
        server.process.send_signal(signal.SIGTERM)
        assert server.end() == 0
    lines: list[dict[str, Any]] = [json.loads(line) for line in server.lines]
    (request,) = [line for line in lines if line["logger"] == "infrafabric.server.requests"]
    assert (request["method"], request["path"], request["status"]) == ("POST", "/v1/swarms/arith/tasks/add", 200)


def test_a_token_from_file_or_environment_is_asked_for(folder: Path, tmp_path: Path) -> None:
    """Without it 401, with it 200; it never stands in the log."""
    token = "a-token-for-tests-only"  # noqa: S105
    (tmp_path / "token").write_text(f"{token}\n", encoding="utf-8")
    by_file, by_variable = (folder, "--token-file", tmp_path / "token"), (folder,)
    for arguments, env in ((by_file, {}), (by_variable, {"INFRAFABRIC_TOKEN": token})):
        with program(*arguments, env=env) as server:
            assert httpx.get(f"{server.url}/v1/swarms").status_code == 401
            headers = {"Authorization": f"Bearer {token}"}
            assert httpx.get(f"{server.url}/v1/swarms", headers=headers).status_code == 200
            server.process.send_signal(signal.SIGTERM)
            assert server.end() == 0
        assert token not in "".join(server.lines)


def test_behind_tls_the_login_is_for_https_alone(folder: Path) -> None:
    """As the flag says; without it, a browser that comes over http can log in."""
    token = "a-token-for-tests-only"  # noqa: S105
    for flags, secure in (((), False), (("--behind-tls",), True)):
        with program(folder, *flags, env={"INFRAFABRIC_TOKEN": token}) as server:
            cookie = httpx.post(f"{server.url}/login", data={"token": token}).headers["set-cookie"]
            assert ("Secure" in cookie.split("; ")) is secure
            server.process.send_signal(signal.SIGTERM)
            assert server.end() == 0


def test_changes_are_watched(folder: Path) -> None:
    """With --watch, a new contract is served within moments."""
    with program(folder, "--watch") as server:
        (folder / "more.yaml").write_text(
            _CONTRACT.format(name="arith").replace("arith\n", "more\n", 1), encoding="utf-8"
        )
        server.wait_for("swarm '(more)' was loaded")
        assert httpx.post(f"{server.url}/v1/swarms/more/tasks/add", json=[1, 1]).json()["output"] == 2
        server.process.send_signal(signal.SIGTERM)
        assert server.end() == 0


def test_everything_broken_is_reported_at_once(infrafabric: Callable[..., Ended], folder: Path) -> None:
    """Each mistake with file, line and column; status 3."""
    (folder / "c.yaml").write_text("swarm_id: c\nverion: 1\n", encoding="utf-8")
    (folder / "d.yaml").write_text("swarm_id: d\n", encoding="utf-8")
    ended = infrafabric("serve", folder, "--port", "0")
    assert ended.status == 3
    assert f"{folder}/c.yaml:2:1: error IF101 verion: unknown key" in ended.err
    assert f"{folder}/d.yaml: error: the contract names no module" in ended.err


def test_a_broken_module_is_status_4(infrafabric: Callable[..., Ended], folder: Path) -> None:
    """As when it is run."""
    (folder / "spin.wasm").write_bytes(b"\0asm\x01\0\0\0\xff")
    ended = infrafabric("serve", folder, "--port", "0")
    assert ended.status == 4
    assert f"{folder}/spin.yaml: error: WASM compilation failed for 'spin'" in ended.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--host", "0.0.0.0"), "needs a token"),  # noqa: S104 - that is what is refused
        (("--module", "nobody=x.wasm"), "no contract here has the swarm_id 'nobody'"),
        (("--module", "nobody"), "expected ID=FILE"),
        (("--drain-seconds", "2d"), "expected a duration from 0 to 1d"),
        (("--max-body", "1G"), "expected a size from 1B to 64MiB"),
        (("--max-body", "0B"), "expected a size from 1B to 64MiB"),
        (("--token-file", "/nowhere"), "cannot read the token in '/nowhere'"),
        (("--port", "70000"), "70000"),
        (("--host", "no such host"), "no address of this machine"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_flags_are_usage_errors(
    infrafabric: Callable[..., Ended], folder: Path, arguments: tuple[str, ...], says: str
) -> None:
    """One line that names what is wrong; status 2."""
    if arguments[0] == "--host" and " " in arguments[1]:
        arguments = (*arguments, "--token-file", str(folder / "token"))
        (folder / "token").write_text("a-token-for-tests-only", encoding="utf-8")
    ended = infrafabric("serve", folder, *arguments)
    assert ended.status == 2
    assert says in ended.err
    assert ended.err.splitlines()[-1].startswith("error: ")


def test_an_empty_folder_has_nothing_to_serve(infrafabric: Callable[..., Ended], tmp_path: Path) -> None:
    """Status 3, and what was looked for."""
    ended = infrafabric("serve", tmp_path)
    assert ended.status == 3
    assert "no contract lies in" in ended.err


def test_a_taken_port_is_told(infrafabric: Callable[..., Ended], folder: Path) -> None:
    """With the flag that changes it."""
    import socket  # noqa: PLC0415 - only here

    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = infrafabric("serve", folder, "--port", taken.getsockname()[1])
    assert ended.status == 2
    assert "choose another --port" in ended.err
