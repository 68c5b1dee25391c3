"""What one record of a guest's log costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.contenders import names
from benchmarks.curves import LINEAR, Curve
from benchmarks.figures import Row, Spread, at_most, ratios
from benchmarks.lanes import Contender, race

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort

#: Fewer than may wait for the logging handlers, so that none is dropped.
_RECORDS = 500
_GROWING = (1, 10, 50, 100, 250, _RECORDS)
_PEER = "wasmtime-py, a host function"


def measure(effort: Effort) -> Iterator[Row | Curve]:
    """``env.log`` and ``fd_write``: a task of many records less one of none, for each record."""
    ours = f"{names.OURS}:talking"
    given = {"guest": "talker", "handler": False}
    run = race(
        [
            Contender("none", ours, {**given, "records": 0}),
            Contender("env.log", ours, {**given, "records": _RECORDS}),
            Contender("env.log, handler", ours, {**given, "records": _RECORDS, "handler": True}),
            Contender("fd_write", ours, {"guest": "printer", "handler": False, "records": _RECORDS}),
            Contender(_PEER, f"{names.WASMTIME}:talking", {"records": _RECORDS}),
        ],
        effort.pick(9, 31),
        batch_ns=8_000_000,
    )
    theirs = [took / _RECORDS for took in run.rounds[_PEER]]
    yield _growth(effort)
    for what, name in (
        ("env.log record of 32 bytes", "env.log"),
        ("env.log record with a logging handler", "env.log, handler"),
        ("WASI fd_write of a line of 32 bytes", "fd_write"),
    ):
        none = run.rounds["none"]
        each = [(took - nothing) / _RECORDS for took, nothing in zip(run.rounds[name], none, strict=True)]
        yield Row(
            what=what,
            ours=Spread.of(each).median / 1e3,
            unit="us",
            peer=_PEER,
            theirs=Spread.of(theirs).median / 1e3,
            ratio=ratios(each, theirs),
            bar=at_most(10, "us") if name == "env.log" else None,
            note="the peer neither bounds, escapes nor hands on what it reads",
        )


def _growth(effort: Effort) -> Curve:
    ours = f"{names.OURS}:talking"
    run = race(
        [
            Contender(str(records), ours, {"guest": "talker", "handler": False, "records": records})
            for records in _GROWING
        ],
        effort.pick(5, 15),
    )
    return Curve(
        what="a task by the records it logs",
        who="governed task, fresh",
        unit="us",
        points=tuple((float(records), Spread.of(run.rounds[str(records)]).median / 1e3) for records in _GROWING),
        bar=LINEAR,
    )
