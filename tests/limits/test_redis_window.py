"""One rate for many processes, in a real Redis, and what happens while it is away."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import attrs
import pytest
from limits import RateLimitItemPerSecond
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from infrafabric.limits import RateLimiter, RateStorage, Refusal, SharedWindowStorage, open_rate_storage
from tests.limits.clock import SteppedClock
from tests.toolchains import require_tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("redis", reason="the redis client is missing; install it with: pip install 'infrafabric[redis]'")

KEY = "LIMITS:infrafabric/rate/s"


@attrs.define
class Server:
    """A Redis of the test's own, on loopback."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Give its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        require_tool("redis-server")
        self.process = subprocess.Popen(
            [
                shutil.which("redis-server") or "/usr/bin/redis-server",
                *("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)),
                *("--save", "", "--appendonly", "no", "--logfile", str(self.folder / "redis.log")),
            ]
        )
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.01)
        pytest.fail(f"redis-server does not listen: {(self.folder / 'redis.log').read_text()}")

    def stop(self) -> None:
        """End it, and wait until it has."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(10)
            self.process = None


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server that all tests of this module use."""
    server = Server(tmp_path_factory.mktemp("redis"), free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(shared_server: Server) -> Server:
    """Give that server, running and empty."""
    if shared_server.process is None:
        shared_server.start()
    with socket.create_connection(("127.0.0.1", shared_server.port), 5) as connection:
        connection.sendall(b"FLUSHALL\r\n")
        assert connection.recv(16) == b"+OK\r\n"
    return shared_server


@pytest.fixture
def storage(server: Server) -> Iterator[SharedWindowStorage]:
    """Give a storage on that server whose outages are timed by a clock that stands."""
    with contextlib.closing(open_shared(server.uri, clock_ns=SteppedClock(), timeout_seconds=5)) as storage:
        yield storage


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def open_shared(uri: str, **options: object) -> SharedWindowStorage:
    """Open a shared storage."""
    storage: RateStorage = open_rate_storage(uri, **options)  # type: ignore[arg-type]
    assert isinstance(storage, SharedWindowStorage)
    return storage


def admitted(limiter: RateLimiter, tries: int) -> int:
    """Count how many of so many tries are admitted."""
    return sum(not isinstance(limiter.try_admit(), Refusal) for _ in range(tries))


CHILD = """
import json, sys, time
from infrafabric.limits import RateLimiter, Refusal, open_rate_storage
limiter = RateLimiter(20, "s", storage=open_rate_storage(sys.argv[1], timeout_seconds=5))
limiter.seconds_until_free()
print("ready", flush=True)
sys.stdin.readline()
admissions, end = [], time.monotonic() + 2.2
while (before := time.monotonic()) < end:
    if not isinstance(limiter.try_admit(), Refusal):
        admissions.append((before, time.monotonic()))
print(json.dumps(admissions), flush=True)
"""


def test_processes_share_one_rate(server: Server) -> None:
    """Two processes that knock for two seconds get what one would: never more than the rate in any second."""
    children = [
        subprocess.Popen([sys.executable, "-c", CHILD, server.uri], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write(b"\n")
        child.stdin.flush()
    admissions = sorted(tuple(pair) for child in children for pair in json.loads(child.communicate(timeout=60)[0]))
    assert all(child.returncode == 0 for child in children)
    # Each admission happened between its two times, so 21 of them that span less than a second break the rate.
    for first in range(len(admissions) - 20):
        latest = max(after for _, after in admissions[first : first + 21])
        assert latest - admissions[first][0] >= 1
    assert 40 <= len(admissions) <= 60


def test_refuses_beyond_the_rate_and_foretells(storage: SharedWindowStorage) -> None:
    """The rate holds, the refusal says when, and a line of three is told apart."""
    limiter = RateLimiter(2, "s", storage=storage)
    assert limiter.seconds_until_free() == 0
    assert limiter.seconds_until_free(2) == 1
    assert admitted(limiter, 2) == 2
    refusal = limiter.try_admit()
    assert isinstance(refusal, Refusal)
    assert 0 < refusal.retry_after_seconds <= 1
    assert not refusal.store_away
    assert 0 < limiter.seconds_until_free() <= 1
    assert 0 < limiter.seconds_until_free(1) <= 1
    assert 1 < limiter.seconds_until_free(2) <= 2


def test_admits_again_after_the_time_foretold(storage: SharedWindowStorage) -> None:
    """Coming back when told to is enough; nothing is left in the server soon after."""
    limiter = RateLimiter(1, "s", storage=storage)
    assert admitted(limiter, 1) == 1
    refusal = limiter.try_admit()
    assert isinstance(refusal, Refusal)
    time.sleep(refusal.retry_after_seconds)
    assert admitted(limiter, 2) == 1
    assert 0 < storage.storage.pttl(KEY) <= 2000


def test_giving_back_frees_the_very_admission(storage: SharedWindowStorage) -> None:
    """A token given back leaves room for one more, once."""
    limiter = RateLimiter(2, "s", storage=storage)
    token = limiter.try_admit()
    assert not isinstance(token, Refusal)
    assert admitted(limiter, 2) == 1
    limiter.give_back(token)
    limiter.give_back(token)
    assert admitted(limiter, 2) == 1


def test_different_rates_of_one_swarm_share_a_window(storage: SharedWindowStorage) -> None:
    """While a new contract rolls out, old and new processes count the same tasks."""
    assert admitted(RateLimiter(3, "s", storage=storage), 5) == 3
    assert admitted(RateLimiter(2, "s", storage=storage), 1) == 0
    assert admitted(RateLimiter(5, "s", storage=storage), 5) == 2


class LosesOneAnswer(threading.Thread):
    """Stands between client and server, and closes the connection in place of the first answer to a script."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server
        self.lost = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]

    def run(self) -> None:
        """Serve one connection after the other, until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                with client, socket.create_connection(("127.0.0.1", self.server.port)) as upstream:
                    while request := client.recv(65536):
                        upstream.sendall(request)
                        answer = upstream.recv(65536)
                        if b"EVALSHA" in request and not self.lost:
                            self.lost += 1
                            break
                        client.sendall(answer)

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join(10)


def test_a_request_repeated_after_a_lost_answer_counts_once(server: Server, storage: SharedWindowStorage) -> None:
    """A connection that breaks before the answer is no outage, and the admission it cost is the one that is used."""
    storage.seconds_until_free("other", 1, 1, 0)  # the server knows the script from here on
    with (
        contextlib.closing(LosesOneAnswer(server)) as between,
        contextlib.closing(open_shared(f"redis://127.0.0.1:{between.port}", timeout_seconds=5)) as behind,
    ):
        between.start()
        assert admitted(RateLimiter(1, "s", storage=behind), 2) == 1
        assert between.lost == 1
        assert behind.outage.failures == 0
        assert storage.storage.zcard(KEY) == 1
        behind.close()


def test_a_server_clock_that_steps_back_shuts_the_rate_for_a_second_at_most(storage: SharedWindowStorage) -> None:
    """Admissions from the future are moved to now, in their old distances, instead of being waited for."""
    limiter = RateLimiter(2, "s", storage=storage)
    seconds, microseconds = storage.storage.time()
    future_us = (seconds + 3600) * 1_000_000 + microseconds
    storage.storage.zadd(KEY, {"older": future_us - 400_000, "newer": future_us})
    wait = limiter.seconds_until_free()
    assert 0.3 < wait <= 0.6
    assert wait + 0.3 < limiter.seconds_until_free(1) <= 1
    assert admitted(limiter, 1) == 0


def test_the_stock_strategy_of_limits_works_on_it(server: Server) -> None:
    """The library opens it by its own scheme; hits, costs and statistics agree with ours on one key."""
    storage = storage_from_string(f"infrafabric+{server.uri}", timeout_seconds=5)
    assert isinstance(storage, SharedWindowStorage)
    with contextlib.closing(storage):
        stock, item = MovingWindowRateLimiter(storage), RateLimitItemPerSecond(5)
        assert stock.get_window_stats(item, "x").remaining == 5
        assert stock.hit(item, "x", cost=4)
        assert not stock.hit(item, "x", cost=2)
        assert not stock.hit(item, "x", cost=6)
        assert stock.test(item, "x")
        assert stock.hit(item, "x")
        stats = stock.get_window_stats(item, "x")
        assert stats.remaining == 0
        assert 0 < stats.reset_time - time.time() <= 1
        stock.clear(item, "x")
        assert stock.hit(item, "x")


def test_works_over_a_unix_socket(tmp_path: Path) -> None:
    """``redis+unix://`` reaches a server that has no port."""
    require_tool("redis-server")
    path = tmp_path / "s"
    process = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", "", "--logfile", str(tmp_path / "log")]
    )
    try:
        for _ in range(500):
            if path.exists():
                break
            time.sleep(0.01)
        with contextlib.closing(open_shared(f"redis+unix://{path}", timeout_seconds=5)) as storage:
            assert admitted(RateLimiter(2, "s", storage=storage), 3) == 2
            assert storage.outage.failures == 0
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("choice", ["local", "refuse"])
def test_goes_on_as_chosen_while_the_server_is_away_and_recovers(
    server: Server, caplog: pytest.LogCaptureFixture, choice: str
) -> None:
    """``local`` holds the rate here, ``refuse`` admits nothing; both say so once and find the server again."""
    caplog.set_level(logging.INFO, "infrafabric.limits")
    clock = SteppedClock()
    with contextlib.closing(
        open_shared(server.uri, on_storage_error=choice, clock_ns=clock, timeout_seconds=5)
    ) as storage:
        limiter = RateLimiter(3, "s", storage=storage)
        assert admitted(limiter, 1) == 1
        token = limiter.try_admit()
        assert not isinstance(token, Refusal)
        server.stop()
        assert admitted(limiter, 9) == (3 if choice == "local" else 0)
        limiter.give_back(token)
        refusal = limiter.try_admit()
        assert isinstance(refusal, Refusal)
        assert refusal.retry_after_seconds == 1
        assert refusal.store_away is (choice == "refuse")
        assert limiter.seconds_until_free() == 1
        assert MovingWindowRateLimiter(storage).hit(RateLimitItemPerSecond(1), "x") is (choice == "local")
        assert storage.outage.failures == 1

        clock.advance(1)  # a look, in vain
        assert admitted(limiter, 9) == (3 if choice == "local" else 0)
        assert storage.outage.failures == 2
        server.start()
        clock.advance(1.9)
        assert not storage.outage.may_ask()
        clock.advance(0.1)
        assert admitted(limiter, 9) == 3
        assert storage.outage.answered() is None
    away, back = [record.getMessage() for record in caplog.records]
    assert f"rate storage {server.uri} is away (ConnectionError" in away
    assert ("each process holds the rates" in away) is (choice == "local")
    assert back == f"rate storage {server.uri} is back after 3.0 s"


def test_admissions_kept_alone_are_given_back_alone(server: Server) -> None:
    """A token from an outage frees the local window, also after the server is back."""
    clock = SteppedClock()
    with contextlib.closing(open_shared(server.uri, clock_ns=clock, timeout_seconds=5)) as storage:
        limiter = RateLimiter(1, "s", storage=storage)
        server.stop()
        token = limiter.try_admit()
        assert not isinstance(token, Refusal)
        assert admitted(limiter, 1) == 0
        limiter.give_back(token)
        assert admitted(limiter, 2) == 1


def test_a_restarted_server_is_no_outage(server: Server) -> None:
    """Connections that the old server dropped are opened again at once."""
    with contextlib.closing(open_shared(server.uri, timeout_seconds=5)) as storage:
        limiter = RateLimiter(1, "s", storage=storage)
        assert admitted(limiter, 2) == 1
        server.stop()
        server.start()
        token = limiter.try_admit()
        assert not isinstance(token, Refusal)
        server.stop()
        server.start()
        limiter.give_back(token)
        assert storage.outage.failures == 0


def test_a_connection_lost_while_giving_back_is_an_outage(server: Server) -> None:
    """Giving back never raises; what could not be given back leaves the window by itself."""
    with contextlib.closing(open_shared(server.uri, timeout_seconds=5)) as storage:
        limiter = RateLimiter(1, "s", storage=storage)
        token = limiter.try_admit()
        assert not isinstance(token, Refusal)
        server.stop()
        limiter.give_back(token)
        assert storage.outage.failures == 1


def test_a_server_that_answers_with_errors_is_away(storage: SharedWindowStorage) -> None:
    """A key of another kind, a full or a read-only server: the local rate holds, and nothing is raised."""
    storage.storage.set(KEY, "not a sorted set")
    assert admitted(RateLimiter(2, "s", storage=storage), 5) == 2
    assert storage.outage.is_away


@pytest.mark.parametrize("accepts", [True, False], ids=["accepts-and-hangs", "does-not-accept"])
def test_a_server_that_hangs_holds_a_task_for_a_moment_only(*, accepts: bool) -> None:
    """The first task waits as long as the timeouts say, those after it not at all."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(8 if accepts else 0)
        port = listener.getsockname()[1]
        if not accepts:  # fill the line, so that connecting hangs
            for _ in range(2):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)  # noqa: FBT003
                filler.connect_ex(("127.0.0.1", port))
        storage = stack.enter_context(
            contextlib.closing(open_shared(f"redis://127.0.0.1:{port}", timeout_seconds=0.1, clock_ns=SteppedClock()))
        )
        limiter = RateLimiter(2, "s", storage=storage)
        started = time.monotonic()
        assert admitted(limiter, 1) == 1
        first_seconds = time.monotonic() - started
        assert admitted(limiter, 100) == 1
        assert storage.outage.failures == 1
        assert first_seconds < 3
        assert time.monotonic() - started < first_seconds + 1


def test_a_host_name_that_cannot_be_encoded_is_away_too() -> None:
    """What only connecting finds out does not raise out of an admission."""
    with contextlib.closing(open_shared(f"redis://{'x' * 70}.invalid:1")) as storage:
        assert admitted(RateLimiter(2, "s", storage=storage), 5) == 2
        assert storage.outage.is_away


@pytest.mark.parametrize(
    ("uri", "options", "says"),
    [
        pytest.param("redis://u:hush@h:port", {}, r"'redis://h:port' cannot be read", id="bad-port"),
        pytest.param("redis://u:hush@h?socket_timeout=x", {}, r"'redis://h' cannot be read", id="bad-option"),
        pytest.param("redis://h", {"on_storage_error": "open"}, r"'open'.* give 'local' or 'refuse'", id="bad-choice"),
        pytest.param("redis://h", {"timeout_seconds": 0}, r"is 0: give more than 0 and at most 60", id="no-timeout"),
        pytest.param("redis://h", {"timeout_seconds": 60.1}, r"60\.1: give .* at most 60", id="long-timeout"),
        pytest.param("redis://h", {"timeout_seconds": float("nan")}, r"nan: give more", id="nan-timeout"),
    ],
)
def test_refuses_what_cannot_be_used_without_telling_secrets(uri: str, options: dict[str, object], says: str) -> None:
    """Addresses and options are checked when the storage is opened, and passwords stay out of the message."""
    with pytest.raises(ValueError, match=says) as caught:
        open_shared(uri, **options)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_client_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the message names it."""
    monkeypatch.setitem(sys.modules, "redis.backoff", None)
    with pytest.raises(ValueError, match=r"pip install 'infrafabric\[redis\]'"):
        open_shared("redis://h")
