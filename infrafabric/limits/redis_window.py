"""One rate for many processes: moving windows in Redis, with a stated behaviour when it is away.

Chosen: a storage on top of the Redis storage of ``limits``, with one script that reads the server's clock, so that
processes and machines whose clocks disagree still share one exact window, and that names each admission, so that
it can be given back and a repeated request counts once.
Rejected: the stock script, which stamps admissions with each client's wall clock and can take none of them back.

When the server cannot be asked, ``on_storage_error`` decides, for all swarms of this storage:

* ``"local"`` (default): each process goes on alone, with the same rate. Every process still holds the rate, and the
  outage of a helper does not become the outage of every swarm; together they may admit one rate each.
* ``"refuse"``: nothing is admitted until the server is back. For rates that protect something scarcer than this host.

Either way a task loses at most a few ``timeout_seconds`` to it, and only one task at a time looks whether the server
is back: after one second, two, four, then every eight. In the second in which it goes or comes back, local and shared
admissions are counted apart, so that up to two rates can fall into it.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from limits.errors import ConfigurationError
from limits.storage import RedisStorage

from infrafabric.errors import escape
from infrafabric.limits.moving_window import NS_PER_SECOND, MonotonicWindowStorage, RateToken, Refusal
from infrafabric.limits.outage import Outage

if TYPE_CHECKING:
    from collections.abc import Callable

_logger = logging.getLogger("infrafabric.limits")

_MAX_TIMEOUT_SECONDS = 60

# KEYS: the window, a sorted set by time. ARGV: limit, window in microseconds, how many go ahead, then the names of the
# admissions. Answers the microseconds until they fit; 0 when they fit, and then they are counted.
_WINDOW_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local limit, window, ahead, names = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), #ARGV - 3
if names > 0 and redis.call('ZSCORE', KEYS[1], ARGV[4]) then
    return 0  -- counted already: the answer was lost, and the client asks again
end
local newest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
if newest[2] and tonumber(newest[2]) > now then  -- the server's clock stepped back: let the window step with it
    local step = newest[2] - now
    local entries = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
    for at = 1, #entries, 2 do
        redis.call('ZADD', KEYS[1], entries[at + 1] - step, entries[at])
    end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local rounds = math.floor(ahead / limit)
local in_the_way = redis.call('ZCARD', KEYS[1]) - limit + ahead % limit + math.max(names, 1) - 1
if in_the_way >= 0 then
    local entry = redis.call('ZRANGE', KEYS[1], in_the_way, in_the_way, 'WITHSCORES')
    return entry[2] + (rounds + 1) * window - now
end
for at = 4, #ARGV do
    redis.call('ZADD', KEYS[1], now, ARGV[at])
end
if names > 0 then
    redis.call('PEXPIRE', KEYS[1], math.ceil(window / 500))
end
return rounds * window
"""


class SharedWindowStorage(RedisStorage):
    """The windows that many processes share, for ``limits``: ``storage_from_string("infrafabric+redis://...")``.

    ``on_storage_error`` is ``"local"`` or ``"refuse"`` (see the module); ``timeout_seconds`` bounds connecting and
    each answer (how long a host name's lookup takes is up to the system). ``outage`` tells whether the server is
    away. Thread-safe. Raises ValueError for an address or option that cannot be used, with passwords left out.
    """

    STORAGE_SCHEME = ["infrafabric+redis", "infrafabric+rediss", "infrafabric+redis+unix"]  # noqa: RUF012  # a list

    def __init__(
        self,
        uri: str,
        *,
        wrap_exceptions: bool = False,
        on_storage_error: Literal["local", "refuse"] = "local",
        timeout_seconds: float = 0.25,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        uri = uri.removeprefix("infrafabric+")
        self.shown_uri = without_password(uri)
        if on_storage_error not in {"local", "refuse"}:
            message = f"on_storage_error is {escape(repr(on_storage_error), 64)}: give 'local' or 'refuse'"
            raise ValueError(message)
        if not 0 < timeout_seconds <= _MAX_TIMEOUT_SECONDS:
            message = (
                f"timeout_seconds of rate storage {self.shown_uri!r} is {timeout_seconds!r}: "
                f"give more than 0 and at most {_MAX_TIMEOUT_SECONDS} seconds"
            )
            raise ValueError(message)
        self.outage = Outage(clock_ns)
        self._refuses = on_storage_error == "refuse"
        self._local = MonotonicWindowStorage(clock_ns=clock_ns)
        try:
            super().__init__(uri, wrap_exceptions=wrap_exceptions, **_connection_options(timeout_seconds))
        except (ImportError, ConfigurationError):
            message = f"rate storage {self.shown_uri!r} needs the redis client: pip install 'infrafabric[redis]'"
            raise ValueError(message) from None
        except (ValueError, TypeError):  # their text may hold the password
            message = f"rate storage {self.shown_uri!r} cannot be read: give redis://[user:password@]host:port/db"
            raise ValueError(message) from None
        # ValueError: a host name that cannot be encoded, found only when connecting.
        self._failures: tuple[type[Exception], ...] = (self.dependency.RedisError, OSError, ValueError)
        self._window_script = self.storage.register_script(_WINDOW_SCRIPT)

    def admit(self, key: str, limit: int, expiry: int) -> RateToken | Refusal:
        """Count one admission now and give its token, or say when there would be room."""
        name = secrets.token_hex(8)
        wait_us = self._ask(key, limit, expiry, 0, name)
        if wait_us == 0:
            return name
        if wait_us is not None:
            return Refusal(wait_us / 1e6)
        if self._refuses:
            return Refusal(self.outage.ns_until_look() / NS_PER_SECOND, store_away=True)
        return self._local.admit(key, limit, expiry)

    def give_back(self, key: str, token: RateToken) -> None:
        """Undo one admission where it was counted; while the server is away it is left to leave the window."""
        if isinstance(token, int):
            self._local.give_back(key, token)
        elif not self.outage.is_away:
            try:
                self.storage.zrem(self.prefixed_key(key), token)
            except self._failures as error:
                self._note_failure(error)

    def seconds_until_free(self, key: str, limit: int, expiry: int, ahead: int) -> float:
        """Tell when there is room for one more, after ``ahead`` others; 0.0 when there is room now."""
        wait_us = self._ask(key, limit, expiry, ahead)
        if wait_us is not None:
            return wait_us / 1e6
        if self._refuses:
            return self.outage.ns_until_look() / NS_PER_SECOND
        return self._local.seconds_until_free(key, limit, expiry, ahead)

    def close(self) -> None:
        """Close the connections to the server; a later use opens them again."""
        self.storage.connection_pool.disconnect()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count ``amount`` admissions, all or none: the entry point of the stock strategy of ``limits``."""
        if amount > limit:
            return False
        wait_us = self._ask(key, limit, expiry, 0, *(secrets.token_hex(8) for _ in range(amount)))
        if wait_us is not None:
            return wait_us == 0
        return not self._refuses and self._local.acquire_entry(key, limit, expiry, amount)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002
        """Give the time of the oldest admission in the window (seconds, the server's clock) and how many there are."""
        seconds, microseconds = self.storage.time()
        now_us = seconds * 1_000_000 + microseconds
        edge_us = now_us - expiry * 1_000_000
        times = self.storage.zrangebyscore(self.prefixed_key(key), f"({edge_us}", "+inf", withscores=True)
        return (times[0][1] if times else now_us) / 1e6, len(times)

    def _ask(self, key: str, limit: int, expiry: int, ahead: int, *names: str) -> int | None:
        """Give the microseconds until there is room, or None while the server is away."""
        if not self.outage.may_ask():
            return None
        try:
            wait_us = int(self._window_script([self.prefixed_key(key)], [limit, expiry * 1_000_000, ahead, *names]))
        except self._failures as error:
            self._note_failure(error)
            return None
        away_ns = self.outage.answered()
        if away_ns is not None:
            _logger.info("rate storage %s is back after %.1f s", self.shown_uri, away_ns / NS_PER_SECOND)
        return wait_us

    def _note_failure(self, error: Exception) -> None:
        if self.outage.failed():
            _logger.warning(
                "rate storage %s is away (%s: %s): %s until it is back",
                self.shown_uri,
                type(error).__name__,
                escape(str(error), 256),
                "no task is admitted" if self._refuses else "each process holds the rates by itself",
            )


def without_password(uri: str) -> str:
    """Give an address that can be shown: no user, no password, no options."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "(an address that cannot be read)"
    if not parts.scheme:
        return "(an address without a scheme)"
    return escape(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", 256)


def _connection_options(timeout_seconds: float) -> dict[str, Any]:
    from redis.backoff import NoBackoff  # noqa: PLC0415  # the client is an extra
    from redis.exceptions import ConnectionError as RedisConnectionError  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    return {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        # One more try at once when a connection breaks. Never after a timeout, and never with the pauses of the
        # client's own default, which hold a task for seconds.
        "retry": Retry(NoBackoff(), 1, (RedisConnectionError,)),
        "retry_on_error": [RedisConnectionError],  # redis 5 and before look here too
    }
