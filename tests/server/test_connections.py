"""Clients that are slow, huge, many or ambiguous: each is answered as said, and good ones are served meanwhile."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from infrafabric.dashboard.doorkeeper import Pace
from infrafabric.server import ConnectionLimits, ServerSettings
from tests.server.serving import ECHO, load, running, wait_until
from tests.server.sockets import connected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.chassis import IFChassis
    from tests.server.serving import Running
    from tests.server.sockets import Raw

TASK = b"POST /v1/swarms/echo/tasks/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
HURRIED = ConnectionLimits(
    max_connections=8, head_seconds=0.5, idle_seconds=2, pace=Pace(grace_seconds=0.5, bytes_per_second=8 << 20)
)


@pytest.fixture
def hurried(chassis: IFChassis) -> Iterator[Running]:
    """A server that gives slow clients half a second, and has room for eight."""
    load(chassis, "echo", ECHO, tasks={"echo": {"abi": "buffer"}}, resource_limits={"max_payload_mb": 32})
    settings = ServerSettings(port=0, connections=HURRIED, drain_seconds=1, max_body_bytes=16 << 20)
    with running(chassis, settings, drains=False) as server:
        yield server


# --- slow ---------------------------------------------------------------------------------------------


def test_a_head_that_comes_too_slowly_is_told_so(hurried: Running) -> None:
    """Byte by byte does not buy time: 408 after head_seconds, and the connection ends."""
    with connected(hurried.server.port) as raw:
        raw.send(b"GET /health HTTP/1.1\r\n")
        answer = raw.read()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "head_too_slow"


def test_a_head_that_drips_does_not_live_longer(hurried: Running) -> None:
    """Each byte is data, and none of them resets the clock."""
    began = time.monotonic()
    with connected(hurried.server.port) as raw:
        wait_until(lambda: _is_cut(raw, b"G"))
    assert time.monotonic() - began < 5


def _is_cut(raw: Raw, data: bytes) -> bool:
    """Whether the server has ended the connection: then sending fails."""
    try:
        raw.send(data)
    except OSError:
        return True
    return False


def test_a_connection_that_says_nothing_is_closed(hurried: Running) -> None:
    """Without an answer: nothing was asked."""
    with connected(hurried.server.port) as raw:
        assert raw.read() == b""


def test_a_drip_after_an_answer_is_a_slow_head_too(hurried: Running) -> None:
    """A connection that was good once has no more time for its next head."""
    with connected(hurried.server.port) as raw:
        raw.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert raw.read_answer()[0] == 200
        raw.send(b"GET /hea")
        assert raw.read().startswith(b"HTTP/1.1 408 ")


def test_a_body_that_comes_too_slowly_is_told_so(hurried: Running) -> None:
    """408 with how much came, and how much would have been enough."""
    with connected(hurried.server.port) as raw:
        raw.send(TASK + b"Content-Length: 100\r\n\r\n")
        raw.send(b"x")
        status, body = raw.read_answer()
    assert (status, json.loads(body)["code"]) == (408, "body_too_slow")


def test_a_body_of_a_request_that_takes_none_cannot_hold_the_connection(hurried: Running) -> None:
    """The answer is sent at once, and the rest of the body has head_seconds."""
    with connected(hurried.server.port) as raw:
        raw.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx")
        assert raw.read_answer()[0] == 200
        assert raw.read() == b""


def test_a_slow_body_within_the_pace_is_taken(hurried: Running) -> None:
    """Two pieces with a pause between them are one body."""
    with connected(hurried.server.port) as raw:
        raw.send(TASK + b"Content-Length: 4\r\nAccept: text/plain\r\n\r\nab")
        time.sleep(0.05)
        raw.send(b"cd")
        assert raw.read_answer() == (200, b"abcd")


def test_an_answer_that_nobody_reads_is_dropped(hurried: Running) -> None:
    """The connection ends when what is unread has had its time."""
    size = 12 << 20
    with connected(hurried.server.port) as raw:
        raw.send(TASK + b"Accept: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % size)
        raw.send(b"x" * size)
        wait_until(lambda: len(hurried.server._doorkeeper) == 1)
        wait_until(lambda: len(hurried.server._doorkeeper) == 0, seconds=30)
        assert len(raw.read()) < size


def test_answers_that_nobody_reads_have_a_bound_together(chassis: IFChassis) -> None:
    """The one that has waited longest is given up for the next, which is read whole."""
    load(chassis, "echo", ECHO, tasks={"echo": {"abi": "buffer"}}, resource_limits={"max_payload_mb": 32})
    limits, size = ConnectionLimits(max_unread_bytes=10 << 20), 12 << 20
    request = TASK + b"Accept: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    with (
        running(chassis, ServerSettings(port=0, connections=limits, drain_seconds=1)) as server,
        connected(server.server.port) as oldest,
        connected(server.server.port) as newest,
    ):
        keeper = server.server._doorkeeper
        oldest.send(request)
        wait_until(lambda: len(keeper._unread) == 1)
        newest.send(request)
        wait_until(lambda: len(keeper) == 1)
        assert len(oldest.read()) < size
        status, body = newest.read_answer()
        assert (status, len(body)) == (200, size)


# --- huge ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", [0, 1], ids=["just-inside", "just-outside"])
def test_the_largest_body_is_the_contracts(chassis: IFChassis, over: int) -> None:
    """max_payload_mb bytes are taken, one more is 413 before any of it is kept."""
    load(chassis, "echo", ECHO, tasks={"echo": {"abi": "buffer"}}, resource_limits={"max_payload_mb": 1})
    with running(chassis) as server:
        body = b"x" * ((1 << 20) + over)
        answer = server.post("echo", "echo", content=body, headers={"Content-Type": "text/plain"})
        assert answer.status_code == (413 if over else 200)
        if over:
            assert answer.json()["code"] == "body_too_large"


def test_a_body_without_a_length_is_stopped_where_it_gets_too_large(hurried: Running) -> None:
    """Chunked bodies are counted while they come."""
    piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    with connected(hurried.server.port) as raw:
        raw.send(TASK + b"Transfer-Encoding: chunked\r\n\r\n")
        assert any(_is_cut(raw, piece) for _ in range(1000))


@pytest.mark.parametrize(("size", "status"), [(1, 400), (8, 400), (24, 200), (4096, 200)])
def test_tiny_chunks_cost_the_server_little(hurried: Running, size: int, status: int) -> None:
    """Each chunk is as much work as a request: many tiny ones are refused soon, and nobody waits for them."""
    count = max(32, 100_000 // size)
    chunk = b"%x\r\n%s\r\n" % (size, b"x" * size)
    with connected(hurried.server.port) as raw:
        head = TASK + b"Accept: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        if status == 200:
            raw.send(head + chunk * count + b"0\r\n\r\n")
            assert raw.read_answer() == (200, b"x" * size * count)
        else:
            assert any(_is_cut(raw, head + chunk * count) for _ in range(100))
            assert b"200 OK" not in raw.read()


def test_a_few_tiny_chunks_are_a_body(hurried: Running) -> None:
    """A client that sends word by word may."""
    with connected(hurried.server.port) as raw:
        raw.send(
            TASK + b"Accept: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 2000 + b"0\r\n\r\n"
        )
        assert raw.read_answer() == (200, b"a" * 2000)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" + b"[]," * 2_200_000 + b"1]", 413),
        (b"[" + b"[]," * 50_000 + b"1]", 200),
        (b'["' + b"[]," * 1_500_000 + b'"]', 200),
    ],
    ids=["too-many-values", "many-values", "brackets-in-a-text"],
)
def test_values_are_bounded_by_what_they_take_in_memory(hurried: Running, body: bytes, status: int) -> None:
    """Six MiB of text can be half a GiB of lists."""
    answer = hurried.post("echo", "echo", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status


def test_a_huge_head_is_refused(hurried: Running) -> None:
    """431 for more than 16 KiB of headers; what is below passes."""
    with connected(hurried.server.port) as raw:
        raw.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000)
        answer = raw.read()
    assert answer.startswith(b"HTTP/1.1 431 ")
    with connected(hurried.server.port) as raw:
        raw.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 12_000 + b"\r\n\r\n")
        assert raw.read_answer()[0] == 200


def test_large_bodies_together_have_a_bound() -> None:
    """The room is shared: what does not fit is 503, small bodies always fit, and what ends gives its room back."""
    from infrafabric.server.body import BodyRoom  # noqa: PLC0415 - only here
    from infrafabric.server.problems import RequestRefusedError  # noqa: PLC0415 - only here

    room = BodyRoom(1 << 20)
    with room.hold() as first, room.hold() as second:
        first.grow_to(900_000)
        with pytest.raises(RequestRefusedError) as caught:
            second.grow_to(200_000)
        assert caught.value.problem.status == 503
        second.grow_to(60_000)
    assert room.held_bytes == 0


# --- ambiguous ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        TASK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        TASK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        TASK.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        TASK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        TASK + b"Transfer-Encoding: chunked\r\n\r\nZ\r\n\r\n",
        TASK + b"Content-Length : 3\r\n\r\nabc",
        TASK + b"Content-Length: +3\r\n\r\nabc",
        TASK + b"X: a\rb\r\nContent-Length: 0\r\n\r\n",
        TASK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
        b"GET  /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1",
    ],
    ids=[
        "both-lengths",
        "two-lengths",
        "chunked-in-1.0",
        "other-coding",
        "bad-chunk",
        "space-before-colon",
        "signed-length",
        "carriage-return",
        "nul",
        "two-spaces",
        "no-host",
        "tls",
    ],
)
def test_what_two_programs_could_read_differently_is_refused(hurried: Running, request_: bytes) -> None:
    """No task runs, and nothing behind it on the connection is taken for a request."""
    with connected(hurried.server.port) as raw:
        raw.send(request_ + b"\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = raw.read()
    statuses = [line.split()[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    assert len(statuses) <= 1, statuses
    assert statuses in ([], [b"400"], [b"501"], [b"408"]), answer


def test_requests_sent_in_advance_are_answered_in_order(hurried: Running) -> None:
    """Pipelining is HTTP/1.1, and each answer is that of its request."""
    with connected(hurried.server.port) as raw:
        head = TASK + b"Accept: text/plain\r\nContent-Length: 1\r\n"
        raw.send(head + b"\r\n1" + head + b"\r\n2" + head + b"Connection: close\r\n\r\n3")
        answers = raw.read().split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert [answer.partition(b"\r\n\r\n")[2] for answer in answers] == [b"1", b"2", b"3"]


# --- many ---------------------------------------------------------------------------------------------


def test_a_new_client_takes_the_place_of_the_one_that_waits_longest(hurried: Running) -> None:
    """At the limit an idle connection goes, not the new one."""
    with connected(hurried.server.port) as oldest:
        oldest.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert oldest.read_answer()[0] == 200
        others = [connected(hurried.server.port) for _ in range(8)]
        raws = [other.__enter__() for other in others]
        assert oldest.read() == b""
        raws[-1].send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert raws[-1].read_answer()[0] == 200
        for other in others:
            other.__exit__(None, None, None)


def test_a_thousand_idle_and_slow_clients_keep_no_good_one_out(served: Running) -> None:
    """Half say nothing, half drip; tasks are answered meanwhile, each in reasonable time."""

    async def crowd() -> list[float]:
        held = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", served.server.port) for _ in range(1000)))
        for _, writer in held[::2]:
            writer.write(TASK + b"Content-Length: 10\r\n\r\nx")
        took = []
        async with httpx.AsyncClient(base_url=served.url, timeout=10) as client:
            for number in range(50):
                began = time.monotonic()
                answer = await client.post("/v1/swarms/adder/tasks/add", json=[number, 1])
                assert answer.json()["output"] == number + 1
                took.append(time.monotonic() - began)
        for _, writer in held:
            writer.close()
        return took

    took = sorted(asyncio.run(crowd()))
    assert took[len(took) // 2] < 0.5
