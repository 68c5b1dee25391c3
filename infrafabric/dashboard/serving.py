"""`serve_dashboard`: the dashboard of a chassis, served from a thread of the program that has the chassis.

The thread has an event loop of its own and installs no signal handler, so it fits into any program. The socket is
bound by the caller's thread: what is wrong with the address is raised where it was asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Final, Self

import uvicorn

from infrafabric.board.sources import LiveSource
from infrafabric.dashboard.app import dashboard_app
from infrafabric.dashboard.connections import ServerConfig
from infrafabric.dashboard.doorkeeper import ConnectionLimits, Doorkeeper
from infrafabric.dashboard.guard import allowed_hosts, check_bind
from infrafabric.dashboard.listening import listen, url_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infrafabric.board.sources import BoardSource
    from infrafabric.chassis import IFChassis

_START_SECONDS: Final = 10.0
#: What a browser that still reads gets before it is cut off.
_DRAIN_SECONDS: Final = 2
#: Each takes a file descriptor of a program that has other things to do; a browser opens six.
_LIMITS: Final = ConnectionLimits(max_connections=64, max_unread_bytes=64 << 20)


class _Server(uvicorn.Server):
    """uvicorn's server, which ends connections that are too slow."""

    config: ServerConfig

    async def main_loop(self) -> None:
        """Serve until asked to stop."""
        reaping = asyncio.create_task(self.config.doorkeeper.reap())
        try:
            await super().main_loop()
        finally:
            reaping.cancel()


class DashboardServer:
    """A dashboard that is being served. Close it, or use it as a context manager."""

    def __init__(
        self,
        source: BoardSource,
        *,
        host: str,
        port: int,
        token: str | None,
        extra_hosts: Iterable[str] = (),
        behind_tls: bool = False,
    ) -> None:
        check_bind(host, token)
        self._socket = listen(host, port)
        self.host, self.port = host, int(self._socket.getsockname()[1])
        app = dashboard_app(source, hosts=allowed_hosts(host, extra_hosts), token=token, behind_tls=behind_tls)
        config = ServerConfig(app, Doorkeeper(_LIMITS))
        config.timeout_graceful_shutdown = _DRAIN_SECONDS
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._serve, name="infrafabric-dashboard", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address of the overview."""
        return f"{url_of(self.host, self.port)}/dashboard/"

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
