"""A transport that sends what is written in one turn of the event loop at once.

uvicorn writes the head of an answer and its body one after the other: two system calls, two packets, and a client that
wakes up twice. Half of what an answer costs is saved here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: More is not copied together: its packets are full anyway.
_JOINED_BYTES: Final = 64 << 10


class OneWrite(asyncio.Transport):
    """``transport``, with writes gathered until the loop comes round. ``unread`` is called when much was not taken."""

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, unread: Callable[[], object]
    ) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._unread = unread
        self._pieces: list[bytes | bytearray | memoryview] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send soon, together with what else is written until then."""
        if not data:
            return
        if not self._pieces:
            self._loop.call_soon(self.flush)
        self._pieces.append(data)

    def flush(self) -> None:
        """Send now what was gathered."""
        pieces, self._pieces = self._pieces, []
        if sum(map(len, pieces)) <= _JOINED_BYTES:
            pieces = [b"".join(pieces)] if pieces else []
        for piece in pieces:
            self._transport.write(piece)
        if self._transport.get_write_buffer_size() > _JOINED_BYTES:
            self._unread()

    def close(self) -> None:
        """Send what was gathered, then close."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once; what was not sent is lost."""
        self._pieces = []
        self._transport.abort()

    def get_write_buffer_size(self) -> int:
        """Bytes that are not sent yet."""
        return self._transport.get_write_buffer_size() + sum(map(len, self._pieces))

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As the transport has it."""
        return self._transport.get_extra_info(name, default)
