"""Event counts over time in bounded memory: any window is one subtraction.

A ring knows, for each bucket, the *running totals at the bucket's start*, all counters side by side. A window's
counts are then the totals now less one row, whatever the window's length and however many events fell into it;
recording an event touches no ring at all. A row is kept only where it differs from the one before, so that a swarm
that is idle shrinks to next to nothing. A ring of counts per bucket was rejected: summing its 720 buckets for each
number shown costs more than the whole evaluation does now; and a row for every bucket, too: a swarm that ran one task
held 110 KB for a month.

Positions are units (`BurnPlan`); nothing here knows a clock. Not thread-safe: the owner holds a lock.
"""

from __future__ import annotations

import copy
import sys
from array import array
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infrafabric.telemetry.slo.burn import BurnPlan, RingShape

#: A ring that looks back over less than this keeps its totals modulo 2**32, which still subtracts exactly while
#: fewer than 2**32 events fall into it: a million a second, several times what one lock lets through.
_SHORT_NS: Final = 2**32 * 1000
#: Rows that are needed no more are dropped so many at a time.
_LOT: Final = 32


class Ring:
    """One resolution: the totals at the start of each of the last ``buckets`` buckets of ``step`` units.

    ``rows[n]`` are the totals at the start of bucket ``starts[n]`` and of all up to the next start; before the first
    they are zero.
    """

    __slots__ = ("buckets", "columns", "head", "mask", "rows", "starts", "step")

    def __init__(self, shape: RingShape, columns: int, plan: BurnPlan) -> None:
        self.step = shape.step
        self.buckets = shape.buckets
        self.columns = columns
        self.head = 0
        short = plan.unit_start_ns(shape.step * shape.buckets) < _SHORT_NS
        self.mask = 2**32 - 1 if short else 2**64 - 1
        self.starts = array("q")
        self.rows = array("I" if short else "Q")

    @property
    def oldest(self) -> int:
        """The oldest bucket that is remembered."""
        return self.head - self.buckets + 1

    def rotate(self, unit: int, totals: Sequence[int]) -> None:
        """Start every bucket up to the one that holds ``unit``; no event came since the last call.

        The head moves last, so that a call cut short by Ctrl-C is made good by the next one.
        """
        bucket = unit // self.step
        if bucket > self.head:
            self.fill(self.head + 1, totals)
            self.head = bucket
            self._forget()

    def fill(self, bucket: int, totals: Sequence[int]) -> None:
        """Set the totals at the start of a bucket and of all that follow; none was set for a later one."""
        starts, rows, width = self.starts, self.rows, self.columns
        if starts and starts[-1] == bucket:
            starts.pop()
        del rows[len(starts) * width :]
        row = array(rows.typecode, [total & self.mask for total in totals])
        if row != rows[-width:] if starts else any(row):
            rows.extend(row)
            starts.append(bucket)

    def _forget(self) -> None:
        """Drop rows that no remembered bucket starts with, in lots: moving the others costs more than keeping a few."""
        starts = self.starts
        if len(starts) < 2 or starts[1] > self.oldest:
            return
        dead = bisect_right(starts, self.oldest) - 1
        if dead >= _LOT or dead == len(starts) - 1:
            self.rows, self.starts = self.rows[dead * self.columns :], starts[dead:]

    def since(self, bucket: int, totals: Sequence[int]) -> list[int]:
        """Events of each counter since the start of a bucket; since the oldest, for one that is older."""
        at = (bisect_right(self.starts, max(bucket, self.oldest)) - 1) * self.columns
        mask = self.mask
        if at < 0:
            return [now & mask for now in totals]
        return [(now - then) & mask for now, then in zip(totals, self.rows[at : at + self.columns], strict=True)]

    def copy(self) -> Ring:
        """The same history, which goes on no more when this one does."""
        twin = copy.copy(self)
        twin.starts, twin.rows = self.starts[:], self.rows[:]
        return twin

    def dump(self) -> dict[str, Any]:
        """Plain data for `restore`; numbers are little-endian bytes."""
        return {"head": self.head, "starts": to_bytes(self.starts), "rows": to_bytes(self.rows)}

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `dump` gave. `ValueError` when it is not of this shape."""
        head = int(state["head"])
        starts, rows = from_bytes("q", state["starts"]), from_bytes(self.rows.typecode, state["rows"])
        if len(rows) != len(starts) * self.columns or len(starts) > self.buckets + _LOT:
            raise ValueError(f"a ring of {self.buckets} x {self.columns} totals holds {len(starts)} and {len(rows)}")
        if any(later <= earlier for earlier, later in pairwise([*starts, head + 1])):
            raise ValueError("the buckets of a ring are not in order")
        self.head, self.starts, self.rows = head, starts, rows


class Rings:
    """All resolutions of one set of counters, rotated together. ``totals`` is always what the counters read now."""

    __slots__ = ("columns", "plan", "rings")

    def __init__(self, plan: BurnPlan, shapes: Iterable[RingShape], columns: int) -> None:
        self.plan = plan
        self.columns = columns
        self.rings = tuple(Ring(shape, columns, plan) for shape in shapes)

    def rotate(self, unit: int, totals: Sequence[int]) -> None:
        """Start the buckets up to ``unit`` with these totals."""
        for ring in self.rings:
            ring.rotate(unit, totals)

    def window(self, ring: int, buckets: int, totals: Sequence[int]) -> list[int]:
        """Events of each counter in the last ``buckets`` buckets, the running one included."""
        held = self.rings[ring]
        return held.since(held.head - buckets + 1, totals)

    def window_start_ns(self, ring: int, buckets: int) -> int:
        """Where on the time line that window starts."""
        held = self.rings[ring]
        return self.plan.unit_start_ns((held.head - buckets + 1) * held.step)

    def totals_at(self, unit: int, totals: Sequence[int], *, outward: bool = False) -> list[int] | None:
        """Totals at the start of the finest remembered bucket that holds ``unit``.

        ``outward``: rounded up to a bucket's start instead. None when that lies in the future. For a time before
        everything remembered: the oldest totals there are.
        """
        for ring in self.rings:
            bucket = -(-unit // ring.step) if outward else unit // ring.step
            if bucket > ring.head:
                return None
            if bucket >= ring.oldest or ring is self.rings[-1]:
                return [now - since for now, since in zip(totals, ring.since(bucket, totals), strict=True)]
        raise AssertionError("there are no rings")  # pragma: no cover

    def refill(self, old: Rings, columns: Sequence[int | None], old_totals: Sequence[int], unit: int) -> None:
        """Take over the history of other rings, whatever their resolution, and go on at ``unit``.

        ``columns`` names for each own counter the old one, or None for one that starts at zero. An old bucket that
        straddles a new edge counts as after it.
        """
        totals = pick(old_totals, columns)
        same = [(r.step, r.buckets) for r in self.rings] == [(r.step, r.buckets) for r in old.rings]
        if same and old.plan == self.plan and list(columns) == list(range(old.columns)):
            self.rings = old.rings
            self.rotate(unit, totals)
            return
        for ring in self.rings:
            ring.head = unit // ring.step
            for bucket in range(ring.oldest, ring.head + 1):
                start_ns = self.plan.unit_start_ns(bucket * ring.step)
                then = old.totals_at(old.plan.unit_at(start_ns), old_totals)
                ring.fill(bucket, totals if then is None else pick(then, columns))

    def copy(self) -> Rings:
        """The same history, which goes on no more when this one does."""
        twin = copy.copy(self)
        twin.rings = tuple(ring.copy() for ring in self.rings)
        return twin

    def dump(self) -> list[dict[str, Any]]:
        """Plain data for `restore`."""
        return [ring.dump() for ring in self.rings]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Become what `dump` gave. `ValueError` when it is not of this shape."""
        for ring, saved in zip(self.rings, state, strict=True):
            ring.restore(saved)

    @property
    def memory_bytes(self) -> int:
        """Bytes of all rows."""
        return sum(cells.itemsize * len(cells) for ring in self.rings for cells in (ring.starts, ring.rows))


def pick(totals: Sequence[int], columns: Sequence[int | None]) -> list[int]:
    """The totals in another order of counters; zero for a counter that was not there."""
    return [0 if column is None else totals[column] for column in columns]


def to_bytes(cells: array[int]) -> bytes:
    """Cells as little-endian bytes."""
    if sys.byteorder == "big":
        cells = cells[:]
        cells.byteswap()
    return cells.tobytes()


def from_bytes(typecode: str, raw: bytes) -> array[int]:
    """Cells from little-endian bytes."""
    cells = array(typecode)
    cells.frombytes(raw)
    if sys.byteorder == "big":
        cells.byteswap()
    return cells
