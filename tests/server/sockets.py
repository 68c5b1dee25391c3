"""Clients that misbehave: what no HTTP library sends, byte by byte."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator


@attrs.frozen
class Raw:
    """A connection to a server."""

    socket: socket.socket

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def read(self) -> bytes:
        """Everything until the server ends the connection."""
        pieces = []
        with contextlib.suppress(ConnectionResetError):
            while piece := self.socket.recv(65_536):
                pieces.append(piece)
        return b"".join(pieces)

    def read_answer(self) -> tuple[int, bytes]:
        """One answer: its status and body. (0, b"") when the connection ended before."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.socket.recv(65_536)
            if not piece:
                return 0, data
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        (length,) = [
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        ]
        while len(body) < length:
            body += self.socket.recv(65_536)
        return int(head.split()[1]), body


@contextlib.contextmanager
def connected(port: int, seconds: float = 20) -> Iterator[Raw]:
    """A connection to a server on this machine."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as raw:
        yield Raw(raw)
