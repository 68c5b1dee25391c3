"""The numbered examples run as they are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPTS = sorted(path for path in EXAMPLES.glob("*.py") if not path.name.startswith("_"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_an_example_runs_from_any_folder(script: Path, tmp_path: Path) -> None:
    """It ends with success, prints something, and leaves nothing open."""
    done = subprocess.run(
        [sys.executable, "-W", "default", str(script)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert not re.search("ResourceWarning|Exception ignored in", done.stderr), done.stderr


def test_examples_are_numbered_without_a_gap() -> None:
    """01, 02, 03 ...: a reader knows where to start and what comes next."""
    assert [path.name[:3] for path in SCRIPTS] == [f"{number:02}_" for number in range(1, len(SCRIPTS) + 1)]
