"""Files that are made from the contract's declarations: write them, or say that they are stale.

``python -m infrafabric.contract.schema`` and ``python -m infrafabric.contract.reference`` write theirs; with
``--check`` they only tell, by exit status 1, that a file is not what would be written.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: The source tree that the files belong to.
ROOT = Path(__file__).resolve().parents[2]


def main(files: Mapping[str, Callable[[], str]], module: str, arguments: Sequence[str] | None = None) -> int:
    """Write ``files`` (paths from the root of the source tree), or check them. Returns the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=f"Write {', '.join(files)}.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--write", action="store_true", help="write what is stale (the default)")
    choice.add_argument("--check", action="store_true", help="write nothing; exit with 1 if something is stale")
    parser.add_argument("--root", type=Path, default=ROOT, help="another source tree")
    options = parser.parse_args(arguments)
    if not options.root.joinpath("pyproject.toml").is_file():
        parser.error(f"{options.root} is no source tree: it has no pyproject.toml")
    stale = [name for name, make in files.items() if _read(options.root / name) != make()]
    for name in stale:
        if options.check:
            sys.stderr.write(f"{name} is not what the declarations say: run python -m {module}\n")
        else:
            path = options.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name](), encoding="utf-8", newline="\n")
    return 1 if stale and options.check else 0


def _read(path: Path) -> str | None:
    return path.read_bytes().decode("utf-8", "replace") if path.is_file() else None
