"""How fast guests compute under our settings, beside the bare engine with and without epoch checks.

Whole tasks beside whole calls: the copy of the input is in both, our limits and records only in ours. Of the calls of a
batch the quickest counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.contenders import names
from benchmarks.figures import Bar
from benchmarks.lanes import Contender, race
from benchmarks.suites.kernels import KERNELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort, Row

_EPOCHS = "wasmtime-py, epochs on"
_DEFAULTS = "wasmtime-py, its defaults"


def measure(effort: Effort) -> Iterator[Row]:
    """Each kernel beside both."""
    for kernel in KERNELS:
        run = race(
            [
                Contender("ours", f"{names.OURS}:compute", kernel.given),
                Contender(_EPOCHS, f"{names.WASMTIME}:compute", {**kernel.given, "epochs": True}),
                Contender(_DEFAULTS, f"{names.WASMTIME}:compute", {**kernel.given, "epochs": False}),
            ],
            effort.pick(5, 16),
            heats=effort.pick(1, 2),
            batch_ns=20_000_000,
        )
        yield run.row(kernel.what, "ours", _EPOCHS, unit="ms", bar=Bar(limit=0.98, at_most=False, of="speed"))
        yield run.row(kernel.what, "ours", _DEFAULTS, unit="ms", note="what looking at the deadline costs a loop")
