"""Percentiles of the last hour."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.errors import Outcome
from infrafabric.telemetry.slo.latency import BINS, bin_edge_ns, bin_of, percentile_ns
from infrafabric.telemetry.slo.ledger import Ledger
from infrafabric.telemetry.slo.objectives import ObjectiveTargets
from infrafabric.telemetry.slo.timeline import Timeline
from tests.telemetry.slo.world import World

latencies = st.integers(0, 86_400 * 10**9)


@given(latencies)
def test_a_latency_lies_in_its_bin(latency_ns: int) -> None:
    """Bins touch, and each is at most an eighth as wide as its latencies are long."""
    number = bin_of(latency_ns)
    low, high = bin_edge_ns(number), bin_edge_ns(number + 1)
    assert low <= latency_ns < high
    assert high - low <= max(1_024, low / 8)


@given(st.one_of(latencies, st.integers(-(10**9), 2**80)))
def test_the_hot_path_bins_as_the_function_does(latency_ns: int) -> None:
    """The copy of `bin_of` inside `Ledger.record` agrees with it, beyond every end too."""
    ledger = Ledger(ObjectiveTargets(), Timeline(0, lambda: 1e9, lambda: 0))
    ledger.record(Outcome.SUCCESS, latency_ns, 0, None)
    assert ledger.latency is not None
    assert list(ledger.latency.now).index(1) == bin_of(latency_ns) < BINS


@given(st.lists(st.integers(10_000, 10**12), min_size=1, max_size=200), st.sampled_from([50, 95, 99]))
def test_a_percentile_is_within_six_percent(samples: list[int], percent: int) -> None:
    """Percentiles are within about 6 % of the exact nearest-rank percentile, from 20 microseconds on."""
    world = World()
    for sample in samples:
        world.engine.record(Outcome.SUCCESS, sample)
    rank = -(-percent * len(samples) // 100)
    exact = sorted(samples)[rank - 1]
    found = getattr(world.snapshot().percentiles, f"p{percent}_seconds") * 1e9
    assert abs(found - exact) <= max(1_024, exact / 16 * 1.01)


def test_percentiles_forget_after_an_hour() -> None:
    """The window is the running quarter of an hour and the three before it; without events there is no percentile."""
    world = World()
    assert world.snapshot().percentiles.p99_seconds is None
    world.record(latency_ms=5)
    world.record(Outcome.TRAP, latency_ms=900)
    world.pass_seconds(44 * 60)
    assert world.snapshot().percentiles.events == 1, "failures have no latency worth knowing"
    world.pass_seconds(17 * 60)
    assert world.snapshot().percentiles.events == 0
    world.record(latency_ms=7)
    world.pass_seconds(400 * 86_400)
    assert world.snapshot().percentiles.p50_seconds is None


def test_no_percentile_without_events() -> None:
    """Nothing has no percentile."""
    assert percentile_ns([0] * BINS, 0, 99) is None
    assert percentile_ns([0] * (BINS - 1) + [1], 1, 1) == pytest.approx(bin_edge_ns(BINS - 1), rel=0.07)
