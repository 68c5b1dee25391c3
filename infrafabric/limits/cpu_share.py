"""How much of a core one swarm's guests may use, averaged over short periods: guests are slowed down, not killed.

Chosen: a token bucket of guest CPU nanoseconds that may go into debt. Threads report what they used when they get to
it, and a pause is as long as the debt says, so that late checks, long bulk operations and oversleeping even out: what
is used in any stretch of time is the share of it, give or take what the bucket holds.
Rejected: a quota for each 100 ms period (as in cgroups), which lets two quotas through around a period's end and stops
a guest for all of the rest; and operating system limits, which know processes and not swarms.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Callable

#: A rested swarm may use this much of its time at full speed: half of the 100 ms period a share is averaged over.
BURST_NS = 50_000_000

#: A paused guest goes on when this much of its time has been saved up: 1 % of a second, so that pauses are few, and
#: small enough that any one second holds the share within 1 % of itself, give or take one late check.
RESUME_NS = 10_000_000

#: Between two looks at most: longer, and what refills meanwhile would overflow the bucket before it is used.
LOOK_NS = BURST_NS - RESUME_NS

#: "Not in this life": no need to look at the bucket at all.
NEVER_NS = 1 << 62


class CpuShare:
    """A bucket of CPU time that refills at ``percent`` of one core, shared by all threads that run one swarm's guests.

    ``percent`` is above 0 and at most 100 x ``max_concurrent_tasks``; at that bound nothing can be overspent: then
    ``is_unlimited`` is True and every answer is free. Thread-safe. Times are nanoseconds: ``now_ns`` a reading of one
    monotonic clock, ``cpu_ns`` CPU time of the calling thread. Raises ValueError for a percentage out of range.

    >>> share = CpuShare(25, clock_ns=lambda: 0)
    >>> share.charge(12_500_000, now_ns=0)           # the burst of a rested swarm, 50 ms x 25 %, is used up
    10000000
    >>> share.charge(3_500_000, now_ns=10_000_000)   # and overdrawn by 1 ms: pause until 2.5 ms are saved up
    14000000
    """

    __slots__ = (
        "_balance",
        "_capacity",
        "_lock",
        "_plenty",
        "_resume_at",
        "_saves_up",
        "_seen_ns",
        "_share",
        "is_unlimited",
        "percent",
    )

    def __init__(
        self, percent: float, *, max_concurrent_tasks: int = 1, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        if not 0 < percent <= 100 * max_concurrent_tasks:
            message = (
                f"a CPU share of {escape(repr(percent), 64)} percent for {max_concurrent_tasks} concurrent tasks: "
                f"give more than 0 and at most {100 * max_concurrent_tasks}"
            )
            raise ValueError(message)
        self.percent = percent
        self.is_unlimited = percent >= 100 * max_concurrent_tasks
        self._share = percent / 100
        self._capacity = BURST_NS * self._share
        self._resume_at = RESUME_NS * self._share
        #: With so much one thread can spin until the next look, and nobody is in debt or saves up.
        self._plenty = max(LOOK_NS * (1 - self._share), self._resume_at)
        self._balance = self._capacity
        self._saves_up = False
        self._seen_ns = clock_ns()
        self._lock = threading.Lock()

    def charge(self, cpu_ns: int, now_ns: int) -> int:
        """Take ``cpu_ns`` out of the bucket; give how long this guest must pause now, mostly 0 (see `pause_ns`)."""
        if self.is_unlimited:
            return 0
        with self._lock:
            self._take(cpu_ns, now_ns)
            return self._pause()

    def begin(self, now_ns: int) -> int:
        """Give how long a new task may run before the bucket can be empty; below zero: how long it must wait first.

        What `debt_wait_ns` and `until_empty_ns` say, at once.
        """
        if self.is_unlimited:
            return NEVER_NS
        # As it stood at its last change, which is too little by what came in since: enough is enough, without the lock.
        if self._balance >= self._plenty and not self._saves_up:
            return LOOK_NS
        with self._lock:
            balance = self._refill(now_ns)
            if balance < 0:
                return -self._ns_until(0, balance)
            if (balance == 0 or self._saves_up) and self._pause():
                return 0
        return self._until_empty(balance, 1)

    def settle(self, cpu_ns: int, now_ns: int) -> None:
        """Take ``cpu_ns`` out of the bucket for a guest that has ended: as `charge`, with nobody to pause."""
        if self.is_unlimited:
            return
        with self._lock:
            self._take(cpu_ns, now_ns)

    def pause_ns(self, now_ns: int) -> int:
        """Give how long a guest must pause now: 0 while anything is left, else until 10 ms of the share are saved up.

        All threads of the swarm go on at the same moment. Ask again on waking: another thread may have used up what
        was saved. Pausing costs no CPU time and is not charged; one that took longer than asked is made up for.
        """
        if self.is_unlimited:
            return 0
        with self._lock:
            self._refill(now_ns)
            return self._pause()

    def debt_wait_ns(self, now_ns: int) -> int:
        """Give how long a new task must wait until the swarm is out of debt; 0 when it owes nothing."""
        if self.is_unlimited:
            return 0
        with self._lock:
            balance = self._refill(now_ns)
        return 0 if balance >= 0 else self._ns_until(0, balance)

    def until_empty_ns(self, now_ns: int, threads: int = 1) -> int:
        """Give how long ``threads`` spinning threads can run before the bucket can be empty; 0 while it saves up.

        Look (`charge`) again no later than this: at most 40 ms, and `NEVER_NS` for an unlimited share. A look that
        comes late only makes debt, which is paid back.
        """
        if self.is_unlimited:
            return NEVER_NS
        with self._lock:
            balance = self._refill(now_ns)
            if self._pause():
                return 0
        return self._until_empty(balance, threads)

    def _until_empty(self, balance: float, threads: int) -> int:
        drain = threads - self._share
        return LOOK_NS if balance >= LOOK_NS * drain else int(balance / drain)

    def _take(self, cpu_ns: int, now_ns: int) -> None:
        """Take out what was used up to ``now_ns``, under the lock.

        Time before the guest ran fills the bucket to its brim; what came in while it ran, it may have used.
        """
        share, capacity = self._share, self._capacity
        balance, before_ns = self._balance, now_ns - cpu_ns - self._seen_ns
        if before_ns > 0:
            balance += before_ns * share
            if balance > capacity:
                balance = capacity
            balance -= cpu_ns * (1 - share)
            self._seen_ns = now_ns
        else:
            balance -= cpu_ns
            elapsed_ns = now_ns - self._seen_ns
            if elapsed_ns > 0:
                balance += elapsed_ns * share
                self._seen_ns = now_ns
        self._balance = balance if balance < capacity else capacity

    def _refill(self, now_ns: int) -> float:
        """Fill the bucket up to ``now_ns``, under the lock."""
        elapsed_ns = now_ns - self._seen_ns
        if elapsed_ns > 0:  # threads read the clock before they get the lock, so a reading may come late
            self._seen_ns = now_ns
            self._balance = min(self._balance + elapsed_ns * self._share, self._capacity)
        return self._balance

    def _pause(self) -> int:
        """Give how long to pause, under the lock.

        Once empty, the bucket is saving up for everybody: were each thread to go on by itself, the one that wakes
        right after another would find next to nothing, every time.
        """
        if self._balance <= 0:
            self._saves_up = True
        elif self._balance > self._resume_at - 1:
            self._saves_up = False
        return self._ns_until(self._resume_at, self._balance) if self._saves_up else 0

    def _ns_until(self, target: float, balance: float) -> int:
        return math.ceil((target - balance) / self._share)
