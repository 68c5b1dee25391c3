"""The gates: what has to hold before a change goes in. People and CI run this one list, in this order.

``python3 dev.py test`` runs them all and goes on after a failure, so that one run shows everything that is wrong;
``python3 dev.py test ruff types`` runs some. The slowest comes last: it is the one to watch.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = Path(sys.executable).parent

#: Checked by mypy wherever they exist.
TYPED = ("infrafabric", "tests", "examples", "benchmarks", "guests/build.py", ".ci", "dev.py")

#: Commands that write a generated file each; with ``--check`` they only tell, by exit status 1, that it is stale.
GENERATORS: tuple[tuple[str, ...], ...] = (
    ("guests/build.py", "--readme"),
    ("infrafabric/cli/reference.py",),
    ("infrafabric/contract/schema.py",),
    ("infrafabric/contract/reference.py",),
    ("infrafabric/server/reference.py",),
    (".ci/reference.py",),
)

_PYTEST_TESTS_FAILED = 1
_PYTEST_COLLECTED_NOTHING = 5

#: Tries after the first, for at most so many tests: what a busy machine disturbs is few, and does not stay the same.
_MORE_TRIES = 2
_MAX_RETRIED = 15

#: How long an interrupted program may take to end.
_INTERRUPT_SECONDS = 10


@attrs.frozen
class Gate:
    """One check: ``run()`` answers whether it passed and a note for the summary."""

    name: str
    purpose: str
    run: Callable[[], tuple[bool, str]]


@attrs.frozen
class Ending:
    """How one gate went."""

    name: str
    passed: bool
    seconds: float
    note: str


def command(*arguments: str) -> int:
    """Run a program of this environment from the root of the repository and return its exit status."""
    environment = os.environ | {"PATH": os.pathsep.join((str(PROGRAMS), os.environ.get("PATH", os.defpath)))}
    print("$", " ".join(arguments), flush=True)
    process = subprocess.Popen(arguments, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)
    try:
        return process.wait()
    except KeyboardInterrupt:  # the terminal told the program as well; let it end its own children
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(_INTERRUPT_SECONDS)
        process.kill()
        process.wait()
        raise


def tool(*arguments: str) -> Callable[[], tuple[bool, str]]:
    """Make a gate of one command."""
    return lambda: (command(*arguments) == 0, "")


def types() -> tuple[bool, str]:
    """Check the types of everything that is Python here."""
    return command("mypy", *(path for path in TYPED if (ROOT / path).exists())) == 0, ""


def generated() -> tuple[bool, str]:
    """Check that every generated file is what its generator writes today."""
    stale = [" ".join(generator) for generator in GENERATORS if command(sys.executable, *generator, "--check") != 0]
    if stale:
        return False, f"run: python3 dev.py fix (stale: {', '.join(stale)})"
    return True, f"{len(GENERATORS)} generators"


def wheel() -> tuple[bool, str]:
    """Build sdist and wheel, install the wheel in a clean environment, and run a task with it there."""
    with tempfile.TemporaryDirectory(prefix="infrafabric-wheel-") as folder:
        dist, clean = Path(folder) / "dist", Path(folder) / "venv"
        steps: tuple[Callable[[], tuple[str, ...]], ...] = (
            lambda: (sys.executable, "-m", "build", "--outdir", str(dist), str(ROOT)),
            lambda: (sys.executable, "-m", "venv", str(clean)),
            lambda: (str(clean / "bin/pip"), "install", "--quiet", *map(str, dist.glob("*.whl"))),
            lambda: (str(clean / "bin/pip"), "check"),
            lambda: (str(clean / "bin/python"), "-I", str(ROOT / ".ci/smoke.py"), str(clean / "bin/infrafabric")),
        )
        for step in steps:
            if command(*step()) != 0:
                return False, ""
        return True, ", ".join(
            sorted(f"{path.stat().st_size // 1024} KiB {path.suffix[1:]}" for path in dist.iterdir())
        )


def tests(*options: str) -> tuple[bool, str]:
    """Run pytest; the note counts what ran.

    Tests run real deadlines on a machine that others may use: a few that fail get a second and a third try, alone, and
    the note says how many needed one. Many failures, or the same one three times, are failures.
    """
    with tempfile.TemporaryDirectory(prefix="infrafabric-tests-") as folder:
        report = Path(folder) / "junit.xml"
        status = command(sys.executable, "-m", "pytest", f"--junitxml={report}", *options)
        if status == _PYTEST_COLLECTED_NOTHING:
            return True, "no tests"
        counted = _counts(report)
        failed = _failed(report)
        for _ in range(_MORE_TRIES):
            if status != _PYTEST_TESTS_FAILED or not 0 < failed <= _MAX_RETRIED:
                break
            alone = [*options[:2], "-n", "0", "--last-failed"]
            status = command(sys.executable, "-m", "pytest", *alone)
        if status == 0 and failed:
            counted += f"; {failed} passed at a later try"
        return status == 0, counted


def _failed(report: Path) -> int:
    try:
        suites = ET.parse(report).getroot().iter("testsuite")  # noqa: S314 - pytest wrote it just now
    except (OSError, ET.ParseError):
        return 0
    return sum(int(suite.get(name, "0")) for suite in suites for name in ("failures", "errors"))


def _counts(report: Path) -> str:
    try:
        suites = ET.parse(report).getroot().iter("testsuite")  # noqa: S314 - pytest wrote it just now
    except (OSError, ET.ParseError):
        return "pytest did not finish"
    total = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in suites:
        for name in total:
            total[name] += int(suite.get(name, "0"))
    return ", ".join(f"{count} {name}" for name, count in total.items() if count)


def workers() -> int:
    """Test processes: one for each CPU this process may use, at least 2, at most 8."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
    return max(2, min(8, cpus))


GATES = (
    Gate("format", "the formatter would change nothing", tool("ruff", "format", "--check", ".")),
    Gate("lint", "every rule holds, or says why not", tool("ruff", "check", ".")),
    Gate("imports", "dependencies point one way", tool("lint-imports", "--no-cache")),
    Gate("types", "mypy --strict", types),
    Gate("generated", "generated files are up to date", generated),
    Gate("wheel", "the wheel installs and runs in a clean environment", wheel),
    Gate("timing", "tests that measure time, alone on the machine", lambda: tests("-m", "timing", "-n", "0")),
    Gate(
        "tests",
        "all other tests: units, examples, documentation",
        lambda: tests("-m", "not timing", "-n", str(workers()), "--dist", "loadgroup"),
    ),
)


def fix() -> int:
    """Do what the format, lint and generated gates ask for, as far as a program can."""
    commands = (("ruff", "check", "--fix-only", "."), ("ruff", "format", "."))
    return max(command(*arguments) for arguments in (*commands, *((sys.executable, *g) for g in GENERATORS)))


def run(gates: tuple[Gate, ...]) -> int:
    """Run ``gates`` in order, print the summary, and return 0 when all of them passed."""
    endings: list[Ending] = []
    for gate in gates:
        print(f"\n=== {gate.name}: {gate.purpose}", flush=True)
        started = time.monotonic()
        try:
            passed, note = gate.run()
        except KeyboardInterrupt:
            summarize(endings)
            print(f"Interrupted during {gate.name}", flush=True)
            return 130
        endings.append(Ending(gate.name, passed, time.monotonic() - started, note))
        print(f"=== {gate.name}: {_verdict(endings[-1])} in {endings[-1].seconds:.1f} s", flush=True)
    summarize(endings)
    return 0 if all(ending.passed for ending in endings) else 1


def summarize(endings: list[Ending]) -> None:
    """Print one line for each gate that ran, and one for all."""
    if not endings:
        return
    width = max(len(name) for name in ("gate", *(ending.name for ending in endings)))
    print(f"\n{'gate':{width}}  result  seconds")
    for ending in endings:
        print(f"{ending.name:{width}}  {_verdict(ending):6}  {ending.seconds:7.1f}  {ending.note}".rstrip())
    failed = [ending.name for ending in endings if not ending.passed]
    if failed:
        print(f"{len(failed)} of {len(endings)} gates failed: {', '.join(failed)}")
        print(f"Run again with: python3 dev.py test {' '.join(failed)}", flush=True)
    else:
        print(f"{len(endings)} gates passed", flush=True)


def _verdict(ending: Ending) -> str:
    return "passed" if ending.passed else "FAILED"


def main() -> int:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="gates.py", description=__doc__)
    parser.add_argument("gates", nargs="*", metavar="GATE", help="only these")
    parser.add_argument("--list", action="store_true", help="list the gates and stop")
    parser.add_argument("--fix", action="store_true", help="format, fix and regenerate instead of checking")
    arguments = parser.parse_args()
    by_name = {gate.name: gate for gate in GATES}
    unknown = [name for name in arguments.gates if name not in by_name]
    if unknown:
        parser.error(f"no gate is called {', '.join(unknown)}; there are {', '.join(by_name)}")
    if arguments.list:
        print("\n".join(f"{gate.name:10} {gate.purpose}" for gate in GATES))
        return 0
    if arguments.fix:
        return fix()
    return run(tuple(gate for gate in GATES if not arguments.gates or gate.name in arguments.gates))


if __name__ == "__main__":
    raise SystemExit(main())
