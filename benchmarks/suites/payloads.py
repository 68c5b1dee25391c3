"""What it costs to hand bytes in and to read an answer out, and how that grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from benchmarks.contenders import names
from benchmarks.curves import LINEAR_MARGIN, Curve, exponent, size_label
from benchmarks.figures import Bar, Spread
from benchmarks.lanes import Contender, race

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.figures import Effort, Row
    from benchmarks.lanes import Race

_KIB = 1024
_MIB = 1 << 20
_SIZES = (0, 4 * _KIB, 64 * _KIB, _MIB, 8 * _MIB)
_KEPT, _FRESH = "governed task, kept", "governed task, fresh"
_EXTISM, _WASMTIME = "extism, warm plug-in", "wasmtime-py, warm, by hand"
#: Beyond the processor's caches a copy grows faster than its size; nobody who copies can do better.
_COPY = "a copy in the host alone"
_FETCHES = "the same sum by the peer's convention: its guest fetches eight bytes at a time"


@attrs.frozen
class _Direction:
    """Bytes in or bytes out: who takes part, and the note on the line beside extism."""

    what: str
    contenders: Callable[[int], list[Contender]]
    note: str


def measure(effort: Effort) -> Iterator[Row | Curve]:
    """Bytes in with a short answer, bytes out for a short question, and two example guests."""
    for direction in (
        _Direction("bytes in, a JSON reply of 26 bytes out", _in, _FETCHES),
        _Direction("8 bytes in, bytes out", _out, ""),
    ):
        yield from _curves(effort, direction)
    for guest, task, kind in (("linecount", "count_lines", "lines"), ("jsoncheck", "validate", "json")):
        for size in (4 * _KIB, _MIB):
            yield from _guest(effort, f"{guest} {task}, {size_label(size)} in", guest, task, kind, size)


def _in(size: int) -> list[Contender]:
    given = {"guest": "summer", "task": "run", "kind": "lines", "size": size}
    return [
        Contender(_KEPT, f"{names.OURS}:buffer", {**given, "kept": True}),
        Contender(_FRESH, f"{names.OURS}:buffer", {**given, "kept": False}),
        Contender(_EXTISM, f"{names.EXTISM}:payload_call", {"size": size}),
        Contender(_WASMTIME, f"{names.WASMTIME}:payload_call", given),
    ]


def _out(size: int) -> list[Contender]:
    return [
        Contender(_KEPT, f"{names.OURS}:filling", {"size": size, "kept": True}),
        Contender(_FRESH, f"{names.OURS}:filling", {"size": size, "kept": False}),
        Contender(_EXTISM, f"{names.EXTISM}:filling", {"size": size}),
        Contender(_WASMTIME, f"{names.WASMTIME}:filling", {"size": size}),
    ]


def _curves(effort: Effort, direction: _Direction) -> Iterator[Row | Curve]:
    """A race for each size; the sizes 4 KiB and 1 MiB as lines beside peers, all of them as curves."""
    found: dict[str, list[tuple[float, float]]] = {}
    for size in _SIZES:
        copy = Contender(_COPY, f"{names.OTHERS}:copying", {"size": size})
        run = race([*direction.contenders(size), copy], effort.pick(5, 9))
        for who, took in run.rounds.items():
            found.setdefault(who, []).append((float(size), Spread.of(took).median / 1e3))
        if size in {4 * _KIB, _MIB}:
            yield from _beside(run, f"{size_label(size)}: {direction.what}", direction.note)
    limit = max(1.0, exponent(found[_COPY])) + LINEAR_MARGIN
    bar = Bar(limit=round(limit, 2), unit="(linear, or that of a copy; and a margin)")
    for who, points in found.items():
        yield Curve(
            what=f"{direction.what}, by its size",
            who=who,
            unit="us",
            points=tuple(points),
            bar=bar if who in {_KEPT, _FRESH} else None,
            label=size_label,
        )


def _beside(run: Race, what: str, note: str) -> Iterator[Row]:
    yield run.row(f"{what}, kept", _KEPT, _EXTISM, note=note)
    yield run.row(f"{what}, kept", _KEPT, _WASMTIME, note="the peer limits nothing")
    yield run.row(f"{what}, fresh", _FRESH, _EXTISM, note="the peer's instance is warm")


def _guest(effort: Effort, what: str, guest: str, task: str, kind: str, size: int) -> Iterator[Row]:
    given: dict[str, Any] = {"guest": guest, "task": task, "kind": kind, "size": size}
    run = race(
        [
            Contender("fresh", f"{names.OURS}:buffer", {**given, "kept": False}),
            Contender("kept", f"{names.OURS}:buffer", {**given, "kept": True}),
            Contender(_WASMTIME, f"{names.WASMTIME}:payload_call", given),
        ],
        effort.pick(5, 11),
    )
    yield run.row(f"{what}, kept", "kept", _WASMTIME)
    yield run.row(f"{what}, fresh", "fresh", _WASMTIME, note="the peer's instance is warm")
