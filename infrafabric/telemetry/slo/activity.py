"""How busy a swarm was in each of the last sixty minutes, from the rings that its objectives are counted in.

A minute is a subtraction of two running totals, so that a thousand swarms can be listed with their last hour at once.
Rings of their own were rejected: they would cost every record something, for what the budget's already know.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import attrs

from infrafabric.telemetry.slo.objectives import OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.telemetry.slo.ledger import Ledger
    from infrafabric.telemetry.slo.timeline import Timeline

_NS: Final = 10**9
_MINUTE_NS: Final = 60 * _NS
#: So many minutes are told of.
ACTIVITY_POINTS: Final = 60
_HOUR_NS: Final = ACTIVITY_POINTS * _MINUTE_NS
#: Less watched time than this says nothing of a rate.
_WATCHED_MIN_NS: Final = _NS
#: The counters of slices, which are no tasks.
_SLICES: Final = 2 * OBJECTIVES.index("throughput")


@attrs.frozen(kw_only=True)
class Activity:
    """Tasks per second of each of the last 60 minutes, oldest first; None where nobody watched. Empty: unknown.

    ``edges`` are the places on the time line where the minutes begin, and where the last one ends, which is now. A
    minute is exact to a bucket, and its tasks are divided by how long somebody watched.
    """

    edges: tuple[int, ...] = ()
    tasks_per_second: tuple[float | None, ...] = ()


_UNKNOWN: Final = Activity()


def activity(ledger: Ledger) -> Activity:
    """Tasks that succeeded or failed by the guest's own fault: those that availability counts.

    Where only latency is promised, successes alone; unknown where neither is, and before the first task. The caller
    holds the lock and has advanced the ledger.
    """
    rings, plan, now_ns = ledger.rings, ledger.plan, ledger.timeline.last_ns
    if rings is None or ledger.columns[0] >= _SLICES:
        return _UNKNOWN
    ring = next((r for r in rings.rings if plan.unit_start_ns(r.step * r.buckets) >= _HOUR_NS), rings.rings[-1])
    oldest, now = ring.oldest, ledger.row()
    units, unit_ns = plan.units_per_period, plan.period_ns * ring.step
    edges, counts = [], []
    for start_ns in range(now_ns - _HOUR_NS, now_ns, _MINUTE_NS):
        bucket = max(start_ns * units // unit_ns, oldest)
        edges.append(-(-bucket * unit_ns // units))
        counts.append(sum(ring.since(bucket, now)[:2]))
    edges.append(now_ns)
    counts.append(0)
    return Activity(edges=tuple(edges), tasks_per_second=tuple(_rates(ledger.timeline, edges, counts)))


def _rates(line: Timeline, edges: list[int], counts: list[int]) -> Iterator[float | None]:
    """Tasks per second between neighbouring edges; ``counts`` are the tasks from each edge to now."""
    started_ns, holes = line.started_ns, line.holes
    for (start_ns, end_ns), (count, later) in zip(pairwise(edges), pairwise(counts), strict=True):
        first_ns = max(start_ns, started_ns)
        watched_ns = end_ns - first_ns
        if holes:
            watched_ns -= sum(max(0, min(end, end_ns) - max(begin, first_ns)) for begin, end in holes)
        yield (count - later) * _NS / max(watched_ns, _WATCHED_MIN_NS) if watched_ns > 0 else None
