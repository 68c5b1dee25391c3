"""The view over a real chassis under a real load."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infrafabric.board.server import ServerSource
from infrafabric.board.sources import LiveSource
from infrafabric.errors import SwarmNotLoadedError
from infrafabric.server import Server, ServerSettings
from infrafabric.testing import contract
from tests.top.screens import Terminal, watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.chassis import IFChassis

GUESTS = Path(__file__).resolve().parents[2] / "guests"


@pytest.fixture
def busy(chassis: IFChassis) -> Iterator[IFChassis]:
    """A chassis with a swarm that does well and one of which every fourth task traps, asked all the time."""
    for swarm_id in ("good", "bad"):
        module = (GUESTS / "arith" / "arith.wasm").read_bytes()
        chassis.load_swarm(swarm_id, module, contract(swarm_id, slos={"period": "1h"}))
    for number in range(400):
        chassis.execute_task("good", "add", [number, 1])
        chassis.execute_task("bad", "divmod", [number, number % 4], check=False)
    ended = threading.Event()

    def load() -> None:
        number = 0
        while not ended.wait(0.005):
            number += 1
            chassis.execute_task("good", "add", [number, 1], check=False)
            with contextlib.suppress(SwarmNotLoadedError):  # the test unloads it
                chassis.execute_task("bad", "divmod", [number, number % 4], check=False)

    thread = threading.Thread(target=load)
    thread.start()
    yield chassis
    ended.set()
    thread.join()


def test_shows_a_chassis_at_work(busy: IFChassis) -> None:
    """The failing swarm comes first with its numbers, its page has the failures, and numbers go on."""

    async def script(terminal: Terminal) -> None:
        await terminal.shows("this process", "exhausted", "2 swarms")
        first = terminal.lines[3].split()
        assert first[1:4] == ["exhausted", "bad", "availability"]
        assert 74 < float(first[4].removesuffix("%")) < 76
        terminal.send("enter")
        await terminal.shows("✖ exhausted  swarm bad", "trap", "who has to act")
        terminal.send("4")
        await terminal.shows("firing", "fires above 6x")
        terminal.send("5")
        await terminal.shows("divmod", "blame: guest")
        terminal.send("3")
        await terminal.shows("max_memory_mb", "max_execution_time_seconds")
        busy.unload_swarm("bad")
        await terminal.shows("bad is not loaded (any more).")
        terminal.send("escape")
        await terminal.shows("1 swarm,", "good")
        await terminal.hides("bad ")

    watch(LiveSource(busy), script, size=(110, 40), interval_seconds=0.1)


@contextlib.contextmanager
def _serving(chassis: IFChassis, port: int) -> Iterator[Server]:
    """A server over a chassis, on a thread."""
    server = Server(chassis, ServerSettings(port=port, drain_seconds=1))
    thread = threading.Thread(target=server.serve_until_stopped)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


def test_survives_a_server_that_goes_and_comes_back(busy: IFChassis) -> None:
    """Over HTTP as in the process: stale while the server is gone, live again when another listens there."""
    with contextlib.ExitStack() as running:
        server = running.enter_context(_serving(busy, 0))
        source = ServerSource(server.url, timeout_seconds=2.0)

        async def script(terminal: Terminal) -> None:
            await terminal.shows(server.url, "exhausted", "live, every")
            terminal.send("enter")
            await terminal.shows("✖ exhausted  swarm bad")
            running.close()
            await terminal.shows("STALE since", "does not answer")
            assert "swarm bad" in terminal.text
            with _serving(busy, server.port):
                await terminal.hides("STALE")
                terminal.send("escape")
                await terminal.shows("good", "bad", "live, every")

        watch(source, script, size=(110, 40), interval_seconds=0.1)
