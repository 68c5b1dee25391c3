"""How long successful tasks took, in a few lines: for the board's thirty bins a terminal has no room."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Final

from infrafabric.top import figures
from infrafabric.top.painting import paint_bar, styled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from textual.content import Content

    from infrafabric.board.records import LatencyBin, SwarmPage

#: 1, 2 and 5 microseconds, and so on up to more than a day.
_LADDER: Final = tuple(step * 10.0**power for power in range(-6, 6) for step in (1, 2, 5))


def latency(page: SwarmPage, width: int) -> Iterator[Content]:
    """How many successful tasks took how long, with the target where it lies."""
    target = page.latency_target_seconds
    counts = coarser(page.latency, target)
    if not counts:
        return
    most = max(tasks for _, tasks in counts)
    yield styled("  how long successful tasks took, last hour", "quiet")
    for up_to, tasks in counts:
        late = target is not None and up_to > target
        head = f"    up to {figures.latency(up_to):>6} {tasks:>12,}  "
        tail = f"  target {figures.latency(target)}" if target is not None and up_to == target else ""
        cells = max(4, min(40, width - len(head) - len(tail)))
        yield styled(head) + paint_bar(tasks / most, cells, "warn" if late else "good") + styled(tail, "quiet")


def coarser(bins: Iterable[LatencyBin], target_seconds: float | None) -> list[tuple[float, int]]:
    """The bins on the steps 1, 2, 5, with the target as a step of its own; from the first with tasks to the last."""
    steps = sorted({*_LADDER, *([target_seconds] if target_seconds else [])})
    counts = [0] * len(steps)
    for each in bins:
        # Bounds are made of floats: what lies on a step belongs to it.
        place = bisect.bisect_left(steps, each.up_to_seconds * (1 - 1e-9))
        counts[min(place, len(steps) - 1)] += each.tasks
    used = [place for place, tasks in enumerate(counts) if tasks]
    if not used:
        return []
    last = max(used[-1], steps.index(target_seconds)) if target_seconds else used[-1]
    return list(zip(steps[used[0] : last + 1], counts[used[0] : last + 1], strict=True))
