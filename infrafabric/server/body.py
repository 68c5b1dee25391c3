"""Reading a request's body within bounds: its size, how slowly it may come, and what all bodies together may hold.

The size is checked while it comes in, before more of it is kept. A deadline for the whole body was rejected: one that
a large body on a slow line can keep lets an attacker hold a connection as long with one byte; here every byte buys a
little more time.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Self

from infrafabric.server.asgi import header_of, shown
from infrafabric.server.problems import refused

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

    from infrafabric.dashboard.doorkeeper import Pace

_MIB: Final = 1 << 20
#: Bodies up to this are always taken: what many large ones hold keeps no small one out.
SMALL_BYTES: Final = 64 << 10


class ClientGoneError(Exception):
    """The client went away: nobody waits for an answer."""


class BodyRoom:
    """What large bodies that are being read or worked on may hold together, in bytes."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.held_bytes = 0

    def hold(self) -> HeldRoom:
        """Room for one body, given back at the end of the block."""
        return HeldRoom(self)


class HeldRoom:
    """The room of one body."""

    def __init__(self, room: BodyRoom) -> None:
        self._room = room
        self._held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._room.held_bytes -= self._held
        self._held = 0

    def grow_to(self, size_bytes: int) -> None:
        """Hold so much. Raises `RequestRefusedError`: 503 when there is no room now, 413 when there never is."""
        if size_bytes <= SMALL_BYTES:
            return
        if size_bytes > self._room.max_bytes:
            raise refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "body_too_large",
                f"the body would take {size_bytes / _MIB:.0f} MiB once it is read, and all requests together have "
                f"{self._room.max_bytes / _MIB:.0f}; send fewer values, or one text",
                closes=True,
            )
        more = size_bytes - self._held
        if self._room.held_bytes + more > self._room.max_bytes:
            raise refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "overloaded",
                f"the bodies of requests that the server works on hold {self._room.held_bytes / _MIB:.0f} of "
                f"{self._room.max_bytes / _MIB:.0f} MiB; try again later",
                closes=True,
                retry_after_seconds=1.0,
            )
        self._room.held_bytes += more
        self._held = size_bytes


async def read_body(scope: Scope, receive: Receive, *, max_bytes: int, pace: Pace, held: HeldRoom) -> bytes:
    """The whole body.

    Raises `RequestRefusedError`: 413 for one over ``max_bytes``, 408 for one that comes too slowly, 415 for one that is
    compressed; and `ClientGoneError`.
    """
    _check_encoding(scope)
    declared = _declared(scope)
    if declared is not None and declared > max_bytes:
        raise _too_large(f"{declared:,} bytes", max_bytes)
    pieces: list[bytes] = []
    size = 0
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout_at(began + pace.seconds_for(0)) as timeout:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                piece: bytes = message.get("body", b"")
                size += len(piece)
                if size > max_bytes:
                    raise _too_large("more bytes", max_bytes)
                held.grow_to(size)
                pieces.append(piece)
                if not message.get("more_body", False):
                    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
                timeout.reschedule(began + pace.seconds_for(size))
    except TimeoutError:
        seconds = loop.time() - began
        raise refused(
            HTTPStatus.REQUEST_TIMEOUT,
            "body_too_slow",
            f"{size:,} bytes of the body came in {seconds:.1f} s; it has {pace.grace_seconds:g} s, and one more for "
            f"each {pace.bytes_per_second:,} bytes",
            closes=True,
        ) from None


def _check_encoding(scope: Scope) -> None:
    encoding = header_of(scope, b"content-encoding")
    if encoding is not None and encoding.strip().lower() not in {"", "identity"}:
        raise refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            f"the body is compressed ('{shown(encoding)}'), and is taken as it is only; send it without "
            "Content-Encoding",
            closes=True,
        )


def _declared(scope: Scope) -> int | None:
    text = header_of(scope, b"content-length")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise refused(HTTPStatus.BAD_REQUEST, "bad_request", "Content-Length is not a number", closes=True)
    return int(text[:20])


def _too_large(what: str, max_bytes: int) -> Exception:
    return refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body_too_large",
        f"the body has {what}; this task takes at most {max_bytes:,} (resource_limits.max_payload_mb of its contract, "
        "and the server's own limit)",
        closes=True,
    )
