"""Deadlines on the clock: kernel ticks on Linux, idle when nothing runs, noticed when dead, private to each guest."""

from __future__ import annotations

import logging
import statistics
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from infrafabric.engine import Verdict, running, stop, ticker
from infrafabric.engine.ticker import DEAD_NS
from infrafabric.errors import Outcome
from tests.engine.driving import Guest, python

if TYPE_CHECKING:
    from infrafabric.engine.engines import Engine

SPIN = '(module (func (export "spin") (loop (br 0))) (func (export "quick") (result i32) (i32.const 7)))'

pytestmark = pytest.mark.timing


@pytest.fixture
def guest() -> Guest:
    """A guest that spins for ever, or not at all."""
    return Guest(SPIN)


def engine_of(guest: Guest) -> Engine:
    """The engine that its fresh instances use."""
    return guest.runtime.program.linked(pooled=True).engine


# --- precision -------------------------------------------------------------------------------------


@pytest.mark.parametrize("milliseconds", [1, 5, 50, 150])
def test_a_spinning_guest_ends_at_its_deadline(guest: Guest, milliseconds: int) -> None:
    """Not before it, and within a few milliseconds after; the bars are measured in benchmarks."""
    late = []
    for _ in range(7):
        ended = guest.run("spin", seconds=milliseconds / 1000)
        assert ended.outcome is Outcome.TIMEOUT
        late.append(ended.seconds * 1000 - milliseconds)
    assert min(late) >= -0.5
    assert statistics.median(late) < 15


def test_a_deadline_holds_beside_busy_threads(guest: Guest) -> None:
    """Four threads that never rest do not hold a deadline up for longer than they hold the GIL."""
    busy = True

    def work() -> None:
        while busy:
            sum(range(1000))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        seconds = sorted(guest.run("spin", seconds=0.05).seconds for _ in range(7))
    finally:
        busy = False
        for thread in threads:
            thread.join()
    assert seconds[3] < 0.3


def test_a_deadline_in_the_past_enters_no_guest(guest: Guest) -> None:
    """A task that comes too late ends without running."""
    ended = guest.run("spin", seconds=-0.001)
    assert ended.outcome is Outcome.TIMEOUT
    assert ended.seconds < 0.1


def test_a_cancelled_guest_ends_within_a_tick_or_so(guest: Guest) -> None:
    """A stop from another thread wakes the guest, wherever its next look was."""
    late = []
    for _ in range(7):
        run = guest.new_run(20)
        sent: list[float] = []

        def cancel(run: running.Run = run, sent: list[float] = sent) -> None:
            sent.append(time.perf_counter())
            stop(run, Verdict(Outcome.CANCELLED, "enough"))

        timer = threading.Timer(0.03, cancel)
        timer.start()
        ended = guest.run("spin", run=run)
        late.append(time.perf_counter() - sent[0])
        assert (ended.outcome, ended.message) == (Outcome.CANCELLED, "enough")
        timer.join()
    assert statistics.median(late) < 0.03


def test_a_guest_cancelled_before_it_began_does_not_run(guest: Guest) -> None:
    """A stop that comes first is seen at the door."""
    run = guest.new_run(20)
    stop(run, Verdict(Outcome.CANCELLED, "enough"))
    ended = guest.run("spin", run=run)
    assert ended.outcome is Outcome.CANCELLED
    assert ended.seconds < 0.1


# --- neighbours ------------------------------------------------------------------------------------


def test_a_guests_end_is_nobody_elses() -> None:
    """While others time out and are cancelled, a neighbour on the same engine gets its right answer every time."""
    good = Guest(
        """(module (func (export "work") (param $left i32) (result i32) (local $sum i32)
          (loop
            (local.set $sum (i32.add (local.get $sum) (local.get $left)))
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (br_if 0 (local.get $left)))
          (local.get $sum)))"""
    )
    bad = Guest(SPIN)
    assert engine_of(good) is engine_of(bad)
    over = False
    ended = {Outcome.TIMEOUT: 0, Outcome.CANCELLED: 0}

    def misbehave(*, cancelled: bool) -> None:
        while not over:
            run = bad.new_run(20 if cancelled else 0.004)
            if cancelled:
                threading.Timer(0.004, stop, (run, Verdict(Outcome.CANCELLED, ""))).start()
            ended[bad.run("spin", run=run).outcome] += 1

    threads = [threading.Thread(target=misbehave, kwargs={"cancelled": cancelled}) for cancelled in (False, True)]
    for thread in threads:
        thread.start()
    wrong = []
    end = time.monotonic() + 1.5
    runs = 0
    while time.monotonic() < end:
        count = (1000, 100_000, 3_000_000)[runs % 3]
        answer = good.run("work", [count])
        runs += 1
        if answer.output != (count * (count + 1) // 2 + 2**31) % 2**32 - 2**31:
            wrong.append(answer)
    over = True
    for thread in threads:
        thread.join()
    assert wrong == []
    assert runs > 20
    assert all(count > 5 for count in ended.values())


# --- idle, and dead --------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a Python thread ticks")
def test_on_linux_the_kernel_ticks(guest: Guest) -> None:
    """No Python thread is needed for a deadline to come."""
    guest.run("quick").ok()
    assert engine_of(guest).ticker.native


IDLE = """
import sys, threading, time
from pathlib import Path
from infrafabric.engine import ticker
from tests.engine.driving import Guest
from tests.engine.test_ticker import SPIN, engine_of

def switches():
    total = 0
    for task in Path("/proc/self/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith(("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")):
                total += int(line.split()[1])
    return total

guest = Guest(SPIN)
guest.run("spin", seconds=0.1)
tick = engine_of(guest).ticker
armed = tick.armed
end = time.monotonic() + 5
while tick.armed and time.monotonic() < end:
    time.sleep(0.02)
time.sleep(0.3)
before, cpu = switches(), time.process_time()
time.sleep(0.5)
idle, idle_cpu = switches() - before, time.process_time() - cpu
guest.run("spin", seconds=0.1)
print(armed, tick.armed, idle < 40, idle_cpu < 0.02)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts what /proc shows")
def test_nothing_ticks_while_nothing_runs() -> None:
    """A second after the last task the timer is off and the process sleeps; the next task turns it on again."""
    done = python(IDLE)
    assert done.stdout.strip() == "True True True True", (done.stdout, done.stderr)


def test_the_warden_sleeps_until_the_next_look(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a period when nobody is due, or was woken already; no shorter than it takes to be late at all."""
    monkeypatch.setattr(running, "RUNNING", {})
    assert ticker._rest_ns(0) == ticker._WARDEN_PERIOD_NS
    run = running.RUNNING[1] = guest.new_run()
    for look_ns, rest_ns in ((10**12, 20_000_000), (10_000_000, 11_500_000), (1, 1_500_001), (-(10**9), 1_500_000)):
        run.look_ns = look_ns
        assert ticker._rest_ns(0) == rest_ns
    run.woken_ns = run.look_ns
    assert ticker._rest_ns(0) == ticker._WARDEN_PERIOD_NS


def test_a_task_a_moment_before_the_ticks_stop_is_not_lost(guest: Guest) -> None:
    """Tasks that begin while the ticker is being disarmed find it armed."""
    tick = engine_of(guest).ticker
    for _ in range(50):
        threading.Thread(target=tick.disarm).start()
        ended = guest.run("spin", seconds=0.005)
        assert ended.outcome is Outcome.TIMEOUT
        assert ended.seconds < 0.2


@pytest.mark.parametrize("fuel", [None, 1 << 50], ids=["plain", "metered"])
@pytest.mark.parametrize("main_thread", [True, False], ids=["main thread", "another thread"])
def test_a_dead_timer_is_noticed(
    caplog: pytest.LogCaptureFixture,
    fuel: int | None,
    main_thread: bool,  # noqa: FBT001
) -> None:
    """When ticks stop arriving the warden says so, makes the timer anew, and the guest still ends."""
    guest = Guest(SPIN, fuel=fuel)
    tick = engine_of(guest).ticker
    guest.run("quick").ok()
    ended = []

    def run() -> None:
        ended.append(guest.run("spin", seconds=0.3))

    assert tick._timer is not None
    timer = threading.Timer(0.05, tick._timer.set, (0,))  # what somebody's timer_delete would do
    timer.start()
    rescue = threading.Timer(4, tick.wake)  # so that a failure of this test is not a hang
    rescue.start()
    with caplog.at_level(logging.ERROR, "infrafabric.engine"):
        if main_thread:
            run()
        else:
            thread = threading.Thread(target=run)
            thread.start()
            thread.join(10)
    timer.join()
    rescue.cancel()
    assert [ending.outcome for ending in ended] == [Outcome.TIMEOUT]
    assert ended[0].seconds < 0.3 + DEAD_NS / 1e9 + 1.0
    end = time.monotonic() + 5
    while not caplog.text and time.monotonic() < end:  # it takes its time to be sure, and the guest did not wait
        time.sleep(0.01)
    assert "epoch ticks do not arrive: the timer is made anew" in caplog.text
    again = guest.run("spin", seconds=0.05)
    assert again.outcome is Outcome.TIMEOUT
    assert again.seconds < 0.2


def test_a_timer_that_cannot_be_set_is_made_anew(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer that died while nothing ran costs no task."""
    guest.run("quick").ok()
    tick = engine_of(guest).ticker
    end = time.monotonic() + 5
    while tick.armed and time.monotonic() < end:
        time.sleep(0.02)

    def fail(_period_ns: int) -> None:
        raise OSError(22, "timer_settime")

    assert tick._timer is not None
    monkeypatch.setattr(tick._timer, "set", fail)
    ended = guest.run("spin", seconds=0.05)
    assert ended.outcome is Outcome.TIMEOUT
    assert ended.seconds < 0.3


PYTHON_TICKS = """
import statistics, sys
from infrafabric.engine import ticker
def refuse(*_): raise OSError(11, "timer_create")
ticker._KernelTimer.__init__ = refuse
from tests.engine.driving import Guest
from tests.engine.test_ticker import SPIN, engine_of
guest = Guest(SPIN)
seconds = [guest.run("spin", seconds=0.05) for _ in range(5)]
print(engine_of(guest).ticker.native, {str(ended.outcome.value) for ended in seconds},
      statistics.median(ended.seconds for ended in seconds) < 0.1)
"""


def test_without_kernel_timers_a_thread_ticks() -> None:
    """Where no timer can be had, deadlines still come."""
    done = python(PYTHON_TICKS)
    assert done.stdout.strip() == "False {'timeout'} True", done.stderr


def test_a_long_bulk_operation_is_no_dead_timer(caplog: pytest.LogCaptureFixture) -> None:
    """A guest inside one long instruction is late for another reason: the timer is left alone."""
    guest = Guest(
        """(module (memory (export "memory") 16384) (func (export "fill") (loop
          (memory.fill (i32.const 0) (i32.const 1) (i32.const 1073741824)) (br 0))))""",
        memory_bytes=1 << 30,
    )
    with caplog.at_level(logging.ERROR, "infrafabric.engine"):
        ended = guest.run("fill", seconds=0.3)
    assert ended.outcome is Outcome.TIMEOUT
    assert ended.seconds < 5
    assert caplog.text == ""


def test_the_probe_tells_ticking_from_dead(guest: Guest) -> None:
    """What the warden asks: true while armed, false when nothing advances the epoch."""
    guest.run("quick").ok()
    tick = engine_of(guest).ticker
    tick.arm()
    assert tick.is_ticking()
    assert tick._timer is not None
    tick._timer.set(0)
    assert not tick.is_ticking()
    tick._timer.set(running.TICK_NS)
    assert tick.is_ticking()
