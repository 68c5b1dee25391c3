"""The log of a server on stderr: requests, guests, changes of swarms and of their objectives; text or JSON lines."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from typing import TYPE_CHECKING

from infrafabric.cli.console import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Each task is in the log of requests already; what the witness warns of is in neither.
_WITNESS = "infrafabric.witness"


class _TextFormatter(logging.Formatter):
    """``time level message``, in which nothing can control a terminal. Times are UTC."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


class _Lines(logging.StreamHandler):  # type: ignore[type-arg] # generic only for type checkers
    """Writes to stderr for as long as somebody reads it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        if not isinstance(sys.exc_info()[1], OSError | ValueError):
            super().handleError(record)


@contextlib.contextmanager
def log_requests(log_format: str) -> Iterator[None]:
    """Show what the package logs from INFO up, and what uvicorn cannot help saying, while the block runs."""
    from infrafabric.server.request_log import JsonFormatter  # noqa: PLC0415 - needs the extra

    handler = _Lines(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else _TextFormatter())
    levels = {"infrafabric": logging.INFO, _WITNESS: logging.WARNING, "uvicorn.error": logging.ERROR}
    before = {name: logging.getLogger(name).level for name in levels}
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    shown = [logging.getLogger("infrafabric"), logging.getLogger("uvicorn.error")]
    for logger in shown:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in shown:
            logger.removeHandler(handler)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
