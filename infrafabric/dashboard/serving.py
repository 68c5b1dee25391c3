"""`serve_dashboard`: the dashboard of a chassis, served from a thread of the program that has the chassis.

The thread has an event loop of its own and installs no signal handler, so it fits into any program. The socket is
bound by the caller's thread: what is wrong with the address is raised where it was asked for.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Final, Self

import uvicorn

from infrafabric.board.sources import LiveSource
from infrafabric.dashboard.app import dashboard_app
from infrafabric.dashboard.guard import allowed_hosts, check_bind
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infrafabric.board.sources import BoardSource
    from infrafabric.chassis import IFChassis

_START_SECONDS: Final = 10.0
#: What a browser that still reads gets before it is cut off.
_DRAIN_SECONDS: Final = 2
_BACKLOG: Final = 128


class DashboardServer:
    """A dashboard that is being served. Close it, or use it as a context manager."""

    def __init__(
        self, source: BoardSource, *, host: str, port: int, token: str | None, extra_hosts: Iterable[str] = ()
    ) -> None:
        check_bind(host, token)
        self._socket = _listen(host, port)
        self.host, self.port = host, int(self._socket.getsockname()[1])
        app = dashboard_app(source, hosts=allowed_hosts(host, self.port, extra_hosts), token=token)
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="infrafabric-dashboard", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address of the overview."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104 - compared
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/dashboard/"

    def close(self) -> None:
        """Stop listening, finish the answers under way, and end the thread. May be called again."""
        self._server.should_exit = True
        if threading.current_thread() is not self._thread:
            self._thread.join(_DRAIN_SECONDS + _START_SECONDS)
        self._socket.close()

    def wait(self) -> None:
        """Return when the dashboard was closed."""
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            self._server.run(sockets=[self._socket])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<DashboardServer: {self.url if self._thread.is_alive() else 'closed'}>"


def serve_dashboard(
    chassis: IFChassis, *, host: str = "127.0.0.1", port: int = 0, token: str | None = None
) -> DashboardServer:
    """Serve the dashboard of ``chassis`` until it is closed; ``port`` 0 takes a free one.

    ``token``: what whoever looks has to know; needed where ``host`` is more than this machine. Raises ValueError for
    what is wrong with host or token, OSError when the address cannot be had.
    """
    return DashboardServer(LiveSource(chassis), host=host, port=port, token=token)


def _listen(host: str, port: int) -> socket.socket:
    if isinstance(port, bool) or not 0 <= port <= 65_535:
        raise ValueError(f"port is {port!r}: give 1 to 65535, or 0 for a free one")
    try:
        family, *_, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
    except (socket.gaierror, UnicodeError):
        raise ValueError(f"host '{escape(host, 100)}' is no address of this machine; give an IP address") from None
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
