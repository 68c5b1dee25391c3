"""``infrafabric doctor``: what it finds here, and what it says where all is not well."""

from __future__ import annotations

import faulthandler
import resource
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from infrafabric import limits
from infrafabric.cli import doctor_checks
from infrafabric.cli.doctor_checks import CHECKS, Finding, examine
from infrafabric.limits import HostMemory, MemoryLedger, MemorySample
from tests.cli.program import PROGRAM, Ended, run_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Ended]


def _findings(ended: Ended) -> dict[str, dict[str, str]]:
    return {finding["check"]: finding for finding in ended.json}


def test_every_check_reports_under_its_name_and_none_fails_here(infrafabric: Run) -> None:
    """The machine that runs the tests runs swarms."""
    ended = infrafabric("doctor")
    findings = _findings(ended)
    assert list(findings) == [name for name, _ in CHECKS]
    assert {finding["status"] for finding in findings.values()} <= {"ok", "warn"}, ended.out
    assert all(finding["found"] for finding in findings.values())
    assert all(finding["advice"] for finding in findings.values() if finding["status"] == "warn")
    assert ended.status == 0


def test_the_table_has_a_line_for_each_finding_and_its_advice(
    infrafabric: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status first, so that the eye finds what is wrong."""
    findings = [Finding("one", "ok", "good"), Finding("two", "warn", "[bold]slow", "do this")]
    monkeypatch.setattr(doctor_checks, "examine", lambda: findings)
    ended = infrafabric("doctor", "-o", "table")
    assert [line.split() for line in ended.out.splitlines()] == [
        ["ok", "one", "good"],
        ["warn", "two", "[bold]slow"],
        ["→", "do", "this"],
    ]
    assert ended.status == 0


def test_one_failure_makes_the_status_1(infrafabric: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a script can ask."""
    monkeypatch.setattr(doctor_checks, "examine", lambda: [Finding("one", "fail", "bad", "mend it")])
    assert infrafabric("doctor").status == 1


def test_a_check_that_raises_is_a_failure_and_the_others_go_on() -> None:
    """The error's words are what was found, escaped."""

    def broken() -> Finding:
        raise OSError("no \x1b[31m library")

    first, second = examine((("one", broken), ("two", lambda: Finding("two", "ok", "fine"))))
    assert (first.check, first.status, first.found) == ("one", "fail", r"OSError: no \x1b[31m library")
    assert first.advice
    assert second.status == "ok"


def test_a_cache_folder_that_others_can_write_is_told(
    infrafabric: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Swarms still run, compiled anew each time; a private folder is all right."""
    folder = tmp_path / "infrafabric"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    finding = _findings(infrafabric("doctor"))["code cache"]
    assert finding["status"] == "warn"
    assert "chmod 700" in finding["found"]
    folder.chmod(0o700)
    assert _findings(infrafabric("doctor"))["code cache"]["status"] == "ok"


def test_small_thread_stacks_are_told(infrafabric: Run) -> None:
    """As some platforms have them: guests run all the same, on another thread."""
    before = threading.stack_size(512 << 10)
    try:
        finding = _findings(infrafabric("doctor"))["thread stacks"]
    finally:
        threading.stack_size(before)
    assert finding["status"] == "warn"
    assert finding["found"].startswith("those of new threads are smaller than 2 MiB")
    assert _findings(infrafabric("doctor"))["thread stacks"]["status"] == "ok"


@pytest.mark.parametrize(("free_mib", "status"), [(256 + 32, "ok"), (256 + 31, "warn")])
def test_a_host_without_memory_for_one_guest_is_told(
    infrafabric: Run, monkeypatch: pytest.MonkeyPatch, free_mib: int, status: str
) -> None:
    """The default limit has to fit beside the reserve; just so is enough."""
    sample = MemorySample(free_mib << 20, 512 << 20)
    ledger = MemoryLedger(HostMemory(lambda: sample))
    monkeypatch.setattr(limits, "process_ledger", lambda: ledger)
    finding = _findings(infrafabric("doctor"))["host memory"]
    assert finding["status"] == status
    assert ("lower max_memory_mb" in finding["advice"]) is (status == "warn")


def test_the_size_of_the_cache_is_shown(infrafabric: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there, and what may be."""
    folder = tmp_path / "infrafabric"
    folder.mkdir(mode=0o700)
    (folder / "one.ifcode").write_bytes(b"x" * 3_000_000)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    finding = _findings(infrafabric("doctor"))["code cache"]
    assert finding["found"].startswith(f"{folder}: private; ")
    assert "MiB of 1 GiB" in finding["found"]


def test_faulthandler_is_no_trouble_in_either_state(infrafabric: Run) -> None:
    """On or off, the engine keeps its own handlers."""
    was_on = faulthandler.is_enabled()
    try:
        faulthandler.enable()
        assert _findings(infrafabric("doctor"))["faulthandler"]["found"].startswith("on: ")
        faulthandler.disable()
        assert _findings(infrafabric("doctor"))["faulthandler"]["found"] == "off"
    finally:
        if was_on:
            faulthandler.enable()


@pytest.mark.parametrize(
    ("which", "number", "check", "wanted"),
    [
        (resource.RLIMIT_AS, 16 << 30, "address space", "every access of a guest to its memory is checked"),
        (resource.RLIMIT_AS, 16 << 30, "instance pool", "0 of 1,000 slots"),
        (resource.RLIMIT_NOFILE, 128, "process limits", "128 files"),
        (resource.RLIMIT_CPU, 600, "process limits", "600 CPU seconds"),
    ],
    ids=["address space", "pool", "files", "cpu seconds"],
)
def test_a_limit_of_the_process_is_told_with_what_lifts_it(which: int, number: int, check: str, wanted: str) -> None:
    """Under the limit swarms still run: a warning, not a failure."""

    def limit() -> None:
        resource.setrlimit(which, (number, number))

    done = subprocess.run([*PROGRAM, "doctor"], capture_output=True, timeout=60, check=False, preexec_fn=limit)
    finding = _findings(Ended(done.returncode, done.stdout, done.stderr))[check]
    assert finding["status"] == "warn"
    assert wanted in finding["found"]
    assert "ulimit" in finding["advice"] or "ulimit" in finding["found"]
    assert done.returncode == 0


def test_a_broken_engine_is_found_and_named() -> None:
    """Where the engine's library cannot be loaded, the checks that need none still answer."""
    code = "import sys; sys.modules['wasmtime'] = None; from infrafabric.cli import main; sys.exit(main(['doctor']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    findings = _findings(Ended(done.returncode, done.stdout, done.stderr))
    assert done.returncode == 1
    assert findings["wasmtime"]["status"] == "fail"
    assert "wasmtime" in findings["wasmtime"]["found"]
    assert findings["process limits"]["status"] != "fail"


def test_the_modules_of_the_checks_are_what_their_comments_say() -> None:
    """They are written as bytes, so that an examination needs no assembler."""
    from infrafabric.wasm import inspect_module  # noqa: PLC0415 - only this test

    assert inspect_module(doctor_checks.EMPTY).exports == ()
    for data, name, params in ((doctor_checks.ADDER, "add", ("i32", "i32")), (doctor_checks.SPINNER, "spin", ())):
        (export,) = inspect_module(data).exports
        assert (export.name, export.type.params) == (name, params)  # type: ignore[union-attr] # a function


def test_it_runs_as_a_program() -> None:
    """With a fresh interpreter, as a person runs it."""
    assert run_program("doctor", "-o", "table").status == 0
