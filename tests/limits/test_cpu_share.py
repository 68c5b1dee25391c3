"""The CPU share of one swarm, against simulated spinners and one real one."""

from __future__ import annotations

import heapq
import threading
import time
from bisect import bisect_right

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infrafabric.limits import NEVER_NS, CpuShare

MS = 1_000_000
SECOND_NS = 1000 * MS


class Runs:
    """When one simulated thread ran: stretches of (begin, end) in nanoseconds."""

    def __init__(self) -> None:
        self.begins: list[int] = []
        self.ends: list[int] = []
        self.used: list[int] = [0]  # CPU time before each stretch

    def add(self, begin_ns: int, end_ns: int) -> None:
        """Note that it ran, later than all before."""
        self.begins.append(begin_ns)
        self.ends.append(end_ns)
        self.used.append(self.used[-1] + end_ns - begin_ns)

    def before(self, when_ns: int) -> int:
        """Give the CPU time it had used at a moment."""
        ended = bisect_right(self.ends, when_ns)
        under_way = when_ns - self.begins[ended] if ended < len(self.begins) else 0
        return self.used[ended] + max(under_way, 0)


@attrs.frozen
class Usage:
    """What each thread of a simulation used, and how often they were paused."""

    runs: list[Runs]
    pauses: int

    def between(self, begin_ns: int, end_ns: int) -> int:
        """Give the CPU time of all threads in one stretch of time."""
        return sum(runs.before(end_ns) - runs.before(begin_ns) for runs in self.runs)

    def over_any_second(self, first_ns: int, last_ns: int) -> tuple[int, int]:
        """Give the least and the most CPU time of any second that begins between the two times."""
        edges = {edge for runs in self.runs for edge in (*runs.begins, *runs.ends)}
        begins = {begin for edge in edges for begin in (edge, edge - SECOND_NS) if first_ns <= begin <= last_ns}
        seconds = [self.between(begin, begin + SECOND_NS) for begin in begins | {first_ns, last_ns}]
        return min(seconds), max(seconds)


def spin(
    percent: float,
    *,
    threads: int = 1,
    seconds: float = 4,
    tick_ns: int = 0,
    oversleep_ns: int = 0,
    rested: bool = False,
) -> Usage:
    """Let threads spin on cores of their own, each checking as `CpuShare.until_empty_ns` says, or at every tick.

    A tick is the coarsest moment at which an engine can look; ``oversleep_ns`` is how late pauses end. A bucket that
    is not ``rested`` is empty at first.
    """
    share = CpuShare(percent, max_concurrent_tasks=threads, clock_ns=lambda: 0)
    if not rested:
        share.charge(round(share._capacity), 0)
    end_ns = round(seconds * SECOND_NS)
    runs = [Runs() for _ in range(threads)]
    pauses = 0
    events = [(0, thread, 0, False) for thread in range(threads)]  # when, who, running since, is it a check
    while events:
        now_ns, thread, since_ns, is_check = heapq.heappop(events)
        if is_check:
            runs[thread].add(since_ns, now_ns)
            pause_ns = share.charge(now_ns - since_ns, now_ns)
            if pause_ns:
                pauses += 1
        else:
            pause_ns = share.pause_ns(now_ns)
        if pause_ns:
            heapq.heappush(events, (now_ns + pause_ns + oversleep_ns, thread, 0, False))
        elif now_ns < end_ns:
            run_ns = tick_ns or max(min(share.until_empty_ns(now_ns, threads), SECOND_NS), 1000)
            heapq.heappush(events, (now_ns + run_ns, thread, now_ns, True))
    return Usage(runs, pauses)


@settings(max_examples=60, deadline=None)
@given(percent=st.floats(0.1, 100))
@example(percent=0.1)
@example(percent=25)
@example(percent=99.9)
@example(percent=100)
def test_a_spinner_gets_its_share_of_any_second(percent: float) -> None:
    """Within 2 % of the share over every second that a guest spins."""
    usage = spin(percent)
    due_ns = percent / 100 * SECOND_NS
    least, most = usage.over_any_second(20 * MS, 3 * SECOND_NS)
    assert 0.98 * due_ns - 1000 <= least
    assert most <= 1.02 * due_ns + 1000


@pytest.mark.parametrize(("percent", "threads"), [(0.1, 1), (25, 1), (98, 1), (99.9, 1), (150, 2), (3, 4)])
def test_a_rested_spinner_gets_one_burst_on_top(percent: float, threads: int) -> None:
    """Whatever the stretch of time, it is the share of it and 50 ms of the share, 5 % of a second's, and no more."""
    usage = spin(percent, threads=threads, rested=True)
    due_ns = percent / 100 * SECOND_NS
    assert usage.over_any_second(0, 3 * SECOND_NS)[1] <= 1.05 * due_ns + 1000 * threads
    assert usage.between(0, 4 * SECOND_NS) == pytest.approx(min(4.05 * due_ns, 4 * threads * SECOND_NS), rel=0.01)


@pytest.mark.parametrize(
    ("percent", "threads"),
    [(150, 2), (50, 2), (1, 2), (199, 2), (25, 4), (390, 4), (200, 2), (800, 16)],
)
def test_threads_together_get_one_share(percent: float, threads: int) -> None:
    """However many spin, they get the swarm's share together, and none of them starves."""
    usage = spin(percent, threads=threads)
    due_ns = percent / 100 * SECOND_NS
    least, most = usage.over_any_second(SECOND_NS, 3 * SECOND_NS)
    assert 0.98 * due_ns - 1000 * threads <= least
    assert most <= 1.02 * due_ns + 1000 * threads
    assert min(runs.before(4 * SECOND_NS) for runs in usage.runs) >= 0.5 * 4 * due_ns / threads


@pytest.mark.parametrize("percent", [0.1, 1, 10, 25, 90])
@pytest.mark.parametrize("oversleep_ns", [0, 3 * MS, 30 * MS])
def test_coarse_checks_and_late_wake_ups_even_out(percent: float, oversleep_ns: int) -> None:
    """With looks every millisecond a second is off by a look more; the long run is exact, however late pauses end."""
    usage = spin(percent, seconds=20, tick_ns=MS, oversleep_ns=oversleep_ns)
    due_ns = percent / 100 * SECOND_NS
    spread_ns = 0.02 * due_ns + MS + percent / 100 * oversleep_ns
    least, most = usage.over_any_second(2 * SECOND_NS, 18 * SECOND_NS)
    assert due_ns - spread_ns <= least
    assert most <= due_ns + spread_ns
    assert usage.between(2 * SECOND_NS, 20 * SECOND_NS) == pytest.approx(18 * due_ns, rel=0.01, abs=MS)


@pytest.mark.parametrize("percent", [1, 25, 99])
def test_pauses_are_few(percent: float) -> None:
    """A guest is not woken more than a hundred times a second only to be stopped again."""
    assert spin(percent, seconds=10, tick_ns=MS).pauses <= 1000


@pytest.mark.parametrize("idle_seconds", [0.05, 1, 3600])
def test_rest_is_saved_up_to_the_burst_only(idle_seconds: float) -> None:
    """After any rest longer than the burst, 50 ms of the share can be used at once, and no more."""
    share = CpuShare(20, clock_ns=lambda: 0)
    share.charge(10 * MS, 0)
    now_ns = round(idle_seconds * SECOND_NS)
    assert share.until_empty_ns(now_ns) == 12_500_000  # 10 ms saved, and 2.5 refilled meanwhile
    assert share.charge(12 * MS, now_ns + 12 * MS) == 0
    assert share.charge(500_000, now_ns + 12_500_000) == 10 * MS


def test_a_swarm_in_debt_waits_until_it_owes_nothing() -> None:
    """A second used at 10 % is paid off in ten, less what had been saved."""
    share = CpuShare(10, clock_ns=lambda: 0)
    assert share.debt_wait_ns(0) == 0
    share.charge(SECOND_NS, 0)
    assert share.debt_wait_ns(0) == 9950 * MS
    assert share.debt_wait_ns(9950 * MS - 1) == 1
    assert share.debt_wait_ns(9950 * MS) == 0
    assert share.until_empty_ns(0) == share.until_empty_ns(9950 * MS) == 0
    assert share.until_empty_ns(9960 * MS) > 0


def test_exactly_empty_is_no_debt() -> None:
    """A new task may start on an empty bucket; a running guest may not go on."""
    share = CpuShare(50, clock_ns=lambda: 0)
    assert share.charge(25 * MS, 0) == 10 * MS
    assert share.debt_wait_ns(0) == 0
    assert share.pause_ns(0) == 10 * MS
    assert share.pause_ns(1) == 10 * MS - 1
    assert share.pause_ns(10 * MS) == 0


def test_a_pause_ends_where_the_next_run_begins() -> None:
    """After the pause asked for, the guest may run for 1 % of a second's share; a nanosecond earlier it is less."""
    share = CpuShare(50, clock_ns=lambda: 0)
    pause_ns = share.charge(35 * MS, 0)
    assert pause_ns == 30 * MS
    assert share.until_empty_ns(pause_ns) == 10 * MS
    assert share.until_empty_ns(pause_ns, threads=2) == pytest.approx(5 * MS / 1.5, abs=1)


@pytest.mark.parametrize(("percent", "threads"), [(150, 1), (250, 2), (300, 3)])
def test_threads_that_the_share_pays_for_are_never_paused(percent: float, threads: int) -> None:
    """Fewer spinners than cores of the share run on for ever, looking every 40 ms, in whatever order they charge."""
    share = CpuShare(percent, max_concurrent_tasks=4, clock_ns=lambda: 0)
    for now_ns in range(0, 10 * SECOND_NS, 40 * MS):
        assert share.until_empty_ns(now_ns, threads) == 40 * MS
        for _ in range(threads):
            assert share.charge(40 * MS, now_ns + 40 * MS) == 0


@pytest.mark.parametrize("percent", [10, 50, 100, 150, 350])
def test_a_new_task_waits_for_the_debt_of_tasks_that_ended(percent: float) -> None:
    """Whatever the share is: in debt nobody begins, and on an empty bucket nobody begins with time to spare."""
    share = CpuShare(percent, max_concurrent_tasks=4, clock_ns=lambda: 0)
    full = round(share._capacity)
    assert share.begin(0) > 0
    share.settle(full + MS, 0)
    assert share.begin(0) == -share.debt_wait_ns(0) < 0
    share.settle(0, share.debt_wait_ns(0) + 1)
    assert share.begin(share._seen_ns) >= 0


#: Stretches between readings of the clock, and what a guest used of the one before.
charges = st.lists(st.tuples(st.integers(-MS, 60 * MS), st.floats(0, 4)), max_size=60)


@given(st.floats(0.5, 399), charges)
@settings(deadline=None)
def test_every_nanosecond_is_taken_and_none_comes_twice(percent: float, life: list[tuple[int, float]]) -> None:
    """`settle` and `charge` against the plain sum: fill to the brim up to the guest's begin, add what came, take."""
    share = CpuShare(percent, max_concurrent_tasks=4, clock_ns=lambda: 0)
    capacity = balance = share._capacity
    now_ns = seen_ns = 0
    for number, (step_ns, threads) in enumerate(life):
        now_ns = max(now_ns + step_ns, 0)  # threads read the clock in one order and come in another
        cpu_ns = round(max(step_ns, 0) * threads)
        begin_ns = max(now_ns - cpu_ns, seen_ns)
        balance = min(balance + (begin_ns - seen_ns) * percent / 100, capacity)
        balance += max(now_ns - begin_ns, 0) * percent / 100
        seen_ns = max(now_ns, seen_ns)
        balance = min(balance - cpu_ns, capacity)
        (share.settle if number % 2 else share.charge)(cpu_ns, now_ns)
        assert share._balance == pytest.approx(balance, abs=1)
        assert share._balance <= capacity


@pytest.mark.parametrize("task_us", [30, 60, 3000, 70_000])
@pytest.mark.parametrize("percent", [10, 40, 60, 150])
def test_short_tasks_one_after_the_other_get_one_share(percent: float, task_us: int) -> None:
    """Four threads that only ever begin and settle use what was saved, the share, and one late task each."""
    share = CpuShare(percent, max_concurrent_tasks=4, clock_ns=lambda: 0)
    ready, used_ns, end_ns = [(0, thread) for thread in range(4)], 0, 2 * SECOND_NS
    while ready[0][0] < end_ns:
        now_ns, thread = heapq.heappop(ready)
        spare_ns = share.begin(now_ns)
        if spare_ns >= 0:
            ran_ns = min(task_us * 1000, max(spare_ns, MS))  # a guest looks no sooner than a tick
            now_ns += ran_ns
            used_ns += ran_ns
            share.settle(ran_ns, now_ns)
        heapq.heappush(ready, (now_ns + max(-spare_ns, 1000), thread))
    paid_ns = end_ns * percent / 100
    assert 0.9 * paid_ns <= used_ns <= paid_ns + share._capacity + 4 * min(task_us * 1000, 40 * MS)


@pytest.mark.parametrize("seconds", [0.04, 1, 60])
def test_what_comes_in_during_a_long_run_pays_for_it(seconds: float) -> None:
    """One guest that nobody looked at for long owes what it overspent, not what the bucket could not hold."""
    share = CpuShare(90, clock_ns=lambda: 0)
    rested_ns = 5 * SECOND_NS
    ran_ns = round(seconds * SECOND_NS)
    share.charge(ran_ns, rested_ns + ran_ns)
    overspent_ns = 0.1 * ran_ns - 45 * MS
    assert share.debt_wait_ns(rested_ns + ran_ns) == pytest.approx(max(overspent_ns / 0.9, 0), abs=1)


def test_a_share_that_cannot_be_overspent_costs_nothing() -> None:
    """At 100 % of each task there is nothing to count."""
    share = CpuShare(200, max_concurrent_tasks=2, clock_ns=lambda: 0)
    assert share.is_unlimited
    assert share.charge(3600 * SECOND_NS, 0) == 0
    assert share.pause_ns(0) == share.debt_wait_ns(0) == 0
    assert share.until_empty_ns(0, 2) == NEVER_NS
    assert not CpuShare(199.9, max_concurrent_tasks=2).is_unlimited


def test_clock_readings_out_of_order_refill_once() -> None:
    """A thread that read the clock first but came second neither refills nor takes back."""
    share = CpuShare(50, clock_ns=lambda: 0)
    share.charge(175 * MS, 100 * MS)
    assert share.debt_wait_ns(100 * MS) == 200 * MS
    share.charge(0, 40 * MS)
    share.charge(0, 100 * MS)
    assert share.debt_wait_ns(40 * MS) == share.debt_wait_ns(100 * MS) == 200 * MS


@pytest.mark.parametrize(
    ("percent", "tasks"),
    [(0, 1), (-1, 1), (100.1, 1), (200.1, 2), (float("nan"), 1), (float("inf"), 256)],
)
def test_refuses_percentages_out_of_range(percent: float, tasks: int) -> None:
    """More than nothing, and at most a core for each task."""
    with pytest.raises(ValueError, match=f"give more than 0 and at most {100 * tasks}"):
        CpuShare(percent, max_concurrent_tasks=tasks)


def test_charges_of_many_threads_add_up() -> None:
    """No charge is lost between threads."""
    share = CpuShare(10, max_concurrent_tasks=8, clock_ns=lambda: 0)

    def charge() -> None:
        for _ in range(5000):
            share.charge(1000, 0)

    threads = [threading.Thread(target=charge) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert share.debt_wait_ns(0) == (8 * 5000 * 1000 - 5 * MS) * 10


@pytest.mark.timing
def test_holds_a_real_spinning_thread() -> None:
    """A thread that burns CPU time and pauses as told gets about a quarter of the time, whatever the sleeps cost."""
    share = CpuShare(25)
    began_ns, began_cpu_ns = time.monotonic_ns(), time.thread_time_ns()
    charged_ns = began_cpu_ns
    while time.monotonic_ns() - began_ns < 1.5 * SECOND_NS:
        sum(range(2000))
        cpu_ns = time.thread_time_ns()
        pause_ns = share.charge(cpu_ns - charged_ns, time.monotonic_ns())
        charged_ns = cpu_ns
        if pause_ns:
            time.sleep(pause_ns / 1e9)
    wall_ns = time.monotonic_ns() - began_ns
    used_ns = time.thread_time_ns() - began_cpu_ns
    assert 0.15 * wall_ns < used_ns <= 0.25 * wall_ns + 12.5 * MS + 2 * MS
