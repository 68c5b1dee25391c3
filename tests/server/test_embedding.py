"""The server as an application inside another program: mounted, traced, measured."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from infrafabric.server import create_app
from tests.server.serving import TOKEN, load

if TYPE_CHECKING:
    from infrafabric.chassis import IFChassis

#: A server in a program that traces into memory; it prints what was exported.
_TRACED = """
import asyncio, json, httpx
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
from infrafabric.chassis import IFChassis
from infrafabric.server import create_app
from infrafabric.testing import ADDER, contract

async def main(chassis):
    transport = httpx.ASGITransport(create_app(chassis))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for headers in HEADERS:
            answer = await client.post("/v1/swarms/adder/tasks/add", json=[1, 2], headers=headers)
            assert answer.status_code == 200, answer.text

HEADERS = [
    {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "mine=1"},
    {"traceparent": "00-00000000000000000000000000000000-b7ad6b7169203331-01"},
    {},
]
with IFChassis() as chassis:
    chassis.load_swarm("adder", ADDER, contract("adder"))
    asyncio.run(main(chassis))
print(json.dumps([
    [f"{span.context.trace_id:032x}", *([f"{p.span_id:016x}", p.is_remote] if (p := span.parent) else [None, None])]
    for span in exporter.get_finished_spans() if span.name == "infrafabric.task"
]))
"""


def test_a_task_is_a_child_of_its_callers_span() -> None:
    """``traceparent`` leads to the parent; a malformed or missing one begins a trace."""
    done = subprocess.run([sys.executable, "-c", _TRACED], capture_output=True, text=True, timeout=60, check=True)
    child, malformed, alone = json.loads(done.stdout)
    assert child == ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", True]
    assert malformed[1] is None
    assert alone[1] is None
    assert len({child[0], malformed[0], alone[0]}) == 3


def test_it_can_be_mounted_in_another_application(chassis: IFChassis) -> None:
    """Below a path, with its guard and its probes, beside whatever else there is."""
    load(chassis, "adder")
    mounted = create_app(chassis, token="a-token-for-tests-only", hosts=("swarms.example",))  # noqa: S106

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(Starlette(routes=[Mount("/swarms", mounted)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://swarms.example") as client:
            headers = {"Authorization": "Bearer a-token-for-tests-only"}
            path = "/swarms/v1/swarms/adder/tasks/add"
            return [
                (await client.post(path, json=[1, 2], headers=headers)).json()["output"],
                (await client.post(path, json=[1, 2])).status_code,
                (await client.get("/swarms/ready")).status_code,
            ]

    assert asyncio.run(ask()) == [3, 401, 200]


def test_what_a_mounted_server_opens_to_all_is_its_own(chassis: IFChassis) -> None:
    """Its form and its files are below its path, and a path that looks like theirs from outside opens nothing."""
    mounted = create_app(chassis, token=TOKEN, hosts=("swarms.example",))
    routes = [Mount("/swarms", mounted), Mount("/dashboard/static", mounted)]

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(Starlette(routes=routes))
        async with httpx.AsyncClient(transport=transport, base_url="http://swarms.example") as client:
            return [
                await client.get("/swarms/dashboard/", headers={"Accept": "text/html"}),
                await client.get("/swarms/dashboard/static/theme.js"),
                await client.post("/swarms/login", data={"token": TOKEN, "next": "dashboard/"}),
                await client.get("/dashboard/static/v1/swarms", headers={"Cookie": ""}),
            ]

    page, script, login, hidden = asyncio.run(ask())
    assert page.status_code == 401
    assert 'action="../login"' in page.text
    assert 'value="dashboard/"' in page.text
    assert script.status_code == 200
    assert (login.status_code, login.headers["location"]) == (303, "./dashboard/")
    assert hidden.status_code == 401


def test_a_limit_that_is_none_is_refused(chassis: IFChassis) -> None:
    """A body bound outside 1 byte to 64 MiB is a mistake of the program."""
    for wrong in (0, (64 << 20) + 1):
        with pytest.raises(ValueError, match="max_body_bytes"):
            create_app(chassis, max_body_bytes=wrong)


def test_metrics_are_scraped() -> None:
    """With the extra ``prometheus``, /metrics shows the instruments of this process alone."""
    pytest.importorskip("opentelemetry.exporter.prometheus", reason="needs: pip install 'infrafabric[prometheus]'")
    program = """
import asyncio, httpx
from infrafabric.chassis import IFChassis
from infrafabric.server import create_app
from infrafabric.telemetry import configure_from_environment
from infrafabric.testing import ADDER, contract
sdk = configure_from_environment({}, scraped=True)
async def main(chassis):
    transport = httpx.ASGITransport(create_app(chassis, scrape=sdk.scrape))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        await client.post("/v1/swarms/adder/tasks/add", json=[1, 2])
        answer = await client.get("/metrics")
        print(answer.headers["content-type"]); print(answer.text)
with IFChassis() as chassis:
    chassis.load_swarm("adder", ADDER, contract("adder"))
    asyncio.run(main(chassis))
sdk.close()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("text/plain; version=")
    assert 'infrafabric_task_duration_seconds_count{infrafabric_swarm_id="adder"' in done.stdout
    assert "python_gc" not in done.stdout


def test_a_missing_extra_is_one_sentence() -> None:
    """Without Starlette the error says what to install."""
    program = "import sys; sys.modules['starlette'] = None\nfrom infrafabric.server import create_app"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "pip install 'infrafabric[server]'" in done.stderr.splitlines()[-1]
