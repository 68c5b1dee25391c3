"""The benchmarks run from their one command, and what is missing is named."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.figures import Row
from benchmarks.lanes import Contender, LaneError, probe, race
from benchmarks.page import page
from benchmarks.report import Chapter, Results
from benchmarks.run import main
from benchmarks.suites.registry import SMOKE, SUITES
from tests.docs.blocks import Action, read_page

ROOT = Path(__file__).resolve().parents[2]
OURS, ABSENT = "benchmarks.contenders.ours", "benchmarks.contenders.absent"


def test_a_quick_smoke_run_goes_from_end_to_end(tmp_path: Path) -> None:
    """One command measures, prints and writes the results, within twenty seconds."""
    results = tmp_path / "results.json"
    started = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "benchmarks/run.py", "--quick", "--only", "smoke", "-o", str(results)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert time.monotonic() - started < 20
    told = json.loads(results.read_text())
    rows = told["suites"][0]["rows"]
    assert told["quick"] is True
    assert told["machine"]["cores"] >= 1
    assert all(row["ours"] > 0 for row in rows)
    assert rows[1]["ratio"]["low"] <= rows[1]["ratio"]["median"] <= rows[1]["ratio"]["high"]
    assert "governed task, kept instance" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["--only", "taks"], "no suite is called taks"), (["--write-docs", "--only", "smoke"], "leave out --only")],
    ids=["unknown suite", "half a page"],
)
def test_a_command_line_that_cannot_be_followed_is_refused(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is measured."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert complaint in capsys.readouterr().err


def test_every_suite_is_listed_once(capsys: pytest.CaptureFixture[str]) -> None:
    """``--list`` names what ``--only`` takes."""
    assert main(["--list"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == [suite.name for suite in (*SUITES, SMOKE)]
    assert len(set(names)) == len(names)


def test_a_missing_peer_is_named_and_the_others_go_on() -> None:
    """A peer that is not installed is in the row with the reason, not silently left out."""
    run = race([Contender("ours", f"{OURS}:scalar", {"kept": True}), Contender("absent", f"{ABSENT}:call")], 1)
    row = run.row("a task", "ours", "absent")
    assert row.ours is not None
    assert row.ratio is None
    assert row.missing == "absent: No module named 'benchmarks.contenders.absent'"
    with pytest.raises(LaneError, match="'absent' cannot run: No module named"):
        run.row("a task", "absent", "ours")


def test_a_contender_that_fails_ends_the_race() -> None:
    """A wrong figure is worse than none."""
    with pytest.raises(LaneError, match="'ours' ended with status 1"):
        race([Contender("ours", f"{OURS}:scalar", {"kept": True, "task": "no-such-task"})], 1)


def test_a_probe_answers_from_a_process_of_its_own() -> None:
    """What it returns comes back; a failing one and a missing one are told apart."""
    assert probe("benchmarks.figures:percentile", values=[1.0, 2.0], percent=50) == 1.0
    with pytest.raises(LaneError, match="status 1"):
        probe("benchmarks.figures:percentile", values=[], percent=50)
    with pytest.raises(ModuleNotFoundError, match="absent"):
        probe(f"{ABSENT}:call")


def test_the_page_names_the_machine_the_missing_and_how_to_run_it_again() -> None:
    """The page is written whole from one run, and its commands are shown without being run by the tests."""
    machine = {
        "date": "2026-11-20 12:00 UTC", "cpu": "a processor", "cores": 2, "memory_gib": 4.0, "system": "Linux",
        "python": "CPython 3.11", "versions": {"wasmtime": "50.0.1"}, "load_before": [1.5], "load_after": [2.5],
    }  # fmt: skip
    row = Row(what="a|b", unit="us", ours=1.0, peer="extism", missing="extism: not installed")
    results = Results(machine=machine, quick=True, seconds=60.0, chapters=(Chapter("tasks", "Tasks", (row,)),))
    text = page(results)
    assert "a processor, 2 cores" in text
    assert "1.5 before, 2.5 after" in text
    assert "Missing peers: extism: not installed." in text
    assert r"| a\|b | 1 us | extism |" in text
    assert [block.action for block in read_page("benchmarks.md", text).blocks] == [Action.SKIP]
