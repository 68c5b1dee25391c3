"""What HTTP adds to a task: ``python benchmarks/suites/http_load.py [--quick]``.

A server of its own process runs an empty task for 8 connections, beside the same task awaited and submitted inside a
process, in turns. `wrk` makes the load where it is installed; else a small client of asyncio does, which takes more of
the machine than it measures. `measure` yields rows as the suites of ``benchmarks/run.py`` do.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from benchmarks.figures import Effort, Row, Spread, percentile, ratios
from infrafabric.chassis import IFChassis
from infrafabric.testing import ADDER, contract

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

CLIENTS = 8
_PATH = "/v1/swarms/adder/tasks/add"
_BODY = "[2,3]"
_SERVER = """
import sys
from infrafabric.chassis import IFChassis
from infrafabric.server import ServerSettings, serve
from benchmarks.suites.http_load import load_adder
with IFChassis(witness_enabled=False) as chassis:
    load_adder(chassis)
    serve(chassis, ServerSettings(port=0, drain_seconds=1), ready=lambda server: print(server.port, flush=True))
"""
_SCRIPT = f"""
wrk.method, wrk.body = "POST", "{_BODY}"
wrk.headers["Content-Type"] = "application/json"
done = function(summary, latency, requests)
  io.write(string.format("FOUND %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.status))
end
"""


@attrs.frozen
class Load:
    """Tasks a second, and how long one took, in milliseconds."""

    tasks_per_second: float
    p50_ms: float
    p99_ms: float


def load_adder(chassis: IFChassis) -> None:
    """Load the swarm that is measured."""
    limits = {"max_concurrent_tasks": CLIENTS, "max_cpu_percent": 100.0 * CLIENTS}
    chassis.load_swarm("adder", ADDER, contract("adder", resource_limits=limits))


@contextlib.contextmanager
def server() -> Iterator[int]:
    """A server in a process of its own: its port."""
    root = Path(__file__).resolve().parent.parent
    environment = os.environ | {"PYTHONPATH": str(root)}
    process = subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate()


def over_http(port: int, seconds: float) -> Load:
    """A load over HTTP, by wrk or by asyncio."""
    return _by_wrk(port, seconds) if shutil.which("wrk") else asyncio.run(_by_asyncio(port, seconds))


def _by_wrk(port: int, seconds: float) -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_SCRIPT)
        script.flush()
        command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{max(1, round(seconds))}s", "-s", script.name]
        done = subprocess.run([*command, f"http://127.0.0.1:{port}{_PATH}"], capture_output=True, text=True, check=True)
    found = re.search(r"FOUND (\d+) (\d+) (\d+) (\d+) (\d+)", done.stdout)
    assert found is not None, done.stdout
    requests, duration_us, p50_us, p99_us, failed = map(int, found.groups())
    assert not failed, done.stdout
    return Load(requests / duration_us * 1e6, p50_us / 1e3, p99_us / 1e3)


async def _by_asyncio(port: int, seconds: float) -> Load:
    head = f"POST {_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(_BODY)}\r\n\r\n{_BODY}".encode()

    async def connect() -> Callable[[], Awaitable[object]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def ask() -> None:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            found = re.search(rb"content-length: (\d+)", answer)
            assert found is not None
            await reader.readexactly(int(found[1]))

        return ask

    return await _in_turns([await connect() for _ in range(CLIENTS)], seconds)


async def _in_turns(asks: list[Callable[[], Awaitable[object]]], seconds: float) -> Load:
    """Each of ``asks`` over and over, all at a time."""
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def one(ask: Callable[[], Awaitable[object]]) -> None:
        while (began := time.perf_counter()) < end:
            await ask()
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*map(one, asks))
    return _load(took, time.perf_counter() - began)


def _load(took: list[float], seconds: float) -> Load:
    return Load(len(took) / seconds, percentile(took, 50) * 1e3, percentile(took, 99) * 1e3)


def awaited(chassis: IFChassis, seconds: float) -> Load:
    """The same task by `IFChassis.execute_task_async`, from as many coroutines as there are connections."""

    async def ask() -> None:
        await chassis.execute_task_async("adder", "add", [2, 3])

    return asyncio.run(_in_turns([ask] * CLIENTS, seconds))


def submitted(chassis: IFChassis, seconds: float) -> Load:
    """The same task by `IFChassis.submit_task`, as many at a time as there are connections."""
    took: list[float] = []
    began = time.perf_counter()
    end = began + seconds
    under_way = [(time.perf_counter(), chassis.submit_task("adder", "add", [2, 3])) for _ in range(CLIENTS)]
    while time.perf_counter() < end:
        at, future = under_way.pop(0)
        future.result()
        took.append(time.perf_counter() - at)
        under_way.append((time.perf_counter(), chassis.submit_task("adder", "add", [2, 3])))
    total = time.perf_counter() - began
    for _, future in under_way:
        future.result()
    return _load(took, total)


def measure(effort: Effort) -> Iterator[Row]:
    """Tasks a second, and how long one takes, over HTTP beside the same inside a process."""
    rounds, seconds = effort.pick(2, 5), effort.pick(1, 3)
    http: list[Load] = []
    inside: dict[str, list[Load]] = {"execute_task_async": [], "submit_task": []}
    with server() as port, IFChassis(witness_enabled=False) as chassis:
        load_adder(chassis)
        over_http(port, 1)
        for _ in range(rounds):
            http.append(over_http(port, seconds))
            inside["execute_task_async"].append(awaited(chassis, seconds))
            inside["submit_task"].append(submitted(chassis, seconds))
    for peer, loads in inside.items():
        yield _row("tasks a second", "tasks/s", peer, http, loads, "tasks_per_second")
    for name, figure in (("median", "p50_ms"), ("99th percentile", "p99_ms")):
        what = f"one of {CLIENTS} tasks under way, {name}"
        yield _row(what, "ms", "execute_task_async", http, inside["execute_task_async"], figure)


def _row(what: str, unit: str, peer: str, http: list[Load], inside: list[Load], figure: str) -> Row:
    ours, theirs = ([float(getattr(load, figure)) for load in loads] for loads in (http, inside))
    return Row(
        what=f"{what} over HTTP",
        unit=unit,
        ours=Spread.of(ours).median,
        peer=peer,
        theirs=Spread.of(theirs).median,
        ratio=ratios(ours, theirs),
        note="" if shutil.which("wrk") else "the load is made by asyncio: wrk is missing",
    )


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(prog="benchmarks/http_load.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a first look in some seconds")
    for row in measure(Effort(quick=parser.parse_args().quick)):
        assert row.ratio is not None
        figures = f"{row.ours:10.2f} {row.unit:8} {row.peer:20} {row.theirs:10.2f}"
        print(f"{row.what:52} {figures}   ratio {row.ratio.median:.2f}")


if __name__ == "__main__":
    main()
