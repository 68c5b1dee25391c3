"""What clients may cost, and who of them has to go: the pace they have to keep, and the keeper of all connections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from infrafabric.dashboard.connections import Connection

#: So often connections are looked at.
LOOK_SECONDS: Final = 0.5


@attrs.frozen(kw_only=True)
class Pace:
    """How slowly a client may send or read: it has ``grace_seconds``, and a second for each ``bytes_per_second``."""

    grace_seconds: float = 10.0
    bytes_per_second: int = 16 << 10

    def seconds_for(self, sent_bytes: int) -> float:
        """How long so many bytes may take."""
        return self.grace_seconds + sent_bytes / self.bytes_per_second


@attrs.frozen(kw_only=True)
class ConnectionLimits:
    """What a connection may cost. Times in seconds.

    ``max_connections`` at a time: beyond, the one that has waited longest for its client makes room. ``head_seconds``
    for the whole head of a request, ``idle_seconds`` between requests, ``pace`` for bodies and answers. Answers that
    wait to be read hold at most ``max_unread_bytes`` together, and one answer more: beyond, the oldest are given up.
    """

    max_connections: int = 4096
    head_seconds: float = 10.0
    idle_seconds: float = 75.0
    pace: Pace = attrs.field(factory=Pace)
    max_unread_bytes: int = 256 << 20


class Doorkeeper:
    """All connections of a server, and which of them wait for their clients, the longest first."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._waiting: dict[Connection, None] = {}
        #: Those with answers that were not read at once, the oldest first.
        self._unread: dict[Connection, None] = {}
        self._all: set[Connection] = set()

    def __len__(self) -> int:
        return len(self._all)

    def came(self, connection: Connection) -> None:
        """Take a new connection in; at the limit, the one that has waited longest goes."""
        self._all.add(connection)
        self._waiting[connection] = None
        if len(self._all) > self.limits.max_connections:
            longest = next(iter(self._waiting))
            self.left(longest)  # before the loop says so: more may come until then, and each makes another one go
            longest.give_up()

    def works(self, connection: Connection) -> None:
        """A request of this connection has come."""
        self._waiting.pop(connection, None)

    def waits(self, connection: Connection) -> None:
        """This connection waits for its client from now on."""
        self._waiting.pop(connection, None)
        self._waiting[connection] = None

    def left(self, connection: Connection) -> None:
        """A connection has ended."""
        self._all.discard(connection)
        self._waiting.pop(connection, None)
        self._unread.pop(connection, None)

    def is_unread(self, connection: Connection) -> None:
        """What was just sent here is not taken at once; the oldest such answers make room where all are too much."""
        held = {other: size for other in self._unread if (size := other.transport.get_write_buffer_size())}
        held.setdefault(connection, connection.transport.get_write_buffer_size())
        self._unread = dict.fromkeys(held)
        over = sum(held.values()) - self.limits.max_unread_bytes
        for other, size in held.items():
            if over > 0 and other is not connection:
                over -= size
                other.give_up()

    async def reap(self) -> None:
        """End what is too slow, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = loop.time()
            for connection in list(self._all):
                connection.look(now)

    def close_waiting(self) -> None:
        """End every connection that waits for its client."""
        for connection in list(self._waiting):
            connection.transport.close()

    def abort(self) -> None:
        """End every connection now."""
        for connection in list(self._all):
            connection.give_up()
