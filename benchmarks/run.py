"""Measures infrafabric beside its peers: ``python benchmarks/run.py [--quick] [--only SUITE] [-o results.json]``.

Prints a table for each suite as it is measured, and the bars that were missed at the end. Ends with status 0 however
the bars stand, because a busy machine misses some: figures are for people. `tests/benchmarks` guards what can be
counted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from rich.console import Console

from benchmarks import chart, machine, steps
from benchmarks.figures import Effort
from benchmarks.lanes import LaneError
from benchmarks.page import PAGE, page
from benchmarks.report import Chapter, Results, cells, tables
from benchmarks.suites.registry import SMOKE, SUITES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.curves import Curve
    from benchmarks.figures import Row
    from benchmarks.grids import Grid
    from benchmarks.suites.registry import Suite


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="benchmarks/run.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a first look in about a minute")
    parser.add_argument("--only", action="append", metavar="SUITE", help="only this suite; may be given again")
    parser.add_argument("--list", action="store_true", help="name the suites and stop")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the results as JSON")
    parser.add_argument(
        "--write-docs", action="store_true", help="write the page, the charts and the tables of the docs"
    )
    given = parser.parse_args(arguments)
    known = {suite.name: suite for suite in (*SUITES, SMOKE)}
    if given.list:
        print("\n".join(f"{suite.name:12} {suite.title}" for suite in known.values()))
        return 0
    unknown = sorted(set(given.only or ()) - set(known))
    if unknown:
        parser.error(f"no suite is called {', '.join(unknown)}; there are {', '.join(known)}")
    if given.write_docs and given.only:
        parser.error("--write-docs writes the whole page: leave out --only")
    chosen = tuple(known[name] for name in dict.fromkeys(given.only)) if given.only else SUITES
    results, failed = measure(chosen, Effort(quick=given.quick))
    if given.output is not None:
        given.output.write_text(json.dumps(results.to_dict(), indent=2) + "\n", encoding="utf-8")
    if given.write_docs and failed:
        print("the page is left as it was: a suite failed", file=sys.stderr)
    elif given.write_docs:
        PAGE.write_text(page(results), encoding="utf-8")
        chart.write(results.chapters)
        steps.write(next(chapter.grids for chapter in results.chapters if chapter.name == "steps"))
    return 1 if failed else 0


def measure(suites: Sequence[Suite], effort: Effort) -> tuple[Results, bool]:
    """Run the suites, printing as they come; whether one failed."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    on = machine.describe()
    console.print(f"{on['cpu']}, {on['cores']} cores, {on['python']}, load {on['load_before'][0]:.2f}", highlight=False)
    started = time.monotonic()
    chapters: list[Chapter] = []
    failed = False
    for suite in suites:
        begun = time.monotonic()
        print(f"{suite.name} ...", file=sys.stderr, flush=True)
        found = _found(suite, effort)
        if found is None:
            failed = True
            continue
        print(f"{suite.name}: {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)
        chapters.append(Chapter.of(suite.name, suite.title, found))
        console.print(*tables(chapters[-1]), sep="\n")
    results = Results(
        machine={**on, "load_after": machine.load()},
        quick=effort.quick,
        seconds=time.monotonic() - started,
        chapters=tuple(chapters),
    )
    _sum_up(console, results)
    return results, failed


def _found(suite: Suite, effort: Effort) -> tuple[Row | Curve | Grid, ...] | None:
    """What a suite finds; None when it failed twice: one accident should not cost the minutes before it."""
    for attempt in ("failed, and is tried again", "failed"):
        try:
            return tuple(suite.measure(effort))
        except (LaneError, ImportError, ArithmeticError, LookupError, ValueError) as error:
            print(f"{suite.name} {attempt}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    return None


def _sum_up(console: Console, results: Results) -> None:
    judged = results.judged
    met = sum(row.met is True for row in judged)
    console.print(f"{met} of {len(judged)} bars met in {results.seconds:.0f} s", highlight=False)
    for row in judged:
        if row.met is not True:
            what, ours, _, _, ratio, bar, verdict = cells(row)
            console.print(f"  {verdict}: {what}: {ours}, ratio {ratio or '-'}, bar {bar}", highlight=False)
    for missing in results.missing:
        console.print(f"  missing peer: {missing}", highlight=False)


if __name__ == "__main__":
    raise SystemExit(main())
