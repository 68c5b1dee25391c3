"""Connections that clients cannot hold for free: uvicorn's, with a clock on whatever the client has to do.

uvicorn gives idle connections a time and nothing else: a head that comes byte by byte, or an answer that nobody reads,
would hold its connection for ever. One reaper looks at all connections twice a second; a timer for each was rejected,
because every request would set and cancel three.

h11 is the parser, whatever else is installed: of those that uvicorn knows it is the strictest about what two programs
may read differently.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from infrafabric.dashboard.one_write import OneWrite

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from starlette.types import ASGIApp
    from uvicorn.server import ServerState

    from infrafabric.dashboard.doorkeeper import Doorkeeper

#: A request's line and headers together.
MAX_HEAD_BYTES: Final = 16 << 10
#: A body in chunks is read in slices of this; once so much of it has come, its chunks must not be tiny: each costs as
#: much as a small request.
_SLICE_BYTES: Final = 2 << 10
_CHUNKED_BYTES: Final = 16 << 10
_MIN_CONTENT: Final = 0.7  # what chunks of 16 bytes have
#: So many clients are let in each time the event loop comes round: their sockets are open before any of them goes.
_ACCEPTED_AT_ONCE: Final = 64
#: The body has its own clock where it is read; this one is for bodies that nobody reads, and comes later.
_BODY_SLACK: Final = 3


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration, with the doorkeeper of its connections.

    ``titles``: those of the problems that are answered without the application, by their code; else its status says it.
    """

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper, titles: Mapping[str, str] | None = None) -> None:
        super().__init__(
            app,
            http=Connection,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            timeout_keep_alive=int(doorkeeper.limits.idle_seconds),
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_ACCEPTED_AT_ONCE,
        )
        self.doorkeeper = doorkeeper
        self.titles = titles or {}


class Connection(H11Protocol):
    """One connection of a client."""

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._doorkeeper = config.doorkeeper
        self._limits = config.doorkeeper.limits
        self._titles = config.titles
        #: When the client began to owe us a head; None while it may be idle.
        self._head_since: float | None = None
        self._request_since = 0.0
        self._body_bytes = 0
        self._content_bytes = 0
        self._is_chunked = False
        self._known_cycle: Any = None
        #: Since when, and how much of, an answer has not been read.
        self._unread_since = 0.0
        self._unread_bytes = 0

    # --- what happens: uvicorn's names -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """A client connects."""
        super().connection_made(OneWrite(transport, self.loop, lambda: self._doorkeeper.is_unread(self)))
        self._head_since = self.loop.time()
        self._doorkeeper.came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._doorkeeper.left(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The client sent something."""
        if self.transport.is_closing():
            return
        if self._head_since is None and not self._is_busy:
            self._head_since = self.loop.time()
        if self._is_busy and self._is_chunked:
            self._read_chunks(data)
        elif not self._is_busy and len(data) > 2 * _SLICE_BYTES:  # what comes behind a head may be chunks
            self.data_received(data[:_SLICE_BYTES])
            self.data_received(data[_SLICE_BYTES:])
        else:
            self._body_bytes += len(data)
            super().data_received(data)
            self._note_request()

    def _read_chunks(self, data: bytes) -> None:
        """Read a body that comes in chunks, as long as they are worth their while."""
        for begin in range(0, len(data), _SLICE_BYTES):
            cycle, piece = self.cycle, data[begin : begin + _SLICE_BYTES]
            before = len(cycle.body)
            self._body_bytes += len(piece)
            super().data_received(piece)
            self._note_request()
            if self.transport.is_closing():
                return
            if self.cycle is not cycle:  # its body has ended, and another request was sent in advance
                rest = data[begin + _SLICE_BYTES :]
                if rest:
                    self.data_received(rest)
                return
            self._content_bytes += len(cycle.body) - before
            if self._body_bytes > _CHUNKED_BYTES and self._content_bytes < _MIN_CONTENT * self._body_bytes:
                self._refuse_tiny_chunks()
                return

    def _refuse_tiny_chunks(self) -> None:
        cycle, self.cycle.disconnected = self.cycle, True  # whatever the application still answers is too late
        cycle.message_event.set()
        if cycle.response_started or self.conn.our_state is not h11.SEND_RESPONSE:
            self.give_up()
            return
        detail = "the body comes in chunks of fewer than 16 bytes; send larger ones, or its Content-Length"
        self._say(HTTPStatus.BAD_REQUEST, "bad_request", detail)

    def on_response_complete(self) -> None:
        """An answer was handed to the transport; a request that was sent in advance may have begun."""
        super().on_response_complete()
        self._note_request()
        if not self._is_busy:
            self._doorkeeper.waits(self)
            owes = self.conn.their_state is h11.SEND_BODY or bool(self.conn.trailing_data[0])
            self._head_since = self.loop.time() if owes else None

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, where an answer can still be given."""
        too_large = len(self.conn.trailing_data[0]) > MAX_HEAD_BYTES
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE} or self._is_busy:
            self.give_up()
        elif too_large:
            detail = f"the request's line and headers have more than {MAX_HEAD_BYTES:,} bytes"
            self._say(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", detail)
        else:
            self._say(HTTPStatus.BAD_REQUEST, "bad_request", msg)

    # --- the clock ------------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """End the connection if its client is too slow."""
        if self._reads_too_slowly(now):
            self.give_up()
        elif self.transport.is_closing():
            return
        elif self._is_busy:
            if self.cycle.more_body and now - self._request_since > _BODY_SLACK * self._limits.pace.seconds_for(
                self._body_bytes
            ):
                self.give_up()
        elif self._head_since is not None and now - self._head_since > self._limits.head_seconds:
            self._end_slow_head()

    def give_up(self) -> None:
        """End the connection at once; what was not read is lost."""
        self.transport.abort()

    @property
    def _is_busy(self) -> bool:
        """Whether a request is being answered."""
        cycle: Any = self.cycle  # None before the first request, which its type does not say
        return cycle is not None and not cycle.response_complete

    def _note_request(self) -> None:
        if self.cycle is not self._known_cycle:
            self._known_cycle = self.cycle
            self._head_since, self._request_since = None, self.loop.time()
            self._body_bytes, self._content_bytes, self._unread_bytes = 0, 0, 0
            self._is_chunked = any(name == b"transfer-encoding" for name, _ in self.headers)
        if self._is_busy:
            self._doorkeeper.works(self)

    def _reads_too_slowly(self, now: float) -> bool:
        unread = self.transport.get_write_buffer_size()
        if unread == 0:
            self._unread_bytes = 0
            return False
        if self._unread_bytes == 0:
            self._unread_since = now
        self._unread_bytes = max(self._unread_bytes, unread)
        return now - self._unread_since > self._limits.pace.seconds_for(self._unread_bytes)

    def _end_slow_head(self) -> None:
        came = bool(self.conn.trailing_data[0]) and self.conn.our_state is h11.IDLE
        if not came:  # it said nothing, or sends a body that nobody wants: there is nothing to answer
            self.give_up()
            return
        detail = f"the request's head did not come within {self._limits.head_seconds:g} s"
        self._say(HTTPStatus.REQUEST_TIMEOUT, "head_too_slow", detail)

    def _say(self, status: HTTPStatus, code: str, detail: str) -> None:
        """Answer without the application, and close."""
        title = self._titles.get(code, status.phrase)
        problem = {"type": code, "title": title, "status": status.value, "detail": detail, "code": code}
        body = json.dumps(problem).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"connection", b"close"),
            (b"content-length", str(len(body)).encode()),
        ]
        answer = h11.Response(status_code=status, headers=headers, reason=status.phrase.encode())
        for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
