"""Writes the tables of ``docs/explanation/what-a-task-costs.md``: ``python benchmarks/steps.py [--quick]``.

``benchmarks/run.py --write-docs`` writes them as well, with its page; this takes half a minute instead of all of it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.figures import Effort
from benchmarks.report import grid_cells, markdown_cells
from benchmarks.suites import steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.grids import Grid

PAGE = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "what-a-task-costs.md"
_BEGIN, _END = "<!-- tables: benchmarks/steps.py -->\n", "<!-- end of tables -->\n"


def tables(grids: Iterable[Grid]) -> str:
    """The grids as Markdown, each under what it shows."""
    return "\n\n".join(f"**{grid.what}**, in {grid.unit}:\n\n{markdown_cells(grid_cells(grid))}" for grid in grids)


def written(page: str, grids: Iterable[Grid]) -> str:
    """The page with these tables between its marks. Raises ValueError when a mark is missing."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name} has no '{_BEGIN.strip()}' with '{_END.strip()}' behind it")
    return f"{before}{begin}\n{tables(grids)}\n\n{end}{after}"


def write(grids: Sequence[Grid], path: Path = PAGE) -> None:
    """Put the tables into the page."""
    path.write_text(written(path.read_text(encoding="utf-8"), grids), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="benchmarks/steps.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    given = parser.parse_args(arguments)
    grids = list(steps.measure(Effort(quick=given.quick)))
    print(tables(grids))
    write(grids)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
