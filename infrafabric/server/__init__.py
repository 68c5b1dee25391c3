"""The chassis over HTTP: `infrafabric serve`, and the same as an ASGI application for any Python program.

.. code-block:: python

    from infrafabric.server import create_app

    app = create_app(chassis, token=token)  # mount it, or give it to any ASGI server

The server decides nothing: it translates HTTP to `IFChassis` and back. Starlette routes and uvicorn speaks HTTP; a
framework that reads requests by annotations was rejected, because the parameters of tasks are described by contracts,
which change while it runs.

Names are imported from their homes when they are first used; they need the extra ``server``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infrafabric.dashboard.doorkeeper import ConnectionLimits
    from infrafabric.server.app import ServerApp, create_app
    from infrafabric.server.deployment import Deployment
    from infrafabric.server.running import Server, ServerSettings, serve

__all__ = ["ConnectionLimits", "Deployment", "Server", "ServerApp", "ServerSettings", "create_app", "serve"]

_HOMES = {
    "ConnectionLimits": "infrafabric.dashboard.doorkeeper",
    "Deployment": "infrafabric.server.deployment",
    "Server": "infrafabric.server.running",
    "ServerApp": "infrafabric.server.app",
    "ServerSettings": "infrafabric.server.running",
    "create_app": "infrafabric.server.app",
    "serve": "infrafabric.server.running",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home, once. ImportError with the command to install what is missing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - bare Python has not loaded it

    from infrafabric.dashboard.missing import missing_extra  # noqa: PLC0415 - as above

    if missing := missing_extra():
        raise ImportError(missing)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})
