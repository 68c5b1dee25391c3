"""``infrafabric doctor --attack``: the table of the party, for a user's own installation."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infrafabric.attack import AttackResult
from infrafabric.cli import main

_ROOT = Path(__file__).resolve().parents[2]


def _result(name: str, *faults: str) -> AttackResult:
    return AttackResult(
        name=name,
        kind="kind",
        tries="Try.",
        expected="refused: x",
        got="[bold]refused",
        held=not faults,
        faults=faults,
        seconds=0.0123,
        neighbour_p50_ms=0.05,
        neighbour_p99_ms=1.5,
        neighbour_max_ms=20.0,
    )


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> list[AttackResult]:
    """What the party says, without running it."""
    found = [_result("one"), _result("two", "it got \x1b[31mout")]
    monkeypatch.setattr("infrafabric.attack.run_attacks", lambda _patterns, _tell: tuple(found))
    return found


def test_the_table_says_what_held_and_what_did_not(
    results: list[AttackResult], capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults stand below their line, made safe to print; the exit status tells scripts."""
    assert main(["doctor", "--attack", "-o", "table"]) == 1
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split("  ")[0] == "held"
    assert lines[0].endswith("neighbour's ms")
    assert "yes" in lines[1]
    assert "[bold]refused" in lines[1]
    assert "NO" in lines[2]
    assert "it got \\x1b[31mout" in lines[3]
    assert "1 of 2 attacks did not hold" in err
    del results[1]
    assert main(["doctor", "--attack", "-o", "table"]) == 0


def test_what_matches_nothing_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt name must not look like a party that held."""
    assert main(["doctor", "--attack", "--only", "no-such"]) == 2
    assert "no attack and no kind of attack matches no-such" in capsys.readouterr().err
    assert main(["doctor", "--only", "loops"]) == 2


def test_some_attacks_run_from_the_command_line() -> None:
    """The party runs from an installed command, in any folder, and gives plain data."""
    command = [sys.executable, "-m", "infrafabric", "doctor", "--attack", "--only", "shared-memory", "-o", "json"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=100)
    found = json.loads(done.stdout)
    assert [row["name"] for row in found] == ["shared-memory", "aftermath"]
    assert (done.returncode, found[0]["held"]) == (0, True), found
