"""The SDK that a program gets from ``OTEL_*``: what is asked for, what is refused, and where it goes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from infrafabric.errors import TelemetrySetupError
from infrafabric.telemetry import configure_from_environment
from infrafabric.telemetry.otel.sdk import asked_for
from tests.engine.driving import ROOT


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "mine"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, True),
        ({"OTEL_METRICS_EXPORTER": "prometheus"}, True),
        ({"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_SDK_DISABLED": "true"}, False),
    ],
    ids=str,
)
def test_telemetry_is_there_when_it_is_asked_for(environ: dict[str, str], asked: bool) -> None:  # noqa: FBT001
    """An exporter or an endpoint asks for it; a name alone does not, and OTEL_SDK_DISABLED wins."""
    assert asked_for(environ) == asked
    if not asked:
        assert not configure_from_environment(environ).configured


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"OTEL_TRACES_EXPORTER": "jaeger"}, "OTEL_TRACES_EXPORTER is 'jaeger'; expected otlp, console or none"),
        ({"OTEL_TRACES_EXPORTER": "prometheus"}, "expected otlp, console or none"),
        ({"OTEL_METRICS_EXPORTER": "otlp,\x1b[31m"}, r"expected otlp, prometheus, console or none"),
        (
            {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_PROTOCOL is 'http/json'; expected http/protobuf or grpc",
        ),
        (
            {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "65536"},
            "OTEL_EXPORTER_PROMETHEUS_PORT is '65536'; expected a port from 0 to 65535",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_had_is_refused_by_its_variable(environ: dict[str, str], says: str) -> None:
    """The message names the variable, what it is, and what would do; nothing unprintable."""
    with pytest.raises(TelemetrySetupError, match=says) as caught:
        configure_from_environment(environ)
    assert str(caught.value).isprintable()
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("environ", "module", "extra"),
    [
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "opentelemetry.exporter.otlp.proto.http.trace_exporter", "otlp"),
        (
            {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"},
            "opentelemetry.exporter.otlp.proto.grpc.metric_exporter",
            "otlp",
        ),
        ({"OTEL_METRICS_EXPORTER": "prometheus"}, "opentelemetry.exporter.prometheus", "prometheus"),
    ],
    ids=["http", "grpc", "prometheus"],
)
def test_a_missing_extra_is_named_with_its_command(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], module: str, extra: str
) -> None:
    """The exporter's library is imported only when it is asked for, and its absence is one clear sentence."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(TelemetrySetupError, match=rf"pip install 'infrafabric\[{extra}\]'"):
        configure_from_environment(environ)


_PROGRAM = """
import contextlib, sys, urllib.request
from infrafabric.telemetry import configure_from_environment
from infrafabric.chassis import IFChassis
from infrafabric.testing import ADDER, contract
with contextlib.closing(configure_from_environment()) as sdk, IFChassis() as chassis:
    chassis.load_swarm("s", ADDER, contract("s"))
    print(chassis.execute_task("s", "add", [1, 2]).output)
    if sdk.prometheus_address is not None:
        print(urllib.request.urlopen("http://%s:%d/metrics" % sdk.prometheus_address).read().decode())
"""


def environment(**variables: str) -> dict[str, str]:
    """This process's environment with other ``OTEL_*``."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return {**plain, "NO_PROXY": "localhost,127.0.0.1", **variables}


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    """The program above, under these variables."""
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=environment(**variables),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_console_is_standard_error() -> None:
    """Results stay alone on standard output."""
    done = run(OTEL_TRACES_EXPORTER="console", OTEL_METRICS_EXPORTER="console")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "3\n"
    assert '"name": "infrafabric.task"' in done.stderr
    assert '"name": "infrafabric.task.duration"' in done.stderr
    assert '"service.name": "infrafabric"' in done.stderr


def test_the_services_name_is_the_operators() -> None:
    """OTEL_SERVICE_NAME wins over ours."""
    done = run(OTEL_TRACES_EXPORTER="console", OTEL_SERVICE_NAME="mine")
    assert '"service.name": "mine"' in done.stderr


def test_prometheus_is_served_while_the_program_runs() -> None:
    """On the address that OTEL_EXPORTER_PROMETHEUS_* say; the numbers are there at once."""
    pytest.importorskip("opentelemetry.exporter.prometheus")
    done = run(OTEL_METRICS_EXPORTER="prometheus", OTEL_EXPORTER_PROMETHEUS_PORT="0")
    assert done.returncode == 0, done.stderr
    assert "infrafabric_task_duration_seconds_count{" in done.stdout
    assert 'infrafabric_swarm_id="s"' in done.stdout


def test_a_port_that_is_taken_is_named() -> None:
    """The message says which variable changes it."""
    pytest.importorskip("opentelemetry.exporter.prometheus")
    import http.server  # noqa: PLC0415 - only here

    with http.server.HTTPServer(("localhost", 0), http.server.BaseHTTPRequestHandler) as taken:
        port = str(taken.server_port)
        with pytest.raises(TelemetrySetupError, match=f"localhost:{port} .*OTEL_EXPORTER_PROMETHEUS_PORT"):
            configure_from_environment({"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": port})
