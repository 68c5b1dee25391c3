"""The package's front door: sorted, lazy, and light."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from infrafabric import telemetry


def test_public_names_are_sorted_and_there() -> None:
    """Every public name resolves to an object that lives in this package."""
    assert list(telemetry.__all__) == sorted(telemetry.__all__, key=lambda name: (not name.isupper(), name))
    for name in telemetry.__all__:
        assert getattr(telemetry, name).__module__.startswith("infrafabric.telemetry")
        assert name in dir(telemetry)
    with pytest.raises(AttributeError, match="has no attribute 'speed'"):
        _ = telemetry.speed


def loaded_by(statement: str) -> set[str]:
    """Top-level and own modules that a fresh interpreter holds after a statement."""
    code = f"{statement}; import sys; print(*sys.modules)"
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, env=env)
    return set(run.stdout.split())


def test_importing_the_package_loads_nothing_yet() -> None:
    """`import infrafabric.telemetry` loads no part of it."""
    assert not {name for name in loaded_by("import infrafabric.telemetry") if name.startswith("infrafabric.telemetry.")}


def test_counting_loads_no_library_that_exports() -> None:
    """The SLO engine needs neither OpenTelemetry nor a file format; an explanation's texts come when asked for."""
    loaded = loaded_by("from infrafabric.telemetry import SloEngine, ObjectiveTargets; SloEngine(ObjectiveTargets())")
    heavy = {"opentelemetry", "json", "zlib", "hashlib", "tempfile", "difflib", "asyncio", "yaml", "wasmtime"}
    assert not heavy & loaded
    assert "infrafabric.telemetry.slo.store" not in loaded
    assert "infrafabric.telemetry.slo.explain" not in loaded
