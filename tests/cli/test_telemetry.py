"""The command line exports traces and metrics where ``OTEL_*`` say, and nothing where they say nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ARITH = Path(__file__).resolve().parents[2] / "guests" / "arith" / "arith.wasm"


def run_add(**environment: str) -> subprocess.CompletedProcess[str]:
    """Run one task in a process of its own."""
    without = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    command = [sys.executable, "-m", "infrafabric", "run", str(ARITH), "add", "--params", "[2, 3]"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=without | environment)


def test_a_task_is_a_span_where_traces_are_asked_for() -> None:
    """The console exporter writes to standard error; the result stays alone on standard output."""
    done = run_add(OTEL_TRACES_EXPORTER="console")
    assert (done.returncode, done.stdout) == (0, "5\n")
    assert '"name": "infrafabric.task"' in done.stderr


def test_nothing_is_exported_where_nothing_is_asked_for() -> None:
    """Standard error stays empty."""
    done = run_add()
    assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")


def test_an_exporter_that_does_not_exist_is_a_usage_error() -> None:
    """Before anything runs, by name."""
    done = run_add(OTEL_TRACES_EXPORTER="pigeon")
    assert (done.returncode, done.stdout) == (2, "")
    assert "pigeon" in done.stderr
