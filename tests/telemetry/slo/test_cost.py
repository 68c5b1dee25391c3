"""What measuring costs: memory that is fixed, time that is flat."""

from __future__ import annotations

import sys
import time
import tracemalloc
from typing import Any

import pytest

from infrafabric.errors import Outcome
from infrafabric.telemetry.slo.engine import SloEngine
from infrafabric.telemetry.slo.objectives import ObjectiveTargets
from tests.telemetry.slo.world import World

HOUR, DAY = 3_600, 86_400


@pytest.mark.parametrize("period", [HOUR, DAY, 7 * DAY, 28 * DAY, 30 * DAY, 90 * DAY])
def test_memory_goes_with_what_happened_and_has_a_bound(period: int) -> None:
    """Nothing before the first record, little for few; at most 45 KB an objective, whatever comes; little when idle."""
    SloEngine(ObjectiveTargets(period_seconds=period)).record(Outcome.SUCCESS)  # what all engines share
    world = World(ObjectiveTargets(period_seconds=period))
    tracemalloc.start()
    try:
        empty = tracemalloc.get_traced_memory()[0]
        world.start()
        world.snapshot()
        world.engine.evaluate()
        world.engine.totals()
        idle = tracemalloc.get_traced_memory()[0] - empty
        assert idle < 8_000
        assert world.engine._ledger.rings is None
        for outcome in Outcome:
            world.record(outcome)
        assert tracemalloc.get_traced_memory()[0] - empty < 16_000
        bucket = world.engine._ledger.plan.unit_seconds
        for seconds in (period / 720, bucket):  # the coarsest ring, then the finer ones
            for _ in range(1_000):
                world.pass_seconds(seconds)
                world.record(times=3)
        world.engine.evaluate()
        assert tracemalloc.get_traced_memory()[0] - empty < 3 * 45_000
        for _ in range(2):
            world.pass_seconds(period)
            world.engine.evaluate()
        assert tracemalloc.get_traced_memory()[0] - empty < 16_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("only", ["target_availability_percent", "target_latency_ms", "target_throughput_rps"])
def test_rings_of_one_objective_fit_in_60_kb(only: str) -> None:
    """An objective that is not measured costs no ring: 60 KB are what a month of one takes that never rests."""
    names = {"target_availability_percent", "target_latency_ms", "target_throughput_rps"}
    without: dict[str, Any] = dict.fromkeys(names - {only})
    world = World(ObjectiveTargets(**without))
    world.record()
    rings = world.engine._ledger.rings
    assert rings is not None
    assert rings.memory_bytes < 200
    for seconds in (3_600, 300, 60, 10):
        for _ in range(1_000):
            world.pass_seconds(seconds)
            world.record()
    assert 20_000 < rings.memory_bytes < 60_000


def best_of(repeats: int, loops: int, call: object) -> float:
    """Seconds of one call, in the best of some runs."""
    assert callable(call)
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(loops):
            call()
        best = min(best, time.perf_counter() - start)
    return best / loops


@pytest.mark.timing
def test_recording_and_evaluating_are_cheap_and_flat() -> None:
    """A record takes at most a microsecond and an evaluation fifty, after a thousand events as after many."""
    if sys.gettrace() is not None:
        pytest.skip("a tracer is on, which multiplies every cost")
    engine = SloEngine(ObjectiveTargets())
    costs = []
    for events in (1_000, 300_000):
        for _ in range(events):
            engine.record(Outcome.SUCCESS, 5_000_000)
        record = best_of(7, 20_000, lambda: engine.record(Outcome.SUCCESS, 5_000_000))
        failure = best_of(7, 20_000, lambda: engine.record(Outcome.TRAP))
        evaluate = best_of(7, 300, engine.evaluate)
        costs.append((record, failure, evaluate))
        assert record < 1e-6
        assert failure < 1e-6
        assert evaluate < 50e-6
    for few, many in zip(*costs, strict=True):
        assert many < 1.5 * few
