"""The socket that a dashboard or a server listens on, and the address to ask it by."""

from __future__ import annotations

import socket
from typing import Final

from infrafabric.errors import escape

#: So many clients may wait to be let in.
BACKLOG: Final = 1024
_MAX_PORT: Final = 65_535
#: What listens everywhere is asked by the loopback address.
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - looked up


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises ValueError for what is no address, OSError for one that cannot be had."""
    if isinstance(port, bool) or not 0 <= port <= _MAX_PORT:
        raise ValueError(f"port is {port!r}: give 1 to {_MAX_PORT}, or 0 for a free one")
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        raise ValueError(f"host '{escape(host, 100)}' is no address of this machine; give an IP address") from None
    family, kind, protocol, _, address = found[0]
    # The protocol is named because asyncio turns Nagle's algorithm off only where it is: it costs 40 ms an answer.
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def url_of(host: str, port: int) -> str:
    """The address to ask what listens on ``host``, without a slash at the end.

    >>> url_of("::", 80)
    'http://[::1]:80'
    """
    asked = _EVERYWHERE.get(host, host)
    return f"http://{f'[{asked}]' if ':' in asked else asked}:{port}"
