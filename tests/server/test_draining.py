"""The end of a server: no admitted task is lost, and the second request to stop does not wait."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from infrafabric.server import Server, ServerSettings
from infrafabric.testing import RecordingObserver
from tests.server.serving import BUSY, Running, load, running, wait_until

if TYPE_CHECKING:
    from pathlib import Path

from infrafabric.chassis import IFChassis


def in_background(server: Running, path: str) -> tuple[threading.Thread, list[httpx.Response]]:
    """A request on a thread of its own, and its answer once there is one."""
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(server.client.post(path)))
    thread.start()
    return thread, answers


def test_a_drain_under_load_loses_no_admitted_task(cache_dir: Path) -> None:
    """Every task that ended in the chassis was answered in full, and every answer is that of its request."""
    seen = RecordingObserver()
    answered: list[int] = []

    async def client(server: Server, number: int) -> None:
        async with httpx.AsyncClient(base_url=server.url, timeout=20) as http:
            for count in range(number * 10_000, number * 10_000 + 9_999):
                try:
                    answer = await http.post("/v1/swarms/busy/tasks/work", json=[count])
                except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError):
                    return  # it was not accepted any more
                if answer.status_code != 200:
                    assert answer.status_code == 503
                    return
                assert answer.json()["output"] == max(count, 1)
                answered.append(count)

    async def crowd(server: Server) -> None:
        clients = [asyncio.create_task(client(server, number)) for number in range(16)]
        await asyncio.to_thread(wait_until, lambda: len(answered) >= 200)
        server.stop()
        await asyncio.gather(*clients)

    with IFChassis(cache_dir=cache_dir, observers=[seen]) as chassis:
        load(chassis, "busy", BUSY)
        with running(chassis) as server:
            asyncio.run(crowd(server.server))
            wait_until(lambda: len(server.server.app.in_flight) == 0)
        succeeded = [result for result in seen.results if result.ok]
        assert len(succeeded) == len(answered) >= 200
        assert [result.status for result in seen.results if not result.ok] == []


def test_a_running_task_is_finished_and_nothing_new_is_taken(served: Running) -> None:
    """The answer of what runs arrives whole, with the end of its connection; new connections are refused."""
    thread, answers = in_background(served, "/v1/swarms/busy/tasks/spin?timeout_seconds=1")
    wait_until(lambda: len(served.server.app.in_flight) == 1)
    served.server.stop()
    wait_until(lambda: served.server.app.readiness.draining)
    wait_until(lambda: _is_refused(served.url))  # the listening socket closes a moment after
    thread.join()
    assert (answers[0].status_code, answers[0].json()["code"]) == (504, "timeout")
    assert answers[0].headers["connection"] == "close"


def test_while_draining_it_is_not_ready(served: Running) -> None:
    """On a connection that is open, /ready answers 503 and says why."""
    assert served.client.get("/ready").json() == {"ready": True, "reasons": [], "swarms": 3, "refused_changes": []}
    served.server.app.drain()
    answer = served.client.get("/ready")
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["the server is shutting down"])
    assert answer.headers["connection"] == "close"


def test_what_does_not_end_in_time_is_cancelled_and_told(chassis: IFChassis) -> None:
    """After drain_seconds the guest is stopped; its client learns that the server went away."""
    load(chassis, "busy", BUSY)
    with running(chassis, ServerSettings(port=0, drain_seconds=0.3)) as server:
        thread, answers = in_background(server, "/v1/swarms/busy/tasks/spin")
        wait_until(lambda: len(server.server.app.in_flight) == 1)
        server.server.stop()
        thread.join()
    problem = answers[0].json()
    assert (answers[0].status_code, problem["code"], problem["blame"]) == (503, "cancelled", "operator")
    wait_until(lambda: stats(chassis)["tasks_by_outcome"] == {"cancelled": 1})


def test_the_second_request_to_stop_does_not_wait(chassis: IFChassis) -> None:
    """A drain of a minute ends within moments."""
    load(chassis, "busy", BUSY)
    with running(chassis, ServerSettings(port=0, drain_seconds=60)) as server:
        client = httpx.Client(base_url=server.url)
        thread = threading.Thread(target=_ignore_end, args=(client,))
        thread.start()
        wait_until(lambda: len(server.server.app.in_flight) == 1)
        began = time.monotonic()
        server.server.stop()
        wait_until(lambda: server.server.app.readiness.draining)
        server.server.stop(at_once=True)
        thread.join()
        assert time.monotonic() - began < 5
        client.close()


def _is_refused(url: str) -> bool:
    try:
        httpx.get(f"{url}/health")
    except httpx.ConnectError:
        return True
    return False


def _ignore_end(client: httpx.Client) -> None:
    with contextlib.suppress(httpx.HTTPError):
        client.post("/v1/swarms/busy/tasks/spin")


def test_a_client_that_goes_away_stops_its_guest(served: Running, chassis: IFChassis) -> None:
    """The guest does not run for nobody; what another client waits for goes on."""
    thread, answers = in_background(served, "/v1/swarms/busy/tasks/spin?timeout_seconds=1.5")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{served.url}/v1/swarms/busy/tasks/spin", timeout=0.3)
    wait_until(lambda: stats(chassis)["tasks_by_outcome"].get("cancelled") == 1)
    thread.join()
    assert answers[0].status_code == 504
    assert len(served.server.app.in_flight) == 0


def stats(chassis: IFChassis) -> dict[str, Any]:
    """The figures of the swarm ``busy``."""
    found = chassis.get_runtime_stats("busy")
    assert found is not None
    return found
