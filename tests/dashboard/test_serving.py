"""A dashboard served from a thread of the program that has the chassis."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from infrafabric.dashboard.connections import Connection
from infrafabric.dashboard.doorkeeper import ConnectionLimits
from infrafabric.dashboard.serving import DashboardServer, serve_dashboard
from infrafabric.testing import ADDER, contract
from tests.dashboard.asking import ask
from tests.dashboard.boards import KeptSource, board, page

if TYPE_CHECKING:
    import asyncio

    from infrafabric.chassis import IFChassis


def _threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_it_shows_the_chassis_until_it_is_closed(chassis: IFChassis) -> None:
    """What is loaded later is there, too; closing frees the port and ends the thread, and may be done again."""
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with serve_dashboard(chassis) as server:
        assert ask(server.url, "/v1/overview").json["rows"] == []
        chassis.load_swarm("adder", ADDER, contract("adder"))
        chassis.execute_task("adder", "add", [2, 3])
        assert {row["swarm_id"] for row in ask(server.url, "/v1/overview").json["rows"]} == {"adder"}
        assert ask(server.url, "/v1/swarms/adder/page").json["outcomes"]["success"] == 1
        assert "infrafabric-dashboard" in _threads()
        assert repr(server) == f"<DashboardServer: {server.url}>"
    server.close()
    assert "infrafabric-dashboard" not in _threads()
    assert repr(server) == "<DashboardServer: closed>"
    with pytest.raises(ConnectionRefusedError):
        ask(server.url, "/v1/overview")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    with serve_dashboard(chassis, port=server.port) as again:
        assert again.url == server.url


def test_it_closes_with_a_reader_that_does_not_read(chassis: IFChassis) -> None:
    """A connection that is open and silent, and one in the middle of its request, hold nothing up."""
    with serve_dashboard(chassis) as server, socket.create_connection(("127.0.0.1", server.port)) as silent:
        with socket.create_connection(("127.0.0.1", server.port)) as slow:
            slow.sendall(b"GET /v1/board HTTP/1.1\r\nHost: local")
            for _ in range(100):
                socket.create_connection(("127.0.0.1", server.port)).close()
            assert ask(server.url, "/v1/overview").status == 200
            server.close()
        assert silent.recv(1) == b""


def test_strangers_take_few_descriptors_of_the_program(chassis: IFChassis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit, who waits longest makes room; a head that does not end is ended; others are answered."""
    limits = ConnectionLimits(max_connections=4, head_seconds=0.2)
    monkeypatch.setattr("infrafabric.dashboard.serving._LIMITS", limits)
    with serve_dashboard(chassis) as server, contextlib.ExitStack() as held:
        address = ("127.0.0.1", server.port)
        strangers = [held.enter_context(socket.create_connection(address, timeout=20)) for _ in range(20)]
        for stranger in strangers:
            with contextlib.suppress(OSError):
                stranger.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert ask(server.url, "/v1/overview").status == 200
        ends = [_end_of(stranger) for stranger in strangers]
        assert ends.count(b"") >= 16
        assert {end[:12] for end in ends} <= {b"", b"HTTP/1.1 408"}


def _end_of(connection: socket.socket) -> bytes:
    """What was answered before the connection ended."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65_536):
            answer += piece
    return answer


def test_answers_are_sent_at_once(chassis: IFChassis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nagle's algorithm is off: an answer does not wait for the client to have confirmed the one before."""
    seen: list[int] = []
    made = Connection.connection_made

    def connection_made(self: Connection, transport: asyncio.Transport) -> None:
        sock = transport.get_extra_info("socket")
        seen.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        made(self, transport)

    monkeypatch.setattr(Connection, "connection_made", connection_made)
    with serve_dashboard(chassis) as server:
        assert ask(server.url, "/v1/overview").status == 200
    assert len(seen) == 1
    assert seen[0] != 0


def test_a_large_request_is_refused() -> None:
    """Headers have an end, and a body is not kept."""
    with DashboardServer(KeptSource(board(page())), host="127.0.0.1", port=0, token=None) as server:
        try:
            status = ask(server.url, "/v1/overview", X_Long="x" * 300_000).status
        except (ConnectionError, http.client.HTTPException):
            status = 400
        assert 400 <= status < 500
        assert ask(server.url, "/v1/overview").status == 200


def test_an_address_that_is_taken_is_the_callers_to_know(chassis: IFChassis) -> None:
    """The error is raised where the dashboard was asked for; nothing is left running."""
    with serve_dashboard(chassis) as server:
        threads = len(threading.enumerate())
        with pytest.raises(OSError, match="in use"):
            serve_dashboard(chassis, port=server.port)
        assert len(threading.enumerate()) == threads


@pytest.mark.parametrize(
    ("host", "port", "match"),
    [
        ("0.0.0.0", 0, "needs a token"),  # noqa: S104 - refused
        ("no-such-host.invalid", 0, "needs a token"),
        ("127.0.0.1", 70_000, "give 1 to 65535, or 0"),
        ("127.0.0.1", -1, "give 1 to 65535, or 0"),
        ("127.0.0.1", True, "give 1 to 65535, or 0"),
    ],
    ids=["public", "unknown", "high", "negative", "bool"],
)
def test_what_cannot_be_served_is_said(chassis: IFChassis, host: str, port: int, match: str) -> None:
    """Before anything is bound."""
    with pytest.raises(ValueError, match=match):
        serve_dashboard(chassis, host=host, port=port)


def test_an_unknown_host_is_said(chassis: IFChassis) -> None:
    """With a token, the name itself is what is wrong."""
    with pytest.raises(ValueError, match=r"'no-such-host\.invalid' is no address of this machine"):
        serve_dashboard(chassis, host="no-such-host.invalid", token="a-token-of-this-test")  # noqa: S106 - of this test


def test_it_serves_other_machines_with_a_token(chassis: IFChassis) -> None:
    """The address that is printed leads there from this one."""
    token = "a-token-of-this-test"  # noqa: S105 - of this test
    with serve_dashboard(chassis, host="0.0.0.0", token=token) as server:  # noqa: S104 - what is tested
        assert server.url.startswith("http://127.0.0.1:")
        assert ask(server.url, "/v1/overview").status == 401
        assert ask(server.url, "/v1/overview", Authorization=f"Bearer {token}").status == 200
        assert ask(server.url, "/v1/overview", Authorization=f"Bearer {token}", Host="evil.example").status == 421


def test_it_serves_on_ipv6(chassis: IFChassis) -> None:
    """With the brackets that an address needs."""
    try:
        server = serve_dashboard(chassis, host="::1")
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with server:
        assert server.url == f"http://[::1]:{server.port}/dashboard/"
        assert ask(server.url, "/v1/overview").status == 200


def test_a_closed_chassis_shows_nothing_more(chassis: IFChassis) -> None:
    """An answer all the same: no swarm, or that it is closed."""
    chassis.load_swarm("adder", ADDER, contract("adder"))
    with serve_dashboard(chassis) as server:
        chassis.close()
        answer = ask(server.url, "/v1/overview")
        assert answer.status == 503 or answer.json["rows"] == []
        assert ask(server.url, "/v1/swarms/adder/page").status in {404, 503}
