"""May this task be admitted now? The rate of one swarm: never more than N tasks in any one second.

Chosen: the moving window strategy of the ``limits`` library, on storages of ours registered with it, because it is
exact. Rejected: its sliding window counter, which let 67 through where 50 were allowed, and token buckets, which
admit up to twice the rate in the second after an idle one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from infrafabric.errors import escape
from infrafabric.limits.moving_window import (
    MonotonicWindowStorage,
    RateStorage,
    RateToken,
    ReturnableMovingWindow,
    SwarmRate,
)
from infrafabric.limits.redis_window import SharedWindowStorage, without_password

if TYPE_CHECKING:
    from collections.abc import Callable

#: The highest rate a contract may ask for, in tasks a second.
MAX_RATE_PER_SECOND = 100_000

_SHARED_SCHEMES = ("redis", "rediss", "redis+unix")


class RateLimiter:
    """Admits at most ``rate_per_second`` tasks of one swarm in any one second (half-open: one at 0 s, one at 1 s).

    Limiters of one swarm id on one ``storage`` (see `open_rate_storage`; by default one of their own) share one
    window, whatever their rates. Thread-safe. An admission costs about two microseconds, in a shared store one
    round trip. Raises ValueError for a rate that is not an int from 1 to 100,000.

    >>> limiter = RateLimiter(1, "analyzer")
    >>> token = limiter.try_admit()
    >>> limiter.try_admit().retry_after_seconds <= 1.0
    True
    >>> limiter.give_back(token)
    >>> limiter.seconds_until_free()
    0.0
    """

    __slots__ = ("_rate", "_windows", "rate_per_second", "swarm_id", "try_admit")

    def __init__(
        self,
        rate_per_second: int,
        swarm_id: str,
        *,
        storage: RateStorage | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if type(rate_per_second) is not int or not 1 <= rate_per_second <= MAX_RATE_PER_SECOND:
            message = (
                f"the rate of swarm {escape(swarm_id)!r} is {escape(repr(rate_per_second), 64)}: "
                f"give a whole number of tasks a second from 1 to {MAX_RATE_PER_SECOND:,}"
            )
            raise ValueError(message)
        self.rate_per_second = rate_per_second
        self.swarm_id = swarm_id
        self._rate = SwarmRate(rate_per_second, swarm_id)
        self._windows = ReturnableMovingWindow(
            MonotonicWindowStorage(clock_ns=clock_ns) if storage is None else storage
        )
        #: Admit one task now: its `RateToken`, or a `Refusal` that says when to come again; that consumes nothing.
        #: Whoever is admitted and then does not run hands the token to `give_back`.
        self.try_admit = self._windows.admitting(self._rate)

    def give_back(self, token: RateToken) -> None:
        """Undo one admission, as if it had never been; call it at most once a token.

        Nothing happens when the admission is more than a second old: it weighs nothing any more.
        """
        self._windows.give_back(self._rate, token)

    def seconds_until_free(self, ahead: int = 0) -> float:
        """Tell how long to wait before `try_admit` can succeed, when ``ahead`` others go first; 0.0 means now.

        Books nothing: a line of waiting tasks keeps its own order, wakes its first at this time and tries again.
        """
        return self._windows.seconds_until_free(self._rate, ahead)


def open_rate_storage(
    uri: str | None = None,
    *,
    on_storage_error: Literal["local", "refuse"] = "local",
    timeout_seconds: float = 0.25,
    clock_ns: Callable[[], int] = time.monotonic_ns,
) -> RateStorage:
    """Open what rates are counted in: this process's memory (None), or a Redis shared by many processes.

    ``uri`` is ``redis://[user:password@]host:port/db``, ``rediss://...`` (TLS) or ``redis+unix:///path``; it needs
    ``infrafabric[redis]`` and Redis 5 or later. The store need not be up yet. For ``on_storage_error`` and
    ``timeout_seconds`` see `SharedWindowStorage`. Raises ValueError for anything else, with passwords left out.
    """
    if uri is None:
        return MonotonicWindowStorage(clock_ns=clock_ns)
    scheme, separator, _rest = uri.partition("://")
    if not separator or scheme not in _SHARED_SCHEMES:
        known = ", ".join(f"{known}://" for known in _SHARED_SCHEMES)
        message = f"rate storage {without_password(uri)!r} is of no known kind: give one of {known}, or none for memory"
        raise ValueError(message)
    return SharedWindowStorage(
        f"infrafabric+{uri}",
        on_storage_error=on_storage_error,
        timeout_seconds=timeout_seconds,
        clock_ns=clock_ns,
    )
