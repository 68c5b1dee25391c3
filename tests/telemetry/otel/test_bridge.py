"""Whether an SDK is there: picked up when it comes, and nothing is paid while there is none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from infrafabric.telemetry import BRIDGE
from infrafabric.telemetry.otel import bridge
from infrafabric.testing import ADDER, contract
from tests.engine.driving import python
from tests.telemetry.otel.conftest import configure

if TYPE_CHECKING:
    from infrafabric.chassis import IFChassis


def test_a_chassis_alone_imports_nothing_of_opentelemetry() -> None:
    """Loading and running a task without an SDK leaves the API out of the process."""
    program = """
import sys
from infrafabric.chassis import IFChassis
from infrafabric.testing import ADDER, contract
with IFChassis() as chassis:
    chassis.load_swarm("s", ADDER, contract("s"))
    chassis.execute_task("s", "add", [1, 2])
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    done = python(program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.usefixtures("no_sdk")
def test_the_api_without_an_sdk_is_not_used(chassis: IFChassis) -> None:
    """Its own providers do nothing, and nothing is asked of them."""
    chassis.load_swarm("s", ADDER, contract("s"))
    chassis.execute_task("s", "add", [1, 2])
    assert not BRIDGE.live
    assert BRIDGE.tracing is None
    assert BRIDGE.measuring is None


@pytest.mark.usefixtures("no_sdk")
def test_an_sdk_configured_after_the_load_is_picked_up(chassis: IFChassis) -> None:
    """At the latest by the next look, a tenth of a second later."""
    chassis.load_swarm("s", ADDER, contract("s"))
    chassis.execute_task("s", "add", [1, 2])
    sdk = configure()
    time.sleep(bridge.LOOK_NS / 1e9)
    chassis.execute_task("s", "add", [1, 2])
    assert len(sdk.spans()) == 1
    assert sdk.one("infrafabric.slo.events", objective="availability", result="good") == 2


@pytest.mark.usefixtures("no_sdk")
def test_a_broken_provider_stops_no_task(
    chassis: IFChassis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged once, and tasks go on without."""

    def broken() -> object:
        raise RuntimeError("broken provider")

    with monkeypatch.context() as patch:
        patch.setattr("opentelemetry.trace.get_tracer_provider", broken)
        chassis.load_swarm("s", ADDER, contract("s"))
        for _ in range(3):
            assert chassis.execute_task("s", "add", [1, 2]).output == 3
            time.sleep(bridge.LOOK_NS / 1e9)
    assert sum("cannot be used" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.usefixtures("no_sdk")
def test_an_exporter_that_fails_stops_no_task(
    chassis: IFChassis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the SDK raises while a task's numbers are recorded is logged."""
    configure()
    chassis.load_swarm("s", ADDER, contract("s"))

    def broken(*_arguments: object) -> None:
        raise RuntimeError("broken exporter")

    monkeypatch.setattr(BRIDGE.measuring, "duration", broken)
    assert chassis.execute_task("s", "add", [1, 2]).output == 3
    assert any("OpenTelemetry failed on a task" in record.getMessage() for record in caplog.records)
