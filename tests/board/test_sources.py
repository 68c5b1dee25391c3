"""Where boards come from: each source answers alike, and none is trusted with more than it needs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from infrafabric.board import (
    Board,
    FileSource,
    LiveSource,
    ServerSource,
    board_of,
    files,
    open_source,
    overview_of,
    page_of,
    save,
    to_text,
)
from infrafabric.errors import BoardError
from infrafabric.testing import ADDER, contract

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infrafabric.chassis import IFChassis

TOKEN = "correct-horse-battery-staple"  # noqa: S105 - of a server of this test


@pytest.fixture
def board(chassis: IFChassis) -> Board:
    """The board of a chassis with a swarm whose id wants quoting in addresses."""
    chassis.load_swarm("a swarm?", ADDER, contract("a swarm?"))
    chassis.execute_task("a swarm?", "add", [1, 2])
    return board_of(chassis)


class Serving(BaseHTTPRequestHandler):
    """Answers as a server does: JSON with an ETag, to whoever has the token; and, when told to, in hostile ways."""

    protocol_version = "HTTP/1.1"
    answers: ClassVar[dict[str, bytes]] = {}
    seen: ClassVar[list[tuple[str, int, str]]] = []
    #: Answer everything by leading here.
    location = ""

    def do_GET(self) -> None:
        """One answer."""
        authorization = self.headers.get("Authorization", "")
        if self.location:
            return self._answer(302, b"", {"Location": self.location})
        if authorization != f"Bearer {TOKEN}":
            return self._answer(401, b"{}")
        text = self.answers.get(self.path)
        if text is None:
            return self._answer(404, b"{}")
        tag = f'"{hashlib.sha256(text).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == tag:
            return self._answer(304, b"", {"ETag": tag})
        return self._answer(200, text, {"ETag": tag})

    def _answer(self, status: int, text: bytes, headers: dict[str, str] | None = None) -> None:
        self.seen.append((self.path, status, self.headers.get("Authorization", "")))
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(**members: Any) -> tuple[ThreadingHTTPServer, type[Serving]]:
    """A server on a free port of this machine, with answers and a memory of its own."""
    handler = type("Handler", (Serving,), {"answers": {}, "seen": [], **members})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server, handler


@pytest.fixture
def server() -> Iterator[tuple[str, type[Serving]]]:
    """The address of a server, and its handler."""
    serving, handler = serve()
    yield f"http://127.0.0.1:{serving.server_address[1]}", handler
    serving.shutdown()
    serving.server_close()


def fill(handler: type[Serving], board: Board) -> None:
    """Have the server answer with this board."""
    handler.answers["/v1/overview"] = to_text(board.overview)
    handler.answers["/v1/board"] = to_text(board)
    handler.answers["/v1/swarms/a%20swarm%3F/page"] = to_text(board.pages["a swarm?"])


def test_a_live_chassis_is_asked_anew_each_time(chassis: IFChassis, board: Board) -> None:
    """What changed since is in the next answer."""
    source = LiveSource(chassis)
    assert (source.name, source.is_live) == ("this process", True)
    assert source.board().pages.keys() == board.pages.keys()
    chassis.execute_task("a swarm?", "add", [1, 2])
    found = source.swarm("a swarm?")
    assert found is not None
    assert found.outcomes == {"success": 2}
    chassis.unload_swarm("a swarm?")
    assert source.swarm("a swarm?") is None
    assert source.overview().rows == ()


def test_a_file_answers_what_was_saved(board: Board, tmp_path: Path) -> None:
    """Also after the file is gone: it was read once."""
    save(board, tmp_path / "board.json")
    source = open_source(str(tmp_path / "board.json"))
    (tmp_path / "board.json").unlink()
    assert isinstance(source, FileSource)
    assert (source.name, source.is_live) == ("board.json", False)
    assert source.overview() == board.overview
    assert source.swarm("a swarm?") == board.pages["a swarm?"]
    assert source.swarm("other") is None
    assert source.board() == board


def test_a_server_answers_what_its_chassis_has(board: Board, server: tuple[str, type[Serving]]) -> None:
    """Each of the three questions, with the token; a swarm that is not loaded is None."""
    url, handler = server
    fill(handler, board)
    source = open_source(f"{url}/", TOKEN)
    assert isinstance(source, ServerSource)
    assert (source.name, source.is_live) == (url, True)
    assert source.overview() == board.overview
    assert source.swarm("a swarm?") == board.pages["a swarm?"]
    assert source.swarm("../overview") is None
    assert source.board() == board
    assert handler.seen[2][0] == "/v1/swarms/..%2Foverview/page"


def test_what_has_not_changed_is_not_sent_again(
    chassis: IFChassis, board: Board, server: tuple[str, type[Serving]]
) -> None:
    """The server says so by the tag; what did change is read."""
    url, handler = server
    fill(handler, board)
    source = ServerSource(url, TOKEN)
    first = source.overview()
    assert source.overview() is first
    handler.answers["/v1/overview"] = to_text(overview_of(chassis))
    assert source.overview() is not first
    assert [status for _, status, _ in handler.seen] == [200, 304, 200]


def test_a_server_behind_a_path_is_asked_there(board: Board, server: tuple[str, type[Serving]]) -> None:
    """A proxy may put the server below a path."""
    url, handler = server
    handler.answers["/swarms/v1/overview"] = to_text(board.overview)
    assert ServerSource(f"{url}/swarms/", TOKEN).overview() == board.overview


@pytest.mark.parametrize(
    ("token", "says"), [(None, "give its token"), ("wrong", "give the one it printed")], ids=["none", "wrong"]
)
def test_a_server_that_wants_a_token_says_so(server: tuple[str, type[Serving]], token: str | None, says: str) -> None:
    """One sentence, with what to do."""
    with pytest.raises(BoardError, match=rf"HTTP 401\); .*{says}"):
        ServerSource(server[0], token).overview()


def test_the_token_goes_to_no_other_server(board: Board, server: tuple[str, type[Serving]]) -> None:
    """A redirect to another host or port is an error that names it, and nothing is sent there."""
    elsewhere, other = server
    fill(other, board)
    leading, handler = serve(location=f"{elsewhere}/v1/overview")
    try:
        source = ServerSource(f"http://127.0.0.1:{leading.server_address[1]}", TOKEN)
        with pytest.raises(BoardError, match=r"leads to http://127\.0\.0\.1:\d+/v1/overview, which is not followed"):
            source.overview()
    finally:
        leading.shutdown()
        leading.server_close()
    assert len(handler.seen) == 1
    assert other.seen == []


def test_a_redirect_on_the_same_server_is_followed(board: Board, server: tuple[str, type[Serving]]) -> None:
    """And one that goes in circles ends."""
    url, handler = server
    handler.location = "/v1/overview"
    with pytest.raises(BoardError, match=r"leads to /v1/overview"):
        ServerSource(url, TOKEN).overview()
    assert 2 <= len(handler.seen) <= 11
    assert board.overview.rows


def test_an_answer_is_bounded_and_checked(
    board: Board, server: tuple[str, type[Serving]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server is believed no more than a file: size, form and every field."""
    url, handler = server
    source = ServerSource(url, TOKEN)
    for text, says in (
        (b"<html>", "is not JSON"),
        (b"[" * 10_000, "nested more than"),
        (json.dumps({"format": "infrafabric-board/9"}).encode(), "infrafabric-board/9"),
        (to_text(board), "is no field of Overview|has no"),
    ):
        handler.answers["/v1/overview"] = text
        with pytest.raises(BoardError, match=f"answers is no board: .*({says})"):
            source.overview()
    monkeypatch.setattr("infrafabric.board.server.MAX_BYTES", 1_000)
    monkeypatch.setattr(files, "MAX_BYTES", 1_000)
    handler.answers["/v1/overview"] = to_text(board.overview)
    with pytest.raises(BoardError, match="larger than"):
        source.overview()


def test_a_server_that_is_away_or_silent_is_an_error() -> None:
    """Within the timeout, in one sentence."""
    serving, _ = serve()
    address = f"http://127.0.0.1:{serving.server_address[1]}"
    serving.shutdown()
    serving.server_close()
    with pytest.raises(BoardError, match=r"does not answer: .*refused.*; see that it runs"):
        ServerSource(address).overview()
    with ThreadingSilence() as silent, pytest.raises(BoardError, match=r"does not answer: .*timed out"):
        ServerSource(silent, timeout_seconds=0.2).overview()


def test_a_server_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that never ends, a byte at a time, does not hold a view for ever."""

    class Dripping(Serving):
        def _answer(self, _status: int, _text: bytes, _headers: dict[str, str] | None = None) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    threading.Event().wait(0.01)

    monkeypatch.setattr("infrafabric.board.server.ANSWER_SECONDS", 0.3)
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Dripping)
    serving.daemon_threads = True
    threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        with pytest.raises(BoardError, match=r"does not answer: .*0\.3 s were not enough"):
            ServerSource(f"http://127.0.0.1:{serving.server_address[1]}").overview()
    finally:
        serving.shutdown()
        serving.server_close()


@pytest.mark.parametrize(
    "drip",
    [b"HTTP/1.1 100 Continue\r\n\r\n", b"X: y\r\n", b"z"],
    ids=["continues", "headers", "bytes"],
)
def test_a_head_that_never_ends_does(drip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that always says something, and never all of it, has as long as one that sends a long body."""
    monkeypatch.setattr("infrafabric.board.server.ANSWER_SECONDS", 0.3)

    def dripping() -> None:
        client, _ = listening.accept()
        with client, contextlib.suppress(OSError):
            if drip != b"HTTP/1.1 100 Continue\r\n\r\n":
                client.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while True:
                client.sendall(drip)
                threading.Event().wait(0.02)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=dripping, daemon=True).start()
        with pytest.raises(BoardError, match=r"does not answer: .*0\.3 s were not enough"):
            ServerSource(f"http://127.0.0.1:{listening.getsockname()[1]}").overview()


class ThreadingSilence:
    """A port that takes connections and never says a word."""

    def __enter__(self) -> str:
        self._socket = socket.create_server(("127.0.0.1", 0))
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._socket.close()


@pytest.mark.parametrize(
    "url",
    ["http://", "https://:0", "http://[::1", "http://host:port", "http://user:secret@host/", "http://host/?a=1"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """Before anything is sent, without showing a password."""
    with pytest.raises(BoardError, match="no server's address") as caught:
        open_source(url)
    assert "secret" not in str(caught.value)


def test_a_token_that_is_none_is_refused() -> None:
    """A line break in a token would make another header of it."""
    with pytest.raises(BoardError, match="no token has"):
        ServerSource("http://127.0.0.1:1", "a\r\nX-Evil: 1")


def test_a_path_is_a_file_whatever_it_looks_like(tmp_path: Path) -> None:
    """Only http:// and https:// mean a server."""
    with pytest.raises(BoardError, match="cannot be read"):
        open_source(str(tmp_path / "ftp:" / "host"))
    with pytest.raises(BoardError, match="cannot be read"):
        open_source("localhost:8000")


def test_files_and_servers_need_no_engine() -> None:
    """A view of another process starts without loading what runs guests."""
    code = "import sys, infrafabric.board as b; b.open_source, b.read, b.ServerSource; print('wasmtime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "False\n"


def test_pages_of_swarms_that_went_are_none(chassis: IFChassis) -> None:
    """Asking for what never was is no error."""
    assert page_of(chassis, "never") is None
