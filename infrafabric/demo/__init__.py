"""`run_demo`: a real server with swarms at work, one of which misbehaves, for whoever wants to look around.

Everything happens on this machine: contracts and guests come with the package, the callers are threads of this process
that ask over loopback. Prepared data instead of a load were rejected: what is shown is what was measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infrafabric.demo.gallery import DemoFilesError
    from infrafabric.demo.running import DemoUnavailableError, Running, run_demo

__all__ = ["DemoFilesError", "DemoUnavailableError", "Running", "run_demo"]

_HOMES = {
    "DemoFilesError": "gallery",
    "DemoUnavailableError": "running",
    "Running": "running",
    "run_demo": "running",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home, once: ``--help`` needs no engine."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - bare Python has not loaded it

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})
