"""The numbered examples run as they are, and show what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPTS = sorted(path for path in EXAMPLES.glob("*.py") if not path.name.startswith("_"))

#: What each prints, in this order, with anything between. (How fast things go is not among it.)
SHOWS = {
    "01": (
        r"example\.py: 32 lines, 9 findings",
        r"14:16 +high +S002",
        r"32:12 +high +S001",
        r"success in .* of 64 MiB",
    ),
    "02": (
        r"greet\.greet +success +nobody +Hello, world!",
        r"arith\.divmod +trap +guest",
        r"slug\.process +guest_error +guest",
        r"arith\.divmod +invalid_params +caller",
        r"arith\.sqrt +unknown_task +caller",
        r"spin\.spin +timeout +guest",
        r"raised TaskTrapped, trap code integer_division_by_zero",
        r"7 / 2 = \[3, 1\]",
    ),
    "03": (
        r"words: \[1, 2, 3, 4\]",
        r"not done after 0\.1 s",
        r"cancelled, and its guest has stopped",
        r"longest word: 7 letters",
    ),
    "04": (
        r"100 % of a core: .* 0\.000 s of them paused",
        r" 10 % of a core: .* 0\.(?!000)\d+ s of them paused",
        r"8 MiB of memory, 2\.1 used: 300000 lines",
        r"2 MiB of memory, 0\.1 used: memory_exceeded",
        r"2 log records kept, 3 dropped",
        r"debug: level 1\n$",
    ),
    "05": (
        r"fresh instances: \[1, 1, 1\]",
        r"a kept instance: \[1, 2, 3\]",
        r"after a trap: \[1, 2\]",
        r"1\.1: \[1\]",
    ),
    "06": (
        r"witness: loaded arith",
        r"'trap': 2",
        r"2 bad of",
        r"error budget left: \d\d%",
        r"witness: unloaded arith",
    ),
    "07": (r"\nRust +", r"\nC\+\+ +", r"\nZig .*any-language-really", r"\nGo +", r"\nWAT .* 5\.0\n$"),
}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_an_example_runs_from_any_folder(script: Path, tmp_path: Path) -> None:
    """It ends with success, prints what it is there to show, and leaves nothing open."""
    done = subprocess.run(
        [sys.executable, "-W", "default", str(script)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(".*".join(SHOWS[script.name[:2]]), done.stdout, re.DOTALL), done.stdout
    assert not re.search("ResourceWarning|Exception ignored in", done.stderr), done.stderr


def test_examples_are_numbered_without_a_gap() -> None:
    """01, 02, 03 ...: a reader knows where to start and what comes next."""
    assert [path.name[:3] for path in SCRIPTS] == [f"{number:02}_" for number in range(1, len(SCRIPTS) + 1)]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_an_example_is_short_and_says_how_to_run_it(script: Path) -> None:
    """It is read in a few minutes, and found from the index."""
    text = script.read_text(encoding="utf-8")
    assert text.count("\n") <= 80
    assert f"    python examples/{script.name}" in text
    assert f"({script.name})" in (EXAMPLES / "README.md").read_text(encoding="utf-8")
