"""Thousands of modules that nobody wrote: each is refused with our error, or runs and ends within its limits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.adversarial.mutating import GUESTS, mutant

_ROOT = Path(__file__).resolve().parents[2]
_SEED_VARIABLE, _SECONDS_VARIABLE = "INFRAFABRIC_FUZZ_SEED", "INFRAFABRIC_FUZZ_SECONDS"
#: The first seed; another one for each day of CI, or that of a failure to be repeated.
FIRST_SEED = int(os.environ.get(_SEED_VARIABLE, "0"))
SECONDS = float(os.environ.get(_SECONDS_VARIABLE, "20"))
_GRACE_SECONDS = 30.0
_MOST_GROWTH_MIB = 64.0


def fuzz(source: str, seconds: float, seed_file: Path) -> dict[str, Any]:
    """The summary of a run in a process of its own; the seed that killed it is the failure."""
    seed_file.write_text("")
    command = [sys.executable, "-m", "tests.adversarial.fuzzing", source, "--first", str(FIRST_SEED)]
    command += ["--seconds", str(seconds), "--seed-file", str(seed_file)]
    repeat = f"python -m tests.adversarial.fuzzing {source} --count 1 --first"
    try:
        done = subprocess.run(
            command, cwd=_ROOT, capture_output=True, text=True, timeout=seconds + _GRACE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.fail(f"a module hangs the process; repeat: {repeat} {int(seed_file.read_text())}")
    if done.returncode:
        how = signal.Signals(-done.returncode).name if done.returncode < 0 else f"exit status {done.returncode}"
        seed = int(seed_file.read_text() or "-1")
        pytest.fail(f"a module ends the process ({how}); repeat: {repeat} {seed}\n{done.stderr[-2000:]}")
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def check(summary: dict[str, Any]) -> None:
    """No module did what it should not, and memory is flat."""
    assert summary["faults"] == []
    assert summary["growth_mib"] < _MOST_GROWTH_MIB


@pytest.mark.timeout(SECONDS + 2 * _GRACE_SECONDS)
@pytest.mark.xdist_group("fuzzing")
def test_mutants_of_real_guests(tmp_path: Path) -> None:
    """Broken and half-broken guests are refused by name, or run within their limits; a fair part of them runs."""
    summary = fuzz("mutants", SECONDS, tmp_path / "seed")
    check(summary)
    assert summary["modules"] > 20 * SECONDS, summary
    assert summary["loaded"] > summary["modules"] / 20, summary
    assert summary["endings"].keys() >= {"invalid_module", "success", "trap", "timeout"}, summary


@pytest.mark.requires_tool("wasm-opt")
@pytest.mark.timeout(SECONDS + 2 * _GRACE_SECONDS)
@pytest.mark.xdist_group("fuzzing")
def test_random_valid_modules(tmp_path: Path) -> None:
    """What a generator of valid modules makes loads and runs within its limits, or uses a feature that is off."""
    summary = fuzz("random", SECONDS / 3, tmp_path / "seed")
    check(summary)
    assert summary["modules"] > SECONDS / 3, summary
    # Newer generators know more features than the old one, and than this engine has on.
    assert summary["loaded"] + summary["endings"].get("invalid_module", 0) == summary["modules"], summary
    assert summary["loaded"] > summary["modules"] * 0.6, summary
    assert summary["endings"].keys() >= {"success", "trap"}, summary


@pytest.mark.timeout(SECONDS + 2 * _GRACE_SECONDS)
@pytest.mark.xdist_group("fuzzing")
def test_every_host_call_with_any_numbers(tmp_path: Path) -> None:
    """Whatever a guest passes to the host's functions, it is the guest that ends, as its own fault, or goes on."""
    summary = fuzz("host-calls", SECONDS / 5, tmp_path / "seed")
    check(summary)
    assert summary["tasks"] > 50 * SECONDS / 5, summary
    assert summary["endings"].keys() >= {"success", "guest_error", "trap"}, summary


def test_a_seed_is_always_the_same_module() -> None:
    """A failure can be repeated, and mutants differ from each other and from their guests."""
    modules = [mutant(seed) for seed in range(50)]
    assert modules == [mutant(seed) for seed in range(50)]
    assert len(set(modules)) > 45
    originals = {path.read_bytes() for path in GUESTS}
    assert sum(module in originals for module in modules) < 10
