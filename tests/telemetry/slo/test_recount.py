"""The engine against a naive recount of the event log: any traffic, any clocks, any idle time, any exclusion."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from infrafabric.errors import Blame, Outcome
from infrafabric.telemetry.slo.burn import tiers_for
from infrafabric.telemetry.slo.engine import SloEngine
from infrafabric.telemetry.slo.objectives import ObjectiveTargets
from tests.telemetry.slo.world import NS, SLICE_NS, Recount, World

OUTCOMES = [Outcome.SUCCESS] * 4 + list(Outcome)
HOUR, DAY = 3_600, 86_400
PERIODS = [HOUR, 5 * HOUR + 7, DAY, 7 * DAY, 28 * DAY, 30 * DAY, 31 * DAY, 90 * DAY]

records = st.tuples(
    st.just("record"),
    st.sampled_from(OUTCOMES),
    st.sampled_from([0.0, 99.999999, 100.0, 100.000001, 5_000.0]),
    st.integers(1, 30),
    st.sampled_from([None, None, Blame.GUEST, Blame.CALLER]),
)
passing = st.tuples(
    st.just("pass"),
    st.one_of(
        st.integers(0, 15 * NS),
        st.sampled_from([10 * NS, 60 * NS, 10 * NS - 1, 300 * NS, 9_333_333_333, 250_000_000]),
        st.integers(0, 4 * HOUR).map(lambda s: s * NS),
        st.integers(0, 40 * DAY).map(lambda s: s * NS),
    ),
)
steps = st.one_of(
    records,
    records,
    passing,
    passing,
    st.tuples(st.just("step"), st.integers(-400 * DAY, 400 * DAY)),
    st.tuples(st.just("sleep"), st.integers(2, 3 * DAY)),
    st.just(("exclude",)),
    st.just(("end",)),
    st.just(("evaluate",)),
)


def play(world: World, truth: Recount, step: tuple[Any, ...]) -> None:
    """Do one step in the world, and log it."""
    match step:
        case ("record", outcome, latency_ms, times, blame):
            world.record(outcome, latency_ms, times, blame)
            for _ in range(times):
                truth.record(outcome, latency_ms, world.targets.target_latency_ms or 0, blame)
        case ("pass", nanoseconds):
            world.pass_ns(nanoseconds)
            truth.now += nanoseconds
        case ("step", seconds):
            world.step_wall_seconds(seconds)
        case ("sleep", seconds):
            world.sleep_seconds(seconds)
            truth.now += seconds * NS
            world.engine.evaluate()  # sleep is noticed at a bucket's edge, or when somebody looks
        case ("exclude",) if not truth.excluding and len(truth.exclusions) < 100:
            world.engine.exclude(None, None, reason="maintenance", author="operator")
            truth.exclusions.append((truth.now, None))
        case ("end",) if truth.excluding:
            world.engine.end_exclusion(world.snapshot().exclusions[-1].number)
            truth.exclusions[-1] = (truth.exclusions[-1][0], truth.now)
        case ("evaluate",):
            world.engine.evaluate()


def check(world: World, truth: Recount) -> None:
    """Every count of every window equals the recount."""
    snapshot = world.snapshot()
    plan = world.engine._ledger.plan
    rps = world.targets.target_throughput_rps or 0
    expected = {window.label: truth.counts(plan, window, rps) for window in plan.windows}
    for objective in snapshot.objectives:
        for burn in objective.burn_rates:
            counted = (burn.raw_good_events, burn.raw_bad_events, burn.good_events, burn.bad_events)
            assert counted == expected[burn.name][objective.name], (objective.name, burn.name)
        raw_good, raw_bad, good, bad = expected[plan.period.label][objective.name]
        assert (objective.good_events, objective.bad_events) == (good, bad)
        assert (objective.raw.good_events, objective.raw.bad_events) == (raw_good, raw_bad)
        assert objective.sli == (good / (good + bad) if good + bad else None)
        assert objective.seconds_to_exhaustion is None or objective.seconds_to_exhaustion >= 0
    json.dumps(snapshot.to_dict(), allow_nan=False)


@example(  # the slice that an exclusion touched ends inside a window that the exclusion has left
    DAY, [("exclude",), ("record", Outcome.SUCCESS, 0.0, 1, None), ("end",), ("pass", 60 * NS)]
)
@example(  # an exclusion that begins and ends with its events in the first moment of a window
    HOUR, [("exclude",), ("record", Outcome.SUCCESS, 0.0, 1, None), ("end",), ("pass", 9_750_000_000)]
)
@given(st.sampled_from(PERIODS), st.lists(steps, max_size=40))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_window_equals_a_recount_of_the_events(period: int, script: list[tuple[Any, ...]]) -> None:
    """Whatever happens in whatever order, each window's counts are those of a recount of the log; nothing is NaN."""
    world, truth = World(ObjectiveTargets(period_seconds=period, target_throughput_rps=1.5)), Recount()
    for step in script:
        play(world, truth, step)
        if step[0] in {"evaluate", "end"}:
            check(world, truth)
    check(world, truth)


@given(st.sampled_from(PERIODS), st.lists(steps, max_size=25), st.lists(steps, max_size=10), st.integers(0, 2 * DAY))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_restart_changes_no_count(
    tmp_path_factory: pytest.TempPathFactory,
    period: int,
    before: list[tuple[Any, ...]],
    after: list[tuple[Any, ...]],
    down_seconds: int,
) -> None:
    """A saved and loaded history goes on as if nothing had happened, and the downtime is a hole.

    The one thing it does not go on with is the slice that was running, so the restart falls between two slices.
    """
    world, truth = World(ObjectiveTargets(period_seconds=period, target_throughput_rps=1.5)), Recount()
    for step in before:
        play(world, truth, step)
    play(world, truth, ("pass", SLICE_NS - truth.now % SLICE_NS))
    path = tmp_path_factory.mktemp("slo") / "swarm.slo"
    world.engine.save(path)
    covered = world.snapshot().coverage.watched_seconds
    world.pass_seconds(down_seconds)
    truth.now += down_seconds * NS
    world.mono_ns = 77 * NS  # another boot
    world.start()
    assert world.engine.load(path)
    if down_seconds:
        assert world.snapshot().coverage.watched_seconds <= covered + 1e-6
    check(world, truth)
    for step in after:
        play(world, truth, step)
    check(world, truth)


@pytest.mark.parametrize("threads", [2, 8])
def test_counts_are_exact_under_threads(threads: int) -> None:
    """What many threads record at once, while others read, save and exclude, is counted exactly once."""
    engine = SloEngine(ObjectiveTargets(period_seconds=HOUR))
    each = 4_000
    stop = threading.Event()
    start = threading.Barrier(threads + 1)

    def work() -> None:
        start.wait()
        for number in range(each):
            engine.record(Outcome.SUCCESS if number % 4 else Outcome.TRAP, 200_000_000 if number % 8 == 1 else 10)

    def watch() -> None:
        start.wait()
        seen = 0
        while not stop.is_set():
            snapshot = engine.snapshot()
            total = snapshot.objective("availability").total_events
            assert total >= seen
            seen = total
            engine.withdraw_exclusion(engine.exclude(None, None, reason="r", author="a"))

    failures: list[BaseException] = []

    def guarded(run: Any) -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - a thread's failure has to reach the test
            failures.append(error)

    workers = [threading.Thread(target=guarded, args=(work,)) for _ in range(threads)]
    watcher = threading.Thread(target=guarded, args=(watch,))
    for thread in (*workers, watcher):
        thread.start()
    for thread in workers:
        thread.join()
    stop.set()
    watcher.join()
    assert not failures
    assert engine.totals()["availability"] == (threads * each * 3 // 4, threads * each // 4)
    assert engine.totals()["latency"] == (threads * each * 5 // 8, threads * each // 8)
    assert engine.snapshot().objective("availability").total_events == threads * each


def test_an_event_from_before_the_running_bucket_counts_into_it() -> None:
    """A thread that read the clock, was held up and records late is neither lost nor able to rewrite the past."""
    world = World()
    early = world.mono_ns
    world.pass_seconds(25)
    world.record()
    world.engine.record(Outcome.SUCCESS, 1, early)
    assert world.snapshot().objective("availability").total_events == 2
    world.pass_seconds(275)
    assert world.snapshot().objective("availability").burn_rates[0].good_events == 2, "both within five minutes"


def test_tiers_kept_for_slices_hold_three_of_them() -> None:
    """Throughput, counted in slices of ten seconds, keeps only tiers whose short window holds three."""
    for period in PERIODS:
        world = World(ObjectiveTargets(period_seconds=period))
        tiers, dropped = tiers_for(world.engine._ledger.plan, 10 * NS)
        windows = world.engine._ledger.plan.windows
        assert all(windows[tier.short].seconds >= 30 for tier in tiers)
        assert all(drop.short_seconds < 30 for drop in dropped)
        assert len(tiers) + len(dropped) == 4
