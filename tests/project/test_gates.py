"""The gates runner: what passes, what fails, and what it says at the end."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

GATES = Path(__file__).resolve().parents[2] / ".ci" / "gates.py"


@pytest.fixture
def gates() -> ModuleType:
    """Give a fresh copy of the runner's module."""
    spec = importlib.util.spec_from_file_location("gates", GATES)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["gates"] = module  # attrs looks a class's module up
    spec.loader.exec_module(module)
    return module


def test_a_failing_gate_does_not_hide_the_next(gates: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    """All gates run, the summary says which failed, and the status is that of a failure."""
    python = sys.executable
    status = gates.run(
        (
            gates.Gate("first", "does", gates.tool(python, "-c", "print('one')")),
            gates.Gate("second", "fails", gates.tool(python, "-c", "raise SystemExit(3)")),
            gates.Gate("third", "does", lambda: (True, "7 tests")),
        )
    )
    printed = capfd.readouterr().out
    assert status == 1
    assert "one\n" in printed
    summary = [line.split() for line in printed.splitlines()[-6:]]
    assert summary[0] == ["gate", "result", "seconds"]
    assert [line[:2] for line in summary[1:4]] == [["first", "passed"], ["second", "FAILED"], ["third", "passed"]]
    assert summary[3][3:] == ["7", "tests"]
    assert printed.endswith("1 of 3 gates failed: second\nRun again with: python3 dev.py test second\n")


def test_passing_gates_end_with_success(gates: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing failed, so the status is 0 and the last line says so."""
    assert gates.run((gates.Gate("only", "does", lambda: (True, "")),)) == 0
    assert capfd.readouterr().out.endswith("\n1 gates passed\n")


def test_an_interrupted_run_shows_what_it_knows(gates: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends the run with the usual status 130, after the summary of the gates that ran."""

    def interrupt() -> tuple[bool, str]:
        raise KeyboardInterrupt

    status = gates.run((gates.Gate("first", "does", lambda: (True, "")), gates.Gate("second", "stops", interrupt)))
    printed = capfd.readouterr().out
    assert status == 130
    assert "first  passed" in printed
    assert printed.endswith("\nInterrupted during second\n")


def test_an_unknown_gate_is_refused_by_name(
    gates: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A misspelt gate runs nothing and lists those that exist."""
    monkeypatch.setattr(sys, "argv", ["gates.py", "lnit"])
    with pytest.raises(SystemExit) as caught:
        gates.main()
    assert caught.value.code == 2
    assert "no gate is called lnit; there are format, lint, imports" in capsys.readouterr().err


def test_a_stale_generated_file_fails_its_gate_with_the_command_that_helps(
    gates: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each generator is asked with ``--check``; the one that answers 1 is named."""
    fresh, stale = tmp_path / "fresh.py", tmp_path / "stale.py"
    fresh.write_text("import sys; assert sys.argv[1:] == ['--check']")
    stale.write_text("raise SystemExit(1)")
    monkeypatch.setattr(gates, "GENERATORS", ((str(fresh),), (str(stale),)))
    assert gates.generated() == (False, f"run: python3 dev.py fix (stale: {stale})")
    monkeypatch.setattr(gates, "GENERATORS", ((str(fresh),),))
    assert gates.generated() == (True, "1 generators")


def test_every_generator_of_the_project_exists(gates: ModuleType) -> None:
    """A renamed generator would otherwise fail only where the gates run."""
    assert all((GATES.parents[1] / generator[0]).is_file() for generator in gates.GENERATORS)


def test_pytest_results_are_counted_over_all_suites(gates: ModuleType, tmp_path: Path) -> None:
    """The note of a tests gate sums what its report says, leaving out zeros."""
    report = tmp_path / "junit.xml"
    report.write_text('<testsuites><testsuite tests="3" failures="0" skipped="1"/><testsuite tests="2"/></testsuites>')
    assert gates._counts(report) == "5 tests, 1 skipped"
    assert gates._counts(tmp_path / "none.xml") == "pytest did not finish"
