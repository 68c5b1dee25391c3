"""The demo from start to end: contracts in a folder of their own, a server over them, callers, and what came of it."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import attrs

from infrafabric.dashboard.missing import missing_extra
from infrafabric.demo.calls import CALLERS
from infrafabric.demo.gallery import write_gallery
from infrafabric.demo.load import Load
from infrafabric.errors import InfraFabricError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infrafabric.board.records import Overview
    from infrafabric.chassis import IFChassis
    from infrafabric.server import Server

HOST: Final = "127.0.0.1"
#: The longest task of the demo ends sooner.
_DRAIN_SECONDS: Final = 3.0


class DemoUnavailableError(InfraFabricError, RuntimeError):
    """The demo cannot start: a library is not installed, or its port is taken."""

    code: ClassVar[str] = "demo_unavailable"
    exit_code: ClassVar[int] = 2


@attrs.frozen(kw_only=True)
class Running:
    """A demo that has begun: where it is served, and the folder whose contracts it serves."""

    url: str
    folder: Path


def run_demo(
    *, port: int = 8080, seconds: float | None = None, ready: Callable[[Running], object] | None = None
) -> Overview:
    """Serve the demo's swarms on loopback, and call them, until SIGINT, SIGTERM or the end of ``seconds``.

    ``port`` 0 takes a free one. ``ready`` is called once the address is bound and every swarm is loaded. Returns how
    the objectives stood at the end. Raises `DemoUnavailableError` and `DemoFilesError`.
    """
    if missing := missing_extra():
        raise DemoUnavailableError(missing)
    from infrafabric.board import overview_of  # noqa: PLC0415 - the server's libraries come first
    from infrafabric.chassis import IFChassis  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory(prefix="infrafabric-demo-") as name, IFChassis(witness_enabled=False) as chassis:
        folder = Path(name)
        write_gallery(folder)
        server = _server(chassis, folder, port)
        if ready is not None:
            ready(Running(url=server.url, folder=folder))
        with _ending_after(seconds, server), Load(HOST, server.port, CALLERS):
            server.serve_until_stopped()
        return overview_of(chassis)


@contextlib.contextmanager
def _ending_after(seconds: float | None, server: Server) -> Iterator[None]:
    """Stop ``server`` after ``seconds`` of the block; None: never."""
    timer = threading.Timer(seconds or 0.0, server.stop)
    timer.daemon = True
    if seconds is not None:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _server(chassis: IFChassis, folder: Path, port: int) -> Server:
    """A server over every contract of ``folder`` that takes in what is changed there."""
    from infrafabric.server import Deployment, Server, ServerSettings  # noqa: PLC0415 - needs the extra

    deployment = Deployment(chassis, [folder])
    for failure in deployment.load():
        raise failure.error
    settings = ServerSettings(host=HOST, port=port, drain_seconds=_DRAIN_SECONDS)
    try:
        return Server(chassis, settings, deployment=deployment, watch=True)
    except OSError as error:
        raise DemoUnavailableError(
            f"port {port} of {HOST} cannot be had: {error.strerror}; choose another with --port, 0 takes a free one"
        ) from None
