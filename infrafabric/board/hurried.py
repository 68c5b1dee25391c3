"""HTTP with an end: one deadline for a whole answer, where the standard library has one for each silence.

A server that sends a byte now and then, or one ``100 Continue`` after the other, would otherwise be read for ever. A
timer that closes the connection was rejected: it takes a thread for each question.
"""

from __future__ import annotations

import http.client
import io
import time
import urllib.request
from functools import partial
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable


class _HurriedReader(io.RawIOBase):
    """What comes on a socket for so many seconds from now on."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._socket = sock
        self._silence_seconds = sock.gettimeout() or seconds
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._raw = cast("io.RawIOBase", sock.makefile("rb", buffering=0))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        """The next piece. TimeoutError when there is no time left."""
        left = self._until - time.monotonic()
        if left > 0:
            self._socket.settimeout(min(left, self._silence_seconds))
            try:
                return self._raw.readinto(buffer)
            except TimeoutError:
                if left > self._silence_seconds:
                    raise
        raise TimeoutError(f"{self._seconds:g} s were not enough for its answer")

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Hurried:
    """A socket, as far as an answer is read from it."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._socket, self._seconds = sock, seconds

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_HurriedReader(self._socket, self._seconds))


def _answer(sock: socket.socket, *arguments: Any, seconds: float, **named: Any) -> http.client.HTTPResponse:
    hurried = cast("socket.socket", _Hurried(sock, seconds))
    return http.client.HTTPResponse(hurried, *arguments, **named)


def handlers(seconds: float) -> Iterable[urllib.request.BaseHandler]:
    """Handlers for `urllib.request.build_opener` that give each answer so long in all."""
    answer = partial(_answer, seconds=seconds)

    def hurry(kind: type[http.client.HTTPConnection]) -> Any:
        def connection(host: str, **named: Any) -> http.client.HTTPConnection:
            made = kind(host, **named)
            made.response_class = answer  # type: ignore[assignment] # all that is done with it is to call it
            return made

        return connection

    class Plain(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(hurry(http.client.HTTPConnection), req)

    class Secure(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(hurry(http.client.HTTPSConnection), req)

    return Plain(), Secure()
