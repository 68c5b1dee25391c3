"""Promises of memory against what the host has."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.limits import (
    HostMemory,
    MemoryFigures,
    MemoryLedger,
    MemorySample,
    process_ledger,
    sample_host,
)
from tests.limits.clock import SteppedClock

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


class FakeHost:
    """A host whose memory a test sets, and which counts how often it is looked at."""

    def __init__(self, available_bytes: int, total_bytes: int = 1000) -> None:
        self.available_bytes = available_bytes
        self.total_bytes = total_bytes
        self.looks = 0

    def __call__(self) -> MemorySample:
        """Look at it."""
        self.looks += 1
        return MemorySample(self.available_bytes, self.total_bytes)


def ledger_on(host: FakeHost, clock: SteppedClock | None = None, *, reserve: int = 0) -> MemoryLedger:
    """Give a ledger with a fixed reserve."""
    memory = HostMemory(host, clock_ns=clock or SteppedClock())
    return MemoryLedger(memory, reserve_fraction=0, reserve_floor_bytes=reserve)


@pytest.mark.parametrize(
    ("asked", "kept"),
    [pytest.param(900, True, id="just-inside"), pytest.param(901, False, id="just-outside")],
)
def test_promises_what_is_available_less_the_reserve(asked: int, *, kept: bool) -> None:
    """To the byte, whether asked for at once or in parts."""
    ledger = ledger_on(FakeHost(1000), reserve=100)
    assert ledger.try_promise(asked) is kept
    assert ledger.promised_bytes == (asked if kept else 0)
    parts = ledger_on(FakeHost(1000), reserve=100)
    assert parts.try_promise(500)
    assert parts.try_promise(asked - 500) is kept


def test_a_released_promise_can_be_given_again() -> None:
    """What was taken back is free at once."""
    ledger = ledger_on(FakeHost(100))
    assert ledger.try_promise(100)
    assert not ledger.try_promise(1)
    ledger.release(100)
    assert ledger.try_promise(100)


@pytest.mark.parametrize(
    ("total", "fraction", "floor", "reserve"),
    [(1000, 0.1, 50, 100), (1000, 0.1, 200, 200), (1000, 0, 0, 0), (1 << 50, 0.05, 0, int((1 << 50) * 0.05))],
)
def test_the_reserve_is_a_fraction_and_at_least_a_floor(total: int, fraction: float, floor: int, reserve: int) -> None:
    """The larger of the two is held back, also from what could ever fit."""
    ledger = MemoryLedger(HostMemory(FakeHost(total, total)), reserve_fraction=fraction, reserve_floor_bytes=floor)
    assert ledger.figures(0).reserve_bytes == reserve
    assert not ledger.try_promise(total - reserve + 1)
    assert ledger.try_promise(total - reserve)
    assert ledger.could_ever_fit(total - reserve)
    assert not ledger.could_ever_fit(total - reserve + 1)


def test_what_could_ever_fit_does_not_depend_on_the_day() -> None:
    """A full host refuses to run, not to load."""
    ledger = ledger_on(FakeHost(0, total_bytes=1000))
    assert not ledger.try_promise(1)
    assert ledger.could_ever_fit(1000)
    assert not ledger.could_ever_fit(1001)


def test_gives_the_figures_of_a_refusal() -> None:
    """Whoever refuses a task can say why, in bytes."""
    ledger = ledger_on(FakeHost(500, total_bytes=1000), reserve=100)
    ledger.try_promise(300)
    assert not ledger.try_promise(101)
    assert ledger.figures(101) == MemoryFigures(
        asked_bytes=101, promised_bytes=300, available_bytes=500, reserve_bytes=100, total_bytes=1000
    )


def test_far_from_the_limit_the_host_is_looked_at_every_five_seconds_at_most() -> None:
    """Small promises cost no look; yet memory that others took is noticed."""
    host, clock = FakeHost(1000), SteppedClock()
    ledger = ledger_on(host, clock)
    for _ in range(499):
        assert ledger.try_promise(1)
        clock.advance(0.01)
    assert host.looks == 1
    host.available_bytes = 499
    clock.advance(0.02)
    assert not ledger.try_promise(1)
    assert host.looks == 2


def test_close_to_the_limit_the_host_is_looked_at_every_quarter_second_at_most() -> None:
    """Beyond half of what there was, a promise rests on a fresh look, and refusals do not make it look more often."""
    host, clock = FakeHost(1000), SteppedClock()
    ledger = ledger_on(host, clock)
    assert ledger.try_promise(500)
    assert host.looks == 1
    host.available_bytes = 400
    clock.advance(0.249)
    assert ledger.try_promise(100)
    clock.advance(0.001)
    assert not ledger.try_promise(1)
    assert host.looks == 2
    for _ in range(100):
        assert not ledger.try_promise(1)
        clock.advance(0.002)
    assert host.looks == 2
    host.available_bytes = 601
    clock.advance(0.25)
    assert ledger.try_promise(1)
    assert host.looks == 3
    ledger.release(600)
    assert ledger.try_promise(1)
    assert host.looks == 3


@pytest.mark.parametrize("amount", [-1, 101])
def test_wrong_releases_are_errors(amount: int) -> None:
    """Taking back what was never promised would spoil the books."""
    ledger = ledger_on(FakeHost(1000))
    ledger.try_promise(100)
    with pytest.raises(ValueError, match=f"cannot release {amount} bytes of 100 promised"):
        ledger.release(amount)
    assert ledger.promised_bytes == 100


def test_negative_promises_are_errors() -> None:
    """They would make room that is not there."""
    with pytest.raises(ValueError, match="cannot promise -1 bytes"):
        ledger_on(FakeHost(1000)).try_promise(-1)


@pytest.mark.parametrize(("fraction", "floor"), [(-0.1, 0), (1, 0), (float("nan"), 0), (0, -1)])
def test_refuses_reserves_out_of_range(fraction: float, floor: int) -> None:
    """A fraction from 0 to below 1, and a floor from 0."""
    with pytest.raises(ValueError, match="give 0 to 1, and 0 up"):
        MemoryLedger(HostMemory(FakeHost(1)), reserve_fraction=fraction, reserve_floor_bytes=floor)


@given(
    available=st.integers(0, 100),
    steps=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 100), st.integers(0, 2)), max_size=50),
)
def test_never_promises_more_than_a_fresh_look_allows_near_the_limit(
    available: int, steps: list[tuple[int, int, int]]
) -> None:
    """Whatever is promised, released and used by others: a promise over half of the room fits the last look."""
    host, clock = FakeHost(available, 100), SteppedClock()
    ledger = ledger_on(host, clock)
    promises: list[int] = []
    for asked, now_available, action in steps:
        if action == 0 and promises:
            ledger.release(promises.pop())
        elif action == 1:
            host.available_bytes = now_available
            clock.advance(0.25)
        looks = host.looks
        before = sum(promises)
        kept = ledger.try_promise(asked)
        if kept:
            promises.append(asked)
        if host.looks > looks:
            assert kept is (before + asked <= host.available_bytes)
        assert ledger.promised_bytes == sum(promises)


def test_many_threads_never_overbook() -> None:
    """Threads that race for the last bytes get them once, and all is back in the end."""
    ledger = ledger_on(FakeHost(1000))
    most, counting = 0, threading.Lock()

    def run() -> None:
        nonlocal most
        for _ in range(2000):
            if ledger.try_promise(70):
                with counting:
                    most = max(most, ledger.promised_bytes)
                ledger.release(70)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most <= 1000
    assert ledger.promised_bytes == 0


def test_threads_that_find_an_old_look_take_one_new_one() -> None:
    """While one looks, the others wait for what it sees."""
    entered, go_on = threading.Event(), threading.Event()
    looks: list[int] = []

    def look() -> MemorySample:
        looks.append(1)
        entered.set()
        go_on.wait(30)
        return MemorySample(5, 10)

    memory = HostMemory(look, clock_ns=SteppedClock())
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(memory.available_bytes())) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert entered.wait(30)
    go_on.set()
    for thread in threads:
        thread.join()
    assert seen == [5, 5, 5, 5]
    assert len(looks) == 1


def test_looks_at_the_real_host(tmp_path: Path) -> None:
    """The machine's own memory where no group is limited."""
    sample = sample_host(tmp_path)
    assert sample.total_bytes == psutil.virtual_memory().total
    assert 0 < sample.available_bytes <= sample.total_bytes
    assert 0 < HostMemory().available_bytes() <= sample.total_bytes


def test_a_control_group_is_the_host(tmp_path: Path) -> None:
    """In a container of 64 MiB there are 64 MiB, however large the machine."""
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    (group / "memory.max").write_text(f"{64 * MIB}\n")
    (group / "memory.current").write_text(f"{24 * MIB}\n")
    assert sample_host(tmp_path) == MemorySample(40 * MIB, 64 * MIB)
    ledger = MemoryLedger(HostMemory(lambda: sample_host(tmp_path)))
    assert ledger.try_promise(8 * MIB)  # 40 MiB less the reserve of 32 MiB
    assert not ledger.try_promise(1)
    assert not ledger.could_ever_fit(33 * MIB)


def test_a_group_limit_above_the_machine_changes_nothing(tmp_path: Path) -> None:
    """The tighter of the two holds."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text(f"{1 << 55}\n")
    (group / "memory.current").write_text("0\n")
    assert sample_host(tmp_path).total_bytes == psutil.virtual_memory().total


def test_one_ledger_for_the_process() -> None:
    """All chassis of a process promise out of the same books."""
    assert process_ledger() is process_ledger()


FORK = """
import os, sys
from infrafabric.limits import process_ledger
process_ledger().try_promise(4096)
process_ledger()._lock.acquire()  # held by a thread of the parent's, which the child does not have
child = os.fork()
if not child:
    ledger = process_ledger()
    os._exit(ledger.promised_bytes == 0 and ledger.try_promise(1) and 17)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_promised_nothing() -> None:
    """Its books are its own and new, and no lock of the parent's is held in it."""
    assert subprocess.run([sys.executable, "-c", FORK], timeout=60, check=False).returncode == 17
