"""The rings against a model that keeps the totals of every unit: change points, pruning, gaps, other periods."""

from __future__ import annotations

from typing import TypeAlias

from hypothesis import example, given, settings
from hypothesis import strategies as st

from infrafabric.telemetry.slo.burn import RingShape, plan_for
from infrafabric.telemetry.slo.rings import Rings

COLUMNS = 2
DAY = 86_400
SHAPES = (RingShape(step=1, buckets=5), RingShape(step=3, buckets=7), RingShape(step=12, buckets=60))

#: Units that pass, and events of each counter that come then.
Step: TypeAlias = tuple[int, tuple[int, int]]

gaps = st.one_of(st.integers(1, 4), st.integers(5, 40), st.just(12 * 60 + 5), st.integers(1, 3000))
events = st.one_of(st.just((0, 0)), st.tuples(st.integers(0, 9), st.integers(0, 9)), st.just((2**32 - 1, 1)))
lives = st.lists(st.tuples(gaps, events), max_size=60)


class Model:
    """The totals at the end of every unit in which something came."""

    def __init__(self) -> None:
        self.changes: list[tuple[int, list[int]]] = []

    def at(self, unit: int) -> list[int]:
        """The totals at the start of a unit."""
        found = [0] * COLUMNS
        for began, totals in self.changes:
            if began >= unit:
                break
            found = totals
        return found


def live(rings: Rings, model: Model, life: list[Step], unit: int = 0, totals: list[int] | None = None) -> int:
    """Let time and events pass in both; the unit it is then. ``totals`` is added to."""
    totals = [0] * COLUMNS if totals is None else totals
    for gap, came in life:
        unit += gap
        rings.rotate(unit, totals)
        for column, count in enumerate(came):
            totals[column] += count
        model.changes.append((unit, list(totals)))
    return unit


def agree(rings: Rings, model: Model, totals: list[int], since: int = 0) -> None:
    """Every window of every ring counts what the model counts; nobody asks for what was before ``since``."""
    for number, ring in enumerate(rings.rings):
        for buckets in range(1, ring.buckets + 1):
            start = (ring.head - buckets + 1) * ring.step
            if start < since:
                break
            expected = [now - then for now, then in zip(totals, model.at(start), strict=True)]
            assert rings.window(number, buckets, totals) == [count & ring.mask for count in expected]
        assert len(ring.rows) == len(ring.starts) * COLUMNS
        assert len(ring.starts) <= ring.buckets + 33


@given(lives)
@example([(1, (1, 0)), (12 * 60 + 5, (0, 0)), (1, (0, 0))])
@example([(1, (1, 0))] * 60)
@settings(deadline=None)
def test_any_window_counts_what_happened_in_it(life: list[Step]) -> None:
    """Whatever came when, with pauses longer than everything remembered, and totals beyond 32 bits."""
    rings, model, totals = Rings(plan_for(DAY), SHAPES, COLUMNS), Model(), [0] * COLUMNS
    live(rings, model, life, totals=totals)
    agree(rings, model, totals)


@given(lives, lives)
@settings(deadline=None)
def test_what_was_dumped_goes_on_where_it_was(before: list[Step], after: list[Step]) -> None:
    """Restored rings and copies count as if nothing had been; the original is not touched."""
    rings, model, totals = Rings(plan_for(DAY), SHAPES, COLUMNS), Model(), [0] * COLUMNS
    unit = live(rings, model, before, totals=totals)
    again = Rings(plan_for(DAY), SHAPES, COLUMNS)
    again.restore(rings.dump())
    frozen, kept = rings.copy(), rings.dump()
    live(again, model, after, unit, totals)
    agree(again, model, totals)
    assert frozen.dump() == rings.dump() == kept


@given(lives, lives)
@settings(deadline=None, max_examples=50)
def test_other_resolutions_take_over_what_the_old_ones_knew(before: list[Step], after: list[Step]) -> None:
    """A bucket's start that the old rings know is exact; one in between is as of the old bucket that holds it."""
    old, model, totals = Rings(plan_for(DAY), SHAPES, COLUMNS), Model(), [0] * COLUMNS
    unit = live(old, model, before, totals=totals)
    shapes = (RingShape(step=2, buckets=9), RingShape(step=24, buckets=30))
    new = Rings(plan_for(DAY), shapes, COLUMNS)
    new.refill(old, range(COLUMNS), totals, unit)
    for number, ring in enumerate(new.rings):
        for buckets in range(1, ring.buckets + 1):
            start = (ring.head - buckets + 1) * ring.step
            then = old.totals_at(start, totals)
            assert then is not None
            wanted = [(now - was) & ring.mask for now, was in zip(totals, then, strict=True)]
            assert new.window(number, buckets, totals) == wanted
    live(new, model, after, unit, totals)
    agree(new, model, totals, since=unit + 24)


def test_an_idle_swarm_holds_next_to_nothing() -> None:
    """A row for each change, however much time passes; the last one goes when it is all there is to remember."""
    rings, model, totals = Rings(plan_for(DAY), SHAPES, COLUMNS), Model(), [0] * COLUMNS
    unit = live(rings, model, [(1, (1, 0))] * 500, totals=totals)
    busy = rings.memory_bytes
    unit = live(rings, model, [(5000, (0, 0))] * 3, unit, totals)
    assert rings.memory_bytes < busy / 20
    assert all(len(ring.starts) == 1 for ring in rings.rings)
    agree(rings, model, totals)
