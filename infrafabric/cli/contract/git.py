"""Files as they stood at a commit, asked of the ``git`` program.

A library that reads repositories was rejected: whoever compares with a commit has git, and git knows about
worktrees, partial clones and replaced objects.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import click

from infrafabric.contract.reading import MAX_FILE_BYTES
from infrafabric.errors import escape

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_SECONDS = 60
#: What git tells its hooks of the repository they run in, for the folder they begin in; we look from others.
_OF_HOOKS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})


def commit_of(folder: Path, ref: str) -> str:
    """The commit that ``ref`` names in the repository of ``folder``. Raises `click.UsageError`."""
    found = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found.returncode != 0:
        said = found.stderr.decode(errors="replace").strip() or "no such branch, tag or commit"
        raise click.UsageError(
            f"git knows no '{escape(ref, 100)}' in '{escape(str(folder), 200)}': {escape(said, 300)}"
        )
    return found.stdout.decode().strip()


def file_at(commit: str, path: Path) -> str | None:
    """The text of a file as it stood at a commit; None where there was none.

    Raises `click.UsageError` for a file that is too large to be a contract, or no text.
    """
    spec = f"{commit}:./{path.name}"
    kind = _git(path.parent, "cat-file", "-t", spec)
    if kind.returncode != 0 or kind.stdout.strip() != b"blob":
        return None
    size = _git(path.parent, "cat-file", "-s", spec)
    if int(size.stdout) > MAX_FILE_BYTES:
        raise click.UsageError(f"'{escape(str(path), 200)}' had {int(size.stdout):,} bytes there: that is no contract")
    return _git(path.parent, "cat-file", "blob", spec).stdout.decode("utf-8-sig", "replace")


def changed_since(folder: Path, commit: str, patterns: tuple[str, ...]) -> list[Path]:
    """Files below ``folder`` that are new or another than at a commit, by the shell patterns of their names."""
    listed = _git(folder, "diff", "--name-only", "-z", "--relative", "--diff-filter=AM", "--no-renames", commit, "--",
                  *patterns)  # fmt: skip
    if listed.returncode != 0:
        raise click.UsageError(f"git: {escape(listed.stderr.decode(errors='replace').strip(), 300)}")
    return [folder / name.decode("utf-8", "surrogateescape") for name in listed.stdout.split(b"\0") if name]


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - what the user names is never an option: git is told where options end
            ("git", "-C", str(folder), *arguments),  # noqa: S607 - the user's git
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name not in _OF_HOOKS},
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise click.UsageError("git is not installed; --against FILE compares with a file") from None
    except subprocess.TimeoutExpired:
        raise click.UsageError(f"git took more than {_TIMEOUT_SECONDS} s") from None
