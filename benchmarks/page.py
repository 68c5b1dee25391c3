"""The page ``docs/reference/benchmarks.md``, written from one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.report import by_what, curve_cells, grid_cells, markdown_cells, markdown_table

if TYPE_CHECKING:
    from benchmarks.report import Results

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "benchmarks.md"

_GROWTH = """\
Each curve stands in its chapter as a table; its exponent is the slope on logarithmic axes: 0 is flat, 1 linear, 2
quadratic. A fixed cost is taken off before. Ours have to stay at 1, with a margin of 0.15 for noise. Payloads are held
against a copy in the host as well: one that no longer fits the processor's caches, as between 1 and 8 MiB, is steeper
than linear for everybody.

![Curves of costs that grow](../images/benchmarks-growth.svg)
"""

_HOW = """\
## How it is measured

- **Beside each other, in turn.** Every contender has a process of its own; one moves at a time, the others are stopped
  with a signal. A round measures each once, for some milliseconds; the order turns round from round to round. A ratio
  is taken within a round. The table shows the median of the rounds' ratios, and their quartiles.
  Where code's place in memory matters, rounds are spread over sets of new processes. Where calls take milliseconds
  (compute), the quickest call of a round counts.
- **Ratios are in time**: 0.5 is half the time of the other, so less is better. A bar "x the speed" is the inverse. In
  the chapter on threads figures are tasks a second, and more is better.
- **On a thread that is not the main one**, as in a server, unless a line says otherwise: on the main thread Ctrl-C has
  to work, which costs more.
- **Every limit is on**: memory, tables, deadline, rate, queue, CPU share, log, payload, host memory, and the SLO
  record; the result is made, and nobody listens to the witness. The rate and the CPU share are set so high that they
  are kept and not met. Lines about compute and deadlines give the guest a whole core, which is a share that nobody has
  to look at.
- **The same work where the peer allows.** Where it does not, the line's note says so. Peers that limit nothing do less.

## What these figures are not

- They hold for the machine above and what else ran on it. Compare ratios, not microseconds, and expect them to move by
  a tenth from run to run; extism's warm call wakes a timer thread and takes from 8 to 25 us by itself, depending on
  whether another core is free.
- The guest of the first table does nothing. One that works for a millisecond hides everything in that table.
- A peer at its best is not shown: wasmtime embedded from Rust has none of Python's cost, on either side.
"""

_MISSED = """\
## Where a bar may be missed, and why

- **A task beside extism's warm call.** A warm call there limits and counts nothing. What ours adds is Python: some
  1,450 bytecodes for every limit, objective and figure of a kept instance, and two system calls that see that guests'
  faults still reach the engine. The C calls themselves take 0.4 us kept and 4 us fresh
  ([what a task costs](../explanation/what-a-task-costs.md)). Less is to be had from a compiled extension, which was
  rejected ([decision 8](../adr/0008-a-task-is-the-engines-run.md)).
- **A deadline beside busy Python threads.** The guest stops when the epoch callback says so, and its caller goes on
  when the call returns: both have to get the interpreter's lock, which four busy threads hand on every 5 ms, to
  anybody. Twice four turns are 40 ms. `sys.setswitchinterval(0.001)` makes that 8 (p50 56 ms): the application decides.
"""

_AGAIN = """\
## Run it again

<!-- skip: it measures for minutes -->
```sh
pip install -e '.[bench]'                              # the peers; any of them may be missing
pip install pywasm3                                    # one more: needs a C compiler and Python's headers
python benchmarks/run.py --quick                       # two minutes
python benchmarks/run.py -o results.json               # about seven
python benchmarks/run.py --only tasks --only loading   # some of it
python benchmarks/run.py --write-docs                  # this page, its charts, the tables of what-a-task-costs.md
python benchmarks/budgets.py                           # what a task does, counted, beside its budgets
```

`benchmarks/run.py --list` names the suites. A peer that is not installed is named in its lines, and a bar that needs it
is shown as not measured.
"""


def page(results: Results) -> str:
    """The whole page."""
    machine = results.machine
    met = sum(row.met is True for row in results.judged)
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    before, after = machine["load_before"][0], machine["load_after"][0]
    effort = "A quick run" if results.quick else "A full run"
    purpose = (
        "What running a swarm costs, beside other ways to run somebody's code from Python. "
        f"Written by `python benchmarks/run.py --write-docs`; {met} of {len(results.judged)} bars were met."
    )
    measured = (
        f"Measured on {machine['date']}: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB; "
        f"{machine['system']}; {machine['python']}; {versions}. {effort} of {results.seconds / 60:.1f} minutes; "
        f"load average of one minute {before} before, {after} after."
    )
    parts = [
        "# Benchmarks",
        purpose,
        measured,
        *(["Missing peers: " + "; ".join(results.missing) + "."] if results.missing else []),
        "![Time of one task beside other ways to run code](../images/benchmarks.svg)",
        "## The bars",
        markdown_table(results.judged, notes=False),
    ]
    for chapter in results.chapters:
        parts.append(f"## {chapter.title}")
        if chapter.rows:
            parts.append(markdown_table(chapter.rows))
        for what, curves in by_what(chapter.curves):
            parts += [f"**{what}**, in {curves[0].unit}:", markdown_cells(curve_cells(curves))]
        for grid in chapter.grids:
            parts += [f"**{grid.what}**, in {grid.unit}:", markdown_cells(grid_cells(grid))]
    if any(chapter.curves for chapter in results.chapters):
        parts += ["## How costs grow", _GROWTH.rstrip()]
    parts += [_MISSED.rstrip(), _HOW.rstrip(), _AGAIN.rstrip()]
    return "\n\n".join(parts) + "\n"
