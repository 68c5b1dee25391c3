"""What a run is charged, and what a kept instance leaves to the next task: its next look, and nothing else."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infrafabric.engine import Run, Verdict, running, stop
from infrafabric.engine.governing import Terms
from infrafabric.engine.guestlog import SwarmLog
from infrafabric.errors import Outcome
from tests.engine.driving import Ending, Guest

US = 1_000
SPIN = """(module
  (func (export "quick") (param i32) (result i32) (local.get 0))
  (func (export "spin") (loop (br 0))))"""


class Thread:
    """A thread on simulated clocks: in `running` it stands for the module ``time``."""

    def __init__(self) -> None:
        self.wall_ns = self.cpu_ns = 10**12

    def monotonic_ns(self) -> int:
        """The time."""
        return self.wall_ns

    def thread_time_ns(self) -> int:
        """What the thread has used of a processor."""
        return self.cpu_ns

    def work(self, cpu_us: int) -> None:
        """Be busy."""
        self.wall_ns += cpu_us * US
        self.cpu_ns += cpu_us * US

    def wait(self, us: int) -> None:
        """Be off the processor."""
        self.wall_ns += us * US


#: What a thread does between two guests, and what a guest does: busy for so long, then away for so long.
stretches = st.tuples(st.integers(0, 400), st.one_of(st.just(0), st.integers(0, 400)))


@given(st.lists(st.tuples(stretches, stretches), min_size=1, max_size=30))
@settings(deadline=None)
def test_a_guest_is_charged_what_it_used_or_more_and_never_beyond_its_wall_time(
    life: list[tuple[tuple[int, int], tuple[int, int]]],
) -> None:
    """Whether its thread worked or slept before: only what the thread did just before may be charged beside."""
    thread, patch = Thread(), pytest.MonkeyPatch()
    patch.setattr(running, "time", thread)
    patch.setattr(running, "_CLOCK", running._ThreadClock())
    try:
        after_long = False
        for (busy_us, asleep_us), (used_us, away_us) in life:
            thread.work(busy_us)
            thread.wait(asleep_us)
            run = Run(Terms(log=SwarmLog("charged", 0)), thread.wall_ns + 10**12)
            run.mark()
            thread.work(used_us)
            thread.wait(away_us)
            run.settle()
            assert used_us * US <= run.cpu_ns <= (used_us + away_us) * US
            assert run.cpu_ns <= used_us * US + max(running._RECENT_NS, running._SHORT_NS)
            is_long = (used_us + away_us) * US >= running._SHORT_NS
            if is_long and after_long:
                assert run.cpu_ns == used_us * US
            after_long = is_long
    finally:
        patch.undo()


def test_a_thread_that_waits_between_guests_gives_them_nothing() -> None:
    """Guests of 300 us, with as long a wait before each: all of it is charged, by the real clocks."""
    run_us, charged_ns, own_ns = 300, 0, 0
    for _ in range(40):
        time.sleep(0.0002)
        run = Run(Terms(log=SwarmLog("paced", 0)), time.monotonic_ns() + 10**9)
        run.mark()
        began_ns = time.thread_time_ns()
        while time.thread_time_ns() - began_ns < run_us * US:
            pass
        own_ns += time.thread_time_ns() - began_ns
        run.settle()
        charged_ns += run.cpu_ns
    assert own_ns <= charged_ns < 1.5 * own_ns


# --- what is left in a kept instance ---------------------------------------------------------------


class Elsewhere(Guest):
    """A guest whose tasks run on a thread of their own: on the main thread every task arms its own look."""

    def run(self, *arguments: Any, **options: Any) -> Ending:
        """As `Guest.run`."""
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(super().run, *arguments, **options).result()


@pytest.fixture
def kept() -> Guest:
    """A guest whose instance is kept, and has a look ahead that it left for the next task."""
    guest = Elsewhere(SPIN, kept=True)
    guest.run("quick", [1]).ok()
    return guest


@pytest.mark.timing
@pytest.mark.parametrize("seconds", [0.002, 0.02, 0.06, 0.15])
def test_a_deadline_before_or_after_the_look_that_was_left_is_kept(kept: Guest, seconds: float) -> None:
    """Neither a shorter nor a longer time than the last task's is missed."""
    for _ in range(3):
        kept.run("quick", [1], seconds=10).ok()
        ended = kept.run("spin", seconds=seconds)
        assert ended.outcome is Outcome.TIMEOUT
        assert seconds - 0.001 <= ended.seconds < seconds + 0.1


def test_the_next_look_is_left_to_the_next_task_alone(kept: Guest) -> None:
    """A task with time enough takes it over; one that ends before, or whose share can be empty before, has its own."""
    first = kept.runtime._kept
    assert first is not None
    look_ns = first.look_ns
    assert look_ns > time.monotonic_ns()
    run = kept.new_run(10)
    kept.run("quick", [2], run=run).ok()
    assert run.look_ns == look_ns
    for short in (kept.new_run(0.03), kept.new_run(10)):
        short.spare_ns = 30_000_000
        kept.run("quick", [3], run=short).ok()
        assert short.look_ns < look_ns
        assert short.look_ns <= time.monotonic_ns() + 31_000_000


@pytest.mark.timing
def test_a_cancellation_at_any_moment_ends_a_kept_guest(kept: Guest) -> None:
    """Before, while and after the instance is taken: no stop waits for the look that was left."""
    late = []
    for number in range(60):
        kept.run("quick", [1]).ok()
        run = kept.new_run(20)
        sent: list[float] = []

        def cancel(run: Run = run, sent: list[float] = sent, seconds: float = number * 2e-6) -> None:
            began = time.perf_counter()
            while time.perf_counter() - began < seconds:
                pass
            stop(run, Verdict(Outcome.CANCELLED, "enough"))
            sent.append(time.perf_counter())

        thread = threading.Thread(target=cancel)
        thread.start()
        ended = kept.run("spin", run=run)
        late.append(time.perf_counter() - sent[0])
        thread.join()
        assert ended.outcome is Outcome.CANCELLED
    assert sorted(late)[len(late) // 2] < 0.03
    assert max(late) < 1.0


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "fresh"])
@pytest.mark.parametrize("ending", ["returns", "traps", "is too late", "is cancelled first"])
def test_a_task_that_ended_is_free_at_once(ending: str, keep: bool) -> None:  # noqa: FBT001
    """Neither the instance it ran in nor a cycle holds it, and what it was given: no garbage collection is needed."""
    guest = Guest('(module (func (export "quick")) (func (export "traps") unreachable))', kept=keep)
    guest.run("quick").ok()
    gc.collect()
    gc.disable()
    try:
        run = guest.new_run(-1 if ending == "is too late" else 10)
        if ending == "is cancelled first":
            stop(run, Verdict(Outcome.CANCELLED, "enough"))
        gone = weakref.ref(run)
        guest.run("traps" if ending == "traps" else "quick", run=run)
        assert run.instance is None
        del run
        assert gone() is None
    finally:
        gc.enable()


def test_a_guest_that_fails_to_start_is_free_at_once() -> None:
    """An instance that was never whole holds nobody."""
    guest = Guest('(module (func $start unreachable) (start $start) (func (export "quick")))')
    gc.collect()
    gc.disable()
    try:
        run = guest.new_run()
        gone = weakref.ref(run)
        assert guest.run("quick", run=run).outcome is Outcome.TRAP
        del run
        assert gone() is None
    finally:
        gc.enable()
