"""Exact moving windows on the monotonic clock, as a storage and a strategy of the ``limits`` library.

Chosen: each key keeps the times of its admissions, sorted, in one lazily grown array of 8-byte integers. A hit
looks at one entry (the one as far back as the limit is high), so it costs the same at 1 and at 100,000 a second,
and an admission that comes to nothing can be taken back exactly, by its time.
Rejected: the in-memory storage of ``limits``, which counts on the wall clock (a step of it opens or shuts every
window), starts a timer thread and takes nothing back; and counters in place of times, which admit too many.
"""

from __future__ import annotations

import functools
import threading
import time
from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Protocol, TypeAlias

import attrs
from limits import RateLimitItemPerSecond
from limits.storage import MovingWindowSupport, Storage
from limits.strategies import MovingWindowRateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable

NS_PER_SECOND = 1_000_000_000

#: Proof of an admission, good for giving it back: its time in nanoseconds here, a name in a shared store.
RateToken: TypeAlias = int | str

# Dead entries are moved out only in lots of at least this many, so that small windows are hardly ever moved.
_COMPACT_AT = 64


@attrs.frozen
class Refusal:
    """The rate is used up: one task would be admitted after ``retry_after_seconds`` (> 0).

    ``store_away`` is True when the shared store could not be asked, and the operator chose to refuse then.
    """

    retry_after_seconds: float
    store_away: bool = False


class RateStorage(Protocol):
    """What a rate needs of a storage: admit, take back, foretell. ``expiry`` is the window, in seconds."""

    def admit(self, key: str, limit: int, expiry: int) -> RateToken | Refusal:
        """Count one admission now, or say when there would be room."""

    def give_back(self, key: str, token: RateToken) -> None:
        """Undo one admission; nothing happens once it has left the window."""

    def seconds_until_free(self, key: str, limit: int, expiry: int, ahead: int) -> float:
        """Tell when there is room for one more, after ``ahead`` others; 0.0 when there is room now."""

    def close(self) -> None:
        """Let go of connections; a later use opens them again."""


class SwarmRate(RateLimitItemPerSecond):
    """The rate of one swarm as ``limits`` knows it; all rates of one swarm id share one window."""

    __slots__ = ("_key",)

    def __init__(self, rate_per_second: int, swarm_id: str) -> None:
        super().__init__(rate_per_second, namespace="infrafabric")
        # Built once: putting the key together costs more than the whole hit. The amount is left out of it, so that
        # a replaced contract goes on counting where the old one stopped.
        self._key = f"infrafabric/rate/{swarm_id}"

    def key_for(self, *_identifiers: bytes | str | float) -> str:
        """Give the key of the swarm's window."""
        return self._key


class ReturnableMovingWindow(MovingWindowRateLimiter):
    """The moving window strategy of ``limits``, with admissions that can be given back and refusals that foretell.

    ``storage`` must be a `RateStorage`. The strategy's own ``hit``, ``test`` and ``get_window_stats`` work on the
    same windows.
    """

    def __init__(self, storage: RateStorage) -> None:
        super().__init__(storage)  # type: ignore[arg-type]  # a Storage too: limits checks it
        self._windows: RateStorage = storage

    def admitting(self, rate: SwarmRate) -> Callable[[], RateToken | Refusal]:
        """What counts one admission of a rate, or says when there would be room: looked up once, called often."""
        return functools.partial(self._windows.admit, rate.key_for(), rate.amount, 1)

    def give_back(self, rate: SwarmRate, token: RateToken) -> None:
        """Undo one admission."""
        self._windows.give_back(rate.key_for(), token)

    def seconds_until_free(self, rate: SwarmRate, ahead: int) -> float:
        """Tell when there is room for one more, after ``ahead`` others."""
        return self._windows.seconds_until_free(rate.key_for(), rate.amount, 1, ahead)


class _Window:
    """The admissions of one key, oldest first. Not locked by itself: callers hold ``lock``."""

    __slots__ = ("dropped", "first", "lock", "times", "window_ns")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.times = array("q")
        self.first = 0  # entries before it are dead, and moved out in lots
        self.window_ns = 0
        self.dropped = False

    def admit(self, now_ns: int, limit: int, window_ns: int, amount: int = 1) -> int | Refusal:
        """Count ``amount`` admissions (at most ``limit``) and give their time, or say when they would fit."""
        times, first = self.times, self.first
        size = len(times)
        if size > first and times[-1] > now_ns:
            now_ns = times[-1]  # two readings of a clock that steps back must not unsort the times
        oldest_in_the_way = size - 1 - limit + amount
        if oldest_in_the_way >= first and times[oldest_in_the_way] > now_ns - window_ns:
            return Refusal((times[oldest_in_the_way] + window_ns - now_ns) / NS_PER_SECOND)
        self.window_ns = window_ns
        times.append(now_ns)
        if amount > 1:
            times.extend([now_ns] * (amount - 1))
        # Two dead entries are left behind for each new one: no hit pays for a long idle backlog.
        edge_ns = now_ns - window_ns
        if times[first] <= edge_ns:
            first += 1
            if times[first] <= edge_ns:
                first += 1
            if first >= _COMPACT_AT and first * 2 >= len(times):
                del times[:first]
                first = 0
            self.first = first
        return now_ns

    def give_back(self, admitted_ns: int) -> None:
        times = self.times
        at = bisect_left(times, admitted_ns, self.first)
        if at < len(times) and times[at] == admitted_ns:
            del times[at]

    def ns_until_free(self, now_ns: int, limit: int, window_ns: int, ahead: int) -> int:
        times = self.times
        rounds, place = divmod(ahead, limit)
        oldest_in_the_way = len(times) - limit + place
        if oldest_in_the_way < self.first:
            return rounds * window_ns
        return max(times[oldest_in_the_way] + window_ns - now_ns, 0) + rounds * window_ns

    def since(self, edge_ns: int) -> tuple[int | None, int]:
        """Give the oldest time after ``edge_ns``, and how many there are."""
        at = bisect_right(self.times, edge_ns, self.first)
        count = len(self.times) - at
        return (self.times[at] if count else None), count

    def is_idle(self, now_ns: int) -> bool:
        return len(self.times) == self.first or self.times[-1] <= now_ns - self.window_ns


class MonotonicWindowStorage(Storage, MovingWindowSupport):
    """The windows of this process, for ``limits``: ``storage_from_string("infrafabric+memory://")``.

    Keeps moving windows only; 8 bytes for each admission of the last second, and nothing for long for a key that is
    no longer hit. Thread-safe: one lock a key. ``clock_ns`` must be monotonic, in nanoseconds.
    """

    STORAGE_SCHEME = ["infrafabric+memory"]  # noqa: RUF012  # limits reads a list

    def __init__(
        self, uri: str | None = None, *, wrap_exceptions: bool = False, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._clock_ns = clock_ns
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()
        self._sweep_at = 64

    def admit(self, key: str, limit: int, expiry: int) -> int | Refusal:
        """Count one admission now and give its time, or say when there would be room."""
        window = self._windows.get(key)
        if window is not None:
            with window.lock:
                if not window.dropped:
                    return window.admit(self._clock_ns(), limit, expiry * NS_PER_SECOND)
        return self._admit(key, limit, expiry, 1)

    def give_back(self, key: str, token: RateToken) -> None:
        """Undo one admission; nothing happens once it has left the window."""
        window = self._windows.get(key)
        if window is not None and isinstance(token, int):
            with window.lock:
                window.give_back(token)

    def seconds_until_free(self, key: str, limit: int, expiry: int, ahead: int) -> float:
        """Tell when there is room for one more, after ``ahead`` others; 0.0 when there is room now."""
        window = self._window(key)
        with window.lock:
            return window.ns_until_free(self._clock_ns(), limit, expiry * NS_PER_SECOND, ahead) / NS_PER_SECOND

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count ``amount`` admissions, all or none: the entry point of the stock strategy of ``limits``."""
        return amount <= limit and not isinstance(self._admit(key, limit, expiry, amount), Refusal)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002
        """Give the time of the oldest admission in the window (monotonic seconds) and how many there are."""
        window = self._window(key)
        with window.lock:
            now_ns = self._clock_ns()
            oldest_ns, count = window.since(now_ns - expiry * NS_PER_SECOND)
        return (now_ns if oldest_ns is None else oldest_ns) / NS_PER_SECOND, count

    def clear(self, key: str) -> None:
        """Forget one key's admissions."""
        with self._lock:
            window = self._windows.pop(key, None)
            if window is not None:
                with window.lock:
                    window.dropped = True

    def reset(self) -> int:
        """Forget all admissions; give the number of keys there were."""
        keys = list(self._windows)
        for key in keys:
            self.clear(key)
        return len(keys)

    def check(self) -> bool:
        """Tell whether the storage works: always, it is this process's memory."""
        return True

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        """Give what ``limits`` may wrap: nothing is raised here."""
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Refuse: fixed windows admit up to twice the limit in one second."""
        raise NotImplementedError(_ONLY_MOVING)

    def get(self, key: str) -> int:
        """Refuse, as `incr` does."""
        raise NotImplementedError(_ONLY_MOVING)

    def get_expiry(self, key: str) -> float:
        """Refuse, as `incr` does."""
        raise NotImplementedError(_ONLY_MOVING)

    def _admit(self, key: str, limit: int, expiry: int, amount: int) -> int | Refusal:
        while True:
            window = self._windows.get(key) or self._window(key)
            with window.lock:
                if not window.dropped:
                    return window.admit(self._clock_ns(), limit, expiry * NS_PER_SECOND, amount)

    def _window(self, key: str) -> _Window:
        with self._lock:
            window = self._windows.get(key)
            if window is None:
                if len(self._windows) >= self._sweep_at:
                    self._sweep()
                window = self._windows[key] = _Window()
            return window

    def _sweep(self) -> None:
        """Drop the windows of keys that nobody hits any more; a hit that just found one looks again."""
        now_ns = self._clock_ns()
        for key, window in list(self._windows.items()):
            with window.lock:
                if window.is_idle(now_ns):
                    window.dropped = True
                    del self._windows[key]
        self._sweep_at = max(64, 2 * len(self._windows))


_ONLY_MOVING = "this storage keeps moving windows only: use limits.strategies.MovingWindowRateLimiter"
