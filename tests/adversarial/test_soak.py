"""The soak in short: everything that ten minutes show holds for twenty seconds as well."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 20.0


@pytest.mark.timing
@pytest.mark.timeout(_SECONDS * 6)
def test_ten_swarms_share_a_process(tmp_path: Path) -> None:
    """Six that misbehave stay within their limits, four that serve keep answers and latency, and nothing grows."""
    output = tmp_path / "soak.json"
    command = [sys.executable, "benchmarks/soak.py", "--seconds", str(_SECONDS), "-o", str(output)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=_SECONDS * 5)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(output.read_text())
    assert report["faults"] == []
    assert report["loads"] > _SECONDS
    assert all(server["tasks"] > 50 * _SECONDS / 4 for server in report["beside"].values())
    endings = {name: set(row["endings"]) for name, row in report["offenders"].items()}
    assert "timeout" in endings["spinner"] & endings["sleeper"] & endings["shouter"]
    assert "trap" in endings["grower"] & endings["trapper"]
    assert "invalid_result" in endings["liar"]
