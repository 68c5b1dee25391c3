"""The guest's log on stderr while it runs, and the package's own warnings.

Records come from the loggers of `infrafabric.engine`, where they were escaped and bounded; here they only get a place.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING

import click

from infrafabric.cli.console import say, wants_colour
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

GUESTS = "infrafabric.swarm"

#: What ``--log-level`` takes, from much to nothing. A guest's "trace" is below Python's levels.
LEVELS = {
    "trace": 5,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "off": logging.CRITICAL + 1,
}


class _Lines(logging.Handler):
    """Writes a guest's records as they are, and those of the package as warnings."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody reads stderr any more
            if record.name.startswith(f"{GUESTS}."):
                click.echo(_styled(record), err=True, color=wants_colour(sys.stderr))
            else:
                say("warning", escape(" ".join(record.getMessage().split()), limit=4096))


def _styled(record: logging.LogRecord) -> str:
    text = record.getMessage()
    if record.levelno >= logging.ERROR:
        return click.style(text, fg="red")
    return click.style(text, fg="yellow") if record.levelno >= logging.WARNING else click.style(text, dim=True)


@contextlib.contextmanager
def log_to_stderr(level: str) -> Iterator[None]:
    """Show the log of guests from ``level`` up, and the package's warnings, while the block runs."""
    package, guests = logging.getLogger("infrafabric"), logging.getLogger(GUESTS)
    handler = _Lines()
    before = guests.level
    package.addHandler(handler)
    guests.setLevel(LEVELS[level])
    try:
        yield
    finally:
        guests.setLevel(before)
        package.removeHandler(handler)
