"""How fast guests compute under our settings, beside the bare engine with and without epoch checks.

Whole tasks beside whole calls: the copy of the input is in both, our limits and records only in ours. Of the calls of a
batch the quickest counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.contenders import names
from benchmarks.figures import Bar
from benchmarks.lanes import Contender, race

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort, Row

_MIB = 1 << 20
_KERNELS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("CRC-32 of 1 MiB (C)", {"guest": "checksum", "task": "crc32", "kind": "lines", "size": _MIB}),
    ("line count of 4 MiB (Rust)", {"guest": "linecount", "task": "count_lines", "kind": "lines", "size": 4 * _MIB}),
    ("JSON check of 1 MiB (Rust)", {"guest": "jsoncheck", "task": "is_valid", "kind": "json", "size": _MIB}),
    ("fib(30), recursive (WAT)", {"guest": "fib", "task": "fib", "numbers": [30]}),
    ("a loop of 8 million turns (WAT)", {"guest": "spin", "task": "spin_for", "numbers": [8_000_000]}),
)
_EPOCHS = "wasmtime-py, epochs on"
_DEFAULTS = "wasmtime-py, its defaults"


def measure(effort: Effort) -> Iterator[Row]:
    """Each kernel beside both."""
    for what, given in _KERNELS:
        run = race(
            [
                Contender("ours", f"{names.OURS}:compute", given),
                Contender(_EPOCHS, f"{names.WASMTIME}:compute", {**given, "epochs": True}),
                Contender(_DEFAULTS, f"{names.WASMTIME}:compute", {**given, "epochs": False}),
            ],
            effort.pick(9, 30),
            heats=effort.pick(1, 3),
            batch_ns=25_000_000,
        )
        yield run.row(what, "ours", _EPOCHS, unit="ms", bar=Bar(limit=0.98, at_most=False, of="speed"))
        yield run.row(what, "ours", _DEFAULTS, unit="ms", note="what looking at the deadline costs a loop")
