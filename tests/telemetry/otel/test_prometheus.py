"""A real Prometheus server scrapes a running chassis, and its recording rules give our numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.driving import ROOT
from tests.telemetry.otel.test_sdk import environment

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("opentelemetry.exporter.prometheus", reason="needs: pip install 'infrafabric[prometheus]'")

#: A chassis with two swarms, one of which failed 3 of 40 tasks; it prints our numbers and waits.
_PROGRAM = """
import json, sys
from infrafabric.telemetry import configure_from_environment
from infrafabric.chassis import IFChassis
from infrafabric.testing import contract, wat
swarm = wat('(module (func (export "run") (param i32) (result i32) (if (local.get 0) (then unreachable)) i32.const 7))')
sdk = configure_from_environment()
with IFChassis() as chassis:
    chassis.load_swarm("s", swarm, contract("s", slos={"target_availability_percent": 90, "target_latency_ms": 40_000}))
    chassis.load_swarm("t", swarm, contract("t"))
    for number in range(40):
        chassis.execute_task("s", "run", [int(number % 16 == 5)], check=False)
    chassis.execute_task("t", "run", [0])
    found = chassis.slo("s").objective("availability")
    rates = {burn.name: burn.burn_rate for burn in found.burn_rates}
    ours = {"sli": found.sli, "remaining": found.budget.remaining_ratio, "good": found.good_events, "burn": rates["1h"]}
    print(json.dumps([sdk.prometheus_address, ours]), flush=True)
    sys.stdin.read()
sdk.close()
"""

_RULES = """
groups:
  - name: infrafabric
    interval: 1s
    rules:
      - record: test:sli
        expr: >
          sum by (infrafabric_swarm_id) (infrafabric_slo_events_total{infrafabric_slo_result="good",
            infrafabric_slo_objective="availability"})
          / sum by (infrafabric_swarm_id) (infrafabric_slo_events_total{infrafabric_slo_objective="availability"})
      - record: test:burn_rate
        expr: >
          (1 - test:sli) / (1 - max by (infrafabric_swarm_id)
            (infrafabric_slo_objective{infrafabric_slo_objective="availability"}))
      - record: test:remaining
        expr: 1 - test:burn_rate
      - record: test:within_target
        expr: >
          sum by (infrafabric_swarm_id) (infrafabric_task_duration_seconds_bucket{le=~"40(.0)?", error_type=""})
          / sum by (infrafabric_swarm_id) (infrafabric_task_duration_seconds_count{error_type=""})
"""


def query(base: str, expression: str) -> list[dict[str, Any]]:
    """The samples of an expression now."""
    with urllib.request.urlopen(f"{base}/api/v1/query?{urllib.parse.urlencode({'query': expression})}") as answer:  # noqa: S310
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return found


def value(base: str, expression: str) -> float | None:
    """The value of an expression about swarm s; None while there is none."""
    rows = [row for row in query(base, expression) if row["metric"].get("infrafabric_swarm_id") == "s"]
    return float(rows[0]["value"][1]) if rows else None


@pytest.mark.requires_tool("prometheus")
def test_recording_rules_of_a_scraped_chassis_give_our_numbers(tmp_path: Path) -> None:
    """SLI, burn rate and budget computed by Prometheus from our counters equal those the chassis tells."""
    variables = environment(OTEL_METRICS_EXPORTER="prometheus", OTEL_EXPORTER_PROMETHEUS_PORT="0")
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        env=variables,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        (host, port), ours = json.loads(program.stdout.readline())
        (tmp_path / "rules.yml").write_text(_RULES)
        (tmp_path / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            "rule_files: [rules.yml]\n"
            f"scrape_configs: [{{job_name: chassis, static_configs: [{{targets: ['{host}:{port}']}}]}}]\n"
        )
        with scraping(tmp_path) as base:
            names = ("test:sli", "test:burn_rate", "test:remaining", "test:within_target")
            theirs = eventually(lambda: {name: value(base, name) for name in names})
            assert theirs["test:sli"] == ours["sli"] == 37 / 40
            assert theirs["test:burn_rate"] == pytest.approx(ours["burn"], rel=1e-12)
            assert theirs["test:remaining"] == pytest.approx(ours["remaining"], rel=1e-12)
            assert theirs["test:within_target"] == 1
            assert value(base, "infrafabric_slo_sli{infrafabric_slo_objective='availability'}") == ours["sli"]
            assert value(base, "infrafabric_slo_alert_state{infrafabric_slo_state='inactive'}") == 1
            assert {row["value"][1] for row in query(base, "up")} == {"1"}
        program.communicate("")
    assert program.returncode == 0


class scraping:  # noqa: N801 - reads as a statement
    """A Prometheus server on a free port, ready; gives its address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> str:
        port = _free_port()
        self._server = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={self._folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ),
        )
        base = f"http://127.0.0.1:{port}"
        eventually(lambda: {"ready": _ready(base)})
        return base

    def __exit__(self, *_exception: object) -> None:
        self._server.terminate()
        self._server.wait(20)


def _ready(base: str) -> bool | None:
    try:
        with urllib.request.urlopen(f"{base}/-/ready") as answer:  # noqa: S310
            return bool(answer.status == 200) or None
    except OSError:
        return None


def _free_port() -> int:
    import socket  # noqa: PLC0415 - only here

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(ask: Any, seconds: float = 40.0) -> dict[str, Any]:
    """What is asked for, once every part of it is there."""
    end = time.monotonic() + seconds
    while True:
        answer: dict[str, Any] = ask()
        if None not in answer.values():
            return answer
        assert time.monotonic() < end, answer
        time.sleep(0.2)
