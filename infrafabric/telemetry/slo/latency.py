"""Latency percentiles of the last hour: a small log-linear histogram, in four slots of a quarter.

Eight steps to each doubling keep any percentile within about 6 % of the exact one, from two microseconds to a day,
in 280 buckets. A sketch library was rejected: recording into one costs more than the rest of the record together.
"""

from __future__ import annotations

from array import array
from operator import add
from typing import TYPE_CHECKING, Any, Final

from infrafabric.telemetry.slo.rings import from_bytes, to_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Latencies are binned in steps of 1,024 ns.
UNIT_BITS: Final = 10
#: Below this many units a bin is one unit wide; from there on there are eight bins to each doubling.
LINEAR: Final = 16
BINS: Final = 280
SLOT_NS: Final = 900 * 10**9
SLOTS: Final = 4
#: What all slots share in which nothing happened; it is never written to.
_NOTHING: Final = array("I", bytes(4 * BINS))
WINDOW_SECONDS: Final = SLOT_NS * SLOTS // 10**9


def bin_of(latency_ns: int) -> int:
    """The bin of a latency. The hot path in `Ledger.record` holds a copy of this, to spare the call.

    >>> bin_of(0), bin_of(16 * 1024), bin_of(10**15)
    (0, 16, 279)
    """
    units = latency_ns >> UNIT_BITS
    if units < LINEAR:
        return max(units, 0)
    shift = units.bit_length() - 4
    return min((shift << 3) + (units >> shift), BINS - 1)


def bin_edge_ns(number: int) -> int:
    """The smallest latency of a bin."""
    if number < LINEAR:
        return number << UNIT_BITS
    shift = (number >> 3) - 1
    return ((number & 7) + 8) << shift << UNIT_BITS


class LatencyRing:
    """Counts per bin for the running slot and the three before it. ``now`` is the running slot's counts."""

    __slots__ = ("now", "slot", "slots")

    def __init__(self, timeline_ns: int) -> None:
        self.slot = timeline_ns // SLOT_NS
        self.slots = [_NOTHING] * SLOTS
        self.now = self.slots[self.slot % SLOTS] = _NOTHING[:]

    def rotate(self, timeline_ns: int) -> None:
        """Empty the slots that were passed."""
        slot = timeline_ns // SLOT_NS
        for passed in range(max(self.slot + 1, slot - SLOTS + 1), slot + 1):
            self.slots[passed % SLOTS] = _NOTHING
        self.slot = max(self.slot, slot)
        now = self.slots[self.slot % SLOTS]
        self.now = self.slots[self.slot % SLOTS] = _NOTHING[:] if now is _NOTHING else now

    def counts(self) -> list[int]:
        """Events of each bin over all slots."""
        counts = list(self.now)
        for slot in self.slots:
            if slot is not self.now and any(slot):
                counts = list(map(add, counts, slot))
        return counts

    def dump(self) -> dict[str, Any]:
        """Plain data for `restore`."""
        return {"slot": self.slot, "slots": [to_bytes(slot) for slot in self.slots]}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `dump` gave, then pass the slots that went by since. `ValueError` for a wrong shape."""
        slots = [from_bytes("I", raw) for raw in state["slots"]]
        if [len(slot) for slot in slots] != [BINS] * SLOTS:
            raise ValueError(f"expected {SLOTS} latency slots of {BINS} bins")
        now = self.slot
        self.slot, self.slots = int(state["slot"]), slots
        self.rotate(now * SLOT_NS)


def merged(counts: Sequence[int], most: int = 30) -> list[tuple[int, int]]:
    """(upper edge in nanoseconds, events) of at most ``most`` bins, from the first to the last that holds any.

    Neighbours are put together, so no event changes sides of an edge that is shown.
    """
    held = [number for number, count in enumerate(counts) if count]
    if not held:
        return []
    width = -(-(held[-1] - held[0] + 1) // most)
    return [
        (bin_edge_ns(first + width), sum(counts[first : first + width]))
        for first in range(held[0], held[-1] + 1, width)
    ]


def percentile_ns(counts: list[int], total: int, percent: int) -> int | None:
    """The latency that ``percent`` of ``total`` events do not exceed, read in the middle of its bin; None without any.

    The rank is the nearest-rank definition's: the smallest latency that covers the share.
    """
    if total == 0:
        return None
    rank = max(1, -(-percent * total // 100))
    seen = 0
    for number, count in enumerate(counts):
        seen += count
        if seen >= rank:
            return (bin_edge_ns(number) + bin_edge_ns(number + 1)) // 2
    raise AssertionError("the total is not that of the counts")  # pragma: no cover
