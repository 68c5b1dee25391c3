"""The log of requests: one record each on the logger ``infrafabric.server.requests``, as text or JSON.

Never the query, which may carry what belongs to the caller, and nothing unescaped: paths are whatever somebody sent.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from infrafabric.errors import escape

if TYPE_CHECKING:
    from starlette.types import Message, Scope, Send

LOGGER: Final = "infrafabric.server.requests"
_log = logging.getLogger(LOGGER)


class RequestLog:
    """Writes a record when an answer begins to be sent."""

    def watching(self, scope: Scope, send: Send) -> Send:
        """``send``, watched; itself where nobody reads the log."""
        if not _log.isEnabledFor(logging.INFO):
            return send
        began_ns = time.monotonic_ns()

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                facts = _facts(scope, message["status"], (time.monotonic_ns() - began_ns) / 1e9)
                _log.info("%(method)s %(path)s %(status)s in %(seconds).4f s", facts, extra={"request": facts})
            await send(message)

        return watched


def _facts(scope: Scope, status: int, seconds: float) -> dict[str, Any]:
    client = scope.get("client")
    path = scope.get("raw_path") or scope["path"].encode("utf-8", "replace")
    return {
        "method": escape(scope["method"], 20),
        "path": escape(path.partition(b"?")[0], 300),
        "status": status,
        "seconds": round(seconds, 6),
        "client": client[0] if client else None,
    }


class JsonFormatter(logging.Formatter):
    """Each record as one line of JSON: ``time level logger message``, and what a request or an event carries."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if isinstance(request := getattr(record, "request", None), dict):
            line |= request
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)

    #: Times are UTC.
    converter = staticmethod(time.gmtime)
