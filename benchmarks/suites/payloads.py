"""What it costs to hand bytes in and to read JSON out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.contenders import names
from benchmarks.lanes import Contender, race

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort, Row

_KIB = 1024
_SIZES = (("4 KiB", 4 * _KIB), ("64 KiB", 64 * _KIB), ("1 MiB", _KIB * _KIB))


def measure(effort: Effort) -> Iterator[Row]:
    """Bytes in and JSON out: a guest that adds its words, and two example guests."""
    for label, size in _SIZES:
        yield from _summer(effort, label, size)
    for guest, task, kind in (("linecount", "count_lines", "lines"), ("jsoncheck", "validate", "json")):
        for label, size in (_SIZES[0], _SIZES[2]):
            yield from _guest(effort, f"{guest} {task}, {label} in", guest, task, kind, size)


def _summer(effort: Effort, label: str, size: int) -> Iterator[Row]:
    extism, wasmtime = f"extism, {label}", f"wasmtime-py, {label}"
    given = {"guest": "summer", "task": "run", "kind": "lines", "size": size}
    run = race(
        [
            Contender("fresh", f"{names.OURS}:buffer", {**given, "kept": False}),
            Contender("kept", f"{names.OURS}:buffer", {**given, "kept": True}),
            Contender(extism, f"{names.EXTISM}:payload_call", {"size": size}),
            Contender(wasmtime, f"{names.WASMTIME}:payload_call", given),
        ],
        effort.pick(9, 24),
        heats=effort.pick(1, 2),
    )
    what = f"{label} in, a JSON reply out"
    note = "the same sum by the peer's convention: its guest fetches eight bytes at a time"
    yield run.row(f"{what}, kept", "kept", extism, note=note)
    yield run.row(f"{what}, kept", "kept", wasmtime, note="by hand, limits nothing")
    yield run.row(f"{what}, fresh", "fresh", extism)


def _guest(effort: Effort, what: str, guest: str, task: str, kind: str, size: int) -> Iterator[Row]:
    peer = "wasmtime-py, warm, by hand"
    given = {"guest": guest, "task": task, "kind": kind, "size": size}
    run = race(
        [
            Contender("fresh", f"{names.OURS}:buffer", {**given, "kept": False}),
            Contender("kept", f"{names.OURS}:buffer", {**given, "kept": True}),
            Contender(peer, f"{names.WASMTIME}:payload_call", given),
        ],
        effort.pick(7, 15),
    )
    yield run.row(f"{what}, kept", "kept", peer)
    yield run.row(f"{what}, fresh", "fresh", peer, note="the peer's instance is warm")
