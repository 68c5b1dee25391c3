"""`serve`: the application under uvicorn, until a signal; then a drain in which no admitted task is lost.

Draining, in order: nothing new is accepted and ``/ready`` is 503; what has come on open connections is still answered,
each answer ending its connection; tasks that have not ended after ``drain_seconds`` are cancelled and their clients
told. A second signal ends at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from typing import TYPE_CHECKING, Final

import attrs
import uvicorn

from infrafabric.dashboard.connections import ServerConfig
from infrafabric.dashboard.doorkeeper import ConnectionLimits, Doorkeeper
from infrafabric.dashboard.guard import check_bind, is_loopback
from infrafabric.dashboard.listening import BACKLOG, listen, url_of
from infrafabric.server.app import MAX_BODY_BYTES, ServerApp, create_app
from infrafabric.server.descriptors import make_room
from infrafabric.server.problems import TITLES
from infrafabric.server.request_log import RequestLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

    from infrafabric.chassis import IFChassis
    from infrafabric.server.deployment import Deployment
    from infrafabric.telemetry import Scrape

DRAIN_SECONDS: Final = 30.0
#: Connections that are open when the drain begins may have sent a request already.
_LINGER_SECONDS: Final = 0.1
#: What cancelled tasks and their answers may take.
_CANCEL_SECONDS: Final = 5.0
_TICK_SECONDS: Final = 0.01
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

_log = logging.getLogger("infrafabric.server")


@attrs.frozen(kw_only=True)
class ServerSettings:
    """Where and how to serve.

    ``hosts``: names under which the server may be asked, beside addresses. ``behind_tls``: clients come over https, to
    a proxy.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = None
    hosts: tuple[str, ...] = ()
    behind_tls: bool = False
    drain_seconds: float = DRAIN_SECONDS
    max_body_bytes: int = MAX_BODY_BYTES
    connections: ConnectionLimits = attrs.field(factory=ConnectionLimits)


class Server(uvicorn.Server):
    """One server over one chassis. ``run`` blocks until it was asked to stop; `stop` asks, from any thread."""

    def __init__(
        self,
        chassis: IFChassis,
        settings: ServerSettings,
        *,
        deployment: Deployment | None = None,
        watch: bool = False,
        scrape: Scrape | None = None,
    ) -> None:
        """Bind the address. Raises ValueError for a host without the token it needs, OSError for one not to be had."""
        check_bind(settings.host, settings.token)
        self.settings = settings
        self._deployment = deployment if watch else None
        limits = attrs.evolve(settings.connections, max_connections=make_room(settings.connections.max_connections))
        self.app: ServerApp = create_app(
            chassis,
            token=settings.token,
            hosts=(*settings.hosts, *_own_names(settings.host)),
            behind_tls=settings.behind_tls,
            max_body_bytes=settings.max_body_bytes,
            pace=limits.pace,
            deployment=deployment,
            scrape=scrape,
            request_log=RequestLog(),
        )
        self._doorkeeper = Doorkeeper(limits)
        self._socket = listen(settings.host, settings.port)
        self.port: int = self._socket.getsockname()[1]
        super().__init__(ServerConfig(self.app, self._doorkeeper, TITLES))

    @property
    def url(self) -> str:
        """The address to ask, without a slash at the end."""
        return url_of(self.settings.host, self.port)

    def serve_until_stopped(self) -> None:
        """Serve on this thread until `stop`, or on the main thread a signal."""
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it logs what every stranger sends
        asyncio.run(self.serve(sockets=[self._socket]))

    def stop(self, *, at_once: bool = False) -> None:
        """Ask it to drain and end; ``at_once``: to end without waiting for tasks."""
        self.force_exit = self.force_exit or at_once
        self.should_exit = True

    # --- uvicorn's names ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals as requests to stop, on the main thread; uvicorn would raise them again at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """The first signal drains, the second ends at once."""
        self.stop(at_once=self.should_exit)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen. More may wait to be let in than are let in at once, which are one number for asyncio."""
        await super().startup(sockets)
        self._socket.listen(BACKLOG)

    async def main_loop(self) -> None:
        """Serve until asked to stop, reaping slow connections and, where asked for, watching files."""
        stop_watching = asyncio.Event()
        jobs = [asyncio.create_task(self._doorkeeper.reap())]
        if self._deployment is not None:
            from infrafabric.server.watching import watch  # noqa: PLC0415 - only with --watch

            jobs.append(asyncio.create_task(watch(self._deployment, stop_watching)))
        try:
            await super().main_loop()
        finally:
            stop_watching.set()
            self._reaper, *watching = jobs
            for job in watching:
                job.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain: see the module."""
        self.app.drain()
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        running = len(self.app.in_flight)
        if running:
            _log.info("draining: %d tasks have up to %g s to end", running, self.settings.drain_seconds)
        drained = await self._wait(self.settings.drain_seconds, lambda: not self.server_state.tasks)
        if not drained:
            cancelled = self.app.in_flight.cancel()
            _log.warning("%d tasks did not end in time and are cancelled", cancelled)
            await self._wait(_CANCEL_SECONDS, lambda: not self.app.in_flight)
        self._doorkeeper.close_waiting()
        await self._wait(_CANCEL_SECONDS, lambda: not len(self._doorkeeper))
        self._doorkeeper.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
        self._reaper.cancel()

    async def _wait(self, seconds: float, is_over: Callable[[], bool]) -> bool:
        """Wait until something is over and has been for a moment. False when it is not, or there is no time."""
        loop = asyncio.get_running_loop()
        end, over_since = loop.time() + seconds, loop.time()
        while not self.force_exit and (now := loop.time()) < end:
            if not is_over():
                over_since = now
            elif now - over_since >= _LINGER_SECONDS:
                return True
            await asyncio.sleep(_TICK_SECONDS)
        return is_over()


def serve(
    chassis: IFChassis,
    settings: ServerSettings | None = None,
    *,
    ready: Callable[[Server], object] | None = None,
    deployment: Deployment | None = None,
    watch: bool = False,
    scrape: Scrape | None = None,
) -> None:
    """Serve ``chassis`` over HTTP until SIGTERM, SIGINT or `Server.stop`, and return when it has drained.

    ``ready`` is called with the server once its address is bound, before the first request is answered. ``watch``
    keeps the swarms of ``deployment`` up to date with its files. The chassis stays the caller's.
    """
    server = Server(chassis, settings or ServerSettings(), deployment=deployment, watch=watch, scrape=scrape)
    if ready is not None:
        ready(server)
    server.serve_until_stopped()


def _own_names(host: str) -> Iterable[str]:
    return () if is_loopback(host) else (host, socket.gethostname(), socket.getfqdn())
