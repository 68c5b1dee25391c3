"""The version that spans and instruments are marked with."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def library_version() -> str:
    """The installed version of infrafabric."""
    try:
        return version("infrafabric")
    except PackageNotFoundError:  # a source tree on sys.path that nobody installed
        return "0+unknown"
