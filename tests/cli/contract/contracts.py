"""What the tests of ``infrafabric contract`` share: contracts on disk, and repositories that hold them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: A contract that nothing can be said against.
CLEAN = 'swarm_id: sums\nversion: "1.0.0"\n'


def write(folder: Path, name: str, text: str) -> Path:
    """A file with a text."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def git(folder: Path, *arguments: str) -> str:
    """Run git there, as nobody in particular."""
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(("git", "-C", str(folder), *who, *arguments), capture_output=True, check=True, timeout=60)
    return done.stdout.decode().strip()


def repository(folder: Path, **files: str) -> Path:
    """A repository with one commit, of contracts by their names without ``.yaml``."""
    git(folder, "init", "--quiet", "--initial-branch=main")
    for name, text in files.items():
        write(folder, f"{name}.yaml", text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=begin")
    return folder
