"""Whether something outside is away, and whose turn it is to look whether it is back.

Chosen: the task that comes by at the right time looks, alone, after 1, 2, 4 and then every 8 seconds.
Rejected: a thread that looks in the background, which is one more thing to stop, to fork and to wake an idle host.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_LOOK_NS = 1_000_000_000
_SLOWEST_LOOK_NS = 8_000_000_000


class Outage:
    """Keeps callers off a service that does not answer. Thread-safe.

    ``failures`` counts the requests it did not answer.
    """

    __slots__ = ("_clock_ns", "_lock", "_look_after_ns", "_look_at_ns", "_since_ns", "failures")

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self.failures = 0
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._since_ns: int | None = None
        self._look_at_ns = 0
        self._look_after_ns = _FIRST_LOOK_NS

    @property
    def is_away(self) -> bool:
        """Tell whether it left the last request unanswered."""
        return self._since_ns is not None

    def may_ask(self) -> bool:
        """Tell whether to ask the service: always while it answers, else once for each look that is due."""
        if self._since_ns is None:
            return True
        with self._lock:
            now_ns = self._clock_ns()
            if now_ns < self._look_at_ns:
                return False
            self._look_later(now_ns)
            return True

    def failed(self) -> bool:
        """Note that a request went unanswered; True when that is news."""
        with self._lock:
            self.failures += 1
            if self._since_ns is not None:
                return False
            self._since_ns = self._clock_ns()
            self._look_after_ns = _FIRST_LOOK_NS
            self._look_later(self._since_ns)
            return True

    def answered(self) -> int | None:
        """Note that a request was answered; when that ends an outage, give how many nanoseconds it took."""
        return None if self._since_ns is None else self._end()

    def ns_until_look(self) -> int:
        """Give how long until the next caller may look; at least 10 ms, for a look may be under way."""
        return max(self._look_at_ns - self._clock_ns(), 10_000_000)

    def _end(self) -> int | None:
        with self._lock:
            since_ns, self._since_ns = self._since_ns, None
            return None if since_ns is None else self._clock_ns() - since_ns

    def _look_later(self, now_ns: int) -> None:
        self._look_at_ns = now_ns + self._look_after_ns
        self._look_after_ns = min(2 * self._look_after_ns, _SLOWEST_LOOK_NS)
