"""A clone holds everything it needs: nothing that the project uses is left out of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone of this tree, once committed, would hold."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("this is no git repository: nothing says what belongs to it")
    folder = tmp_path_factory.mktemp("clone")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def run(clone: Path, *arguments: str) -> str:
    """Run Python in the clone, with the clone's package and not the installed one."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {**outer, "PYTHONPATH": str(clone), "XDG_CACHE_HOME": str(clone.parent)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=clone, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_runs_in_a_clone(clone: Path) -> None:
    """No module, guest or data file that it needs is ignored or forgotten."""
    assert run(clone, "-c", "import infrafabric; print(infrafabric.__file__)").startswith(str(clone))
    assert "9 findings" in run(clone, "examples/01_analyze_source.py")


def test_every_guest_and_its_source_is_in_a_clone(clone: Path) -> None:
    """Whoever clones can load them all, and build them all."""
    code = (
        "from guests.built import staleness; from guests.manifest import load_guests\n"
        "print([staleness(guest) for guest in load_guests().values() if staleness(guest)])"
    )
    assert run(clone, "-c", code) == "[]\n"


def test_every_test_is_collected_in_a_clone(clone: Path) -> None:
    """No test leans on a file that only this machine has."""
    options = ("--collect-only", "-qq", "-p", "no:cacheprovider")
    assert "tests/acceptance/test_fresh_clone.py" in run(clone, "-m", "pytest", *options)
