"""What one task does, counted: figures that do not depend on the machine's mood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from benchmarks.contenders.ours import chassis, contract
from benchmarks.figures import Row
from benchmarks.guest_modules import module
from benchmarks.hot_path import count
from benchmarks.lanes import probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort

_HERE = "benchmarks.suites.hot_path"
_UNITS = {
    "python_calls": "Python calls",
    "builtin_calls": "built-in calls",
    "bytecode": "bytecode instructions",
    "peak_bytes": "bytes at the peak",
}


def measure(_effort: Effort) -> Iterator[Row]:
    """Calls and memory of a kept and of a fresh task."""
    for kept in (True, False):
        got = probe(f"{_HERE}:counts", kept=kept)
        for name, unit in _UNITS.items():
            yield Row(what=f"scalar task, {'kept' if kept else 'fresh'} instance", ours=got[name], unit=unit)


def counts(*, kept: bool) -> dict[str, int]:
    """The counts of one scalar task."""
    with chassis() as made:
        made.load_swarm("swarm", module("nothing"), contract("swarm", kept=kept))
        return attrs.asdict(count(lambda: made.execute_task("swarm", "run")))
