"""One time line through clock steps, sleep and restarts, and how much of it was watched.

Buckets are placed by the monotonic clock, so stepping the wall clock moves no event. The line starts at the wall
clock's reading (buckets of an hour then begin on the hour), goes on while the machine sleeps, which the monotonic
clock alone would not notice, and skips the time the process was down. What was not watched is a hole.
Placing events by the wall clock was rejected: one NTP step would empty or refill an error budget.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: Two clock readings differ by scheduling; only this much between them is sleep.
_SLEEP_NOTICED_NS: Final = 10**9
#: Holes beyond this are merged with their neighbour: coverage is then a lower bound.
_HOLES_MAX: Final = 256


def machine_asleep_ns() -> int:
    """Nanoseconds this machine slept since it was started, where the platform tells (Linux); else 0."""
    boot_clock = getattr(time, "CLOCK_BOOTTIME", None)
    return 0 if boot_clock is None else time.clock_gettime_ns(boot_clock) - time.monotonic_ns()


class Timeline:
    """Maps monotonic nanoseconds to the line's nanoseconds, which never go back.

    Sleep is noticed at the next `advance`, at a bucket's edge or when somebody looks, and its hole is put there.
    ``holes`` are (start, end) pairs in order; ``started_ns`` is where watching began.
    """

    __slots__ = ("_asleep", "_asleep_ns", "_wall_clock", "holes", "last_ns", "shift_ns", "started_ns")

    def __init__(self, now_ns: int, wall_clock: Callable[[], float], asleep_ns: Callable[[], int]) -> None:
        self._wall_clock = wall_clock
        self._asleep_ns = asleep_ns
        self._asleep = asleep_ns()
        self.last_ns = self.started_ns = int(wall_clock() * 1e9)
        self.shift_ns = self.last_ns - now_ns
        self.holes: list[tuple[int, int]] = []

    def advance(self, now_ns: int) -> int:
        """Where this monotonic reading lies on the line; sleep since the last call becomes a hole."""
        slept = self._asleep_ns() - self._asleep
        if slept >= _SLEEP_NOTICED_NS:
            self._asleep += slept
            before = max(self.last_ns, now_ns + self.shift_ns)
            self.shift_ns += slept
            self.add_hole(before, before + slept)
        self.last_ns = max(self.last_ns, now_ns + self.shift_ns)
        return self.last_ns

    def resume(self, now_ns: int, *, saved_ns: int, saved_wall: float, started_ns: int, holes: list[list[int]]) -> None:
        """Go on after a restart: the wall clock says for how long nobody watched.

        A wall clock that is behind the saved one cannot be right about that; the line then goes on without a hole.
        """
        down_ns = max(0, int((self._wall_clock() - saved_wall) * 1e9))
        self.started_ns = started_ns
        self.last_ns = saved_ns + down_ns
        self.shift_ns = self.last_ns - now_ns
        self.holes = [(start, end) for start, end in holes]
        self.add_hole(saved_ns, self.last_ns)

    def add_hole(self, start_ns: int, end_ns: int) -> None:
        """Nobody watched from ``start_ns`` to ``end_ns``."""
        if end_ns <= start_ns:
            return
        if len(self.holes) == _HOLES_MAX:
            gaps = [self.holes[n + 1][0] - self.holes[n][1] for n in range(_HOLES_MAX - 1)]
            closest = gaps.index(min(gaps))
            self.holes[closest : closest + 2] = [(self.holes[closest][0], self.holes[closest + 1][1])]
        self.holes.append((start_ns, end_ns))

    def watched_ns(self, start_ns: int) -> int:
        """How long somebody watched from ``start_ns`` until now."""
        start_ns = max(start_ns, self.started_ns)
        missed = sum(max(0, end - max(begin, start_ns)) for begin, end in self.holes)
        return max(0, self.last_ns - start_ns - missed)

    def forget(self, before_ns: int) -> None:
        """Drop the holes that ended before this time."""
        self.holes = [hole for hole in self.holes if hole[1] > before_ns]

    def wall(self, timeline_ns: int) -> float:
        """Epoch seconds, by today's wall clock, of a place on the line."""
        return self._wall_clock() - (self.last_ns - timeline_ns) / 1e9

    def place(self, epoch_seconds: float) -> int:
        """The place on the line of an instant given in epoch seconds, by today's wall clock."""
        return self.last_ns + int((epoch_seconds - self._wall_clock()) * 1e9)
