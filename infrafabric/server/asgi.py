"""Answers in plain ASGI: what is sent, and how.

`starlette.responses` was rejected for the hot path: it costs as much as running the task.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from infrafabric.errors import escape

if TYPE_CHECKING:
    from starlette.types import Scope, Send

    from infrafabric.server.problems import ProblemDetails

Header = tuple[bytes, bytes]

JSON: Final[Header] = (b"content-type", b"application/json")


async def send_bytes(send: Send, status: int, body: bytes, *headers: Header) -> None:
    """Send a whole answer."""
    sent = [(b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})


async def send_json(send: Send, data: Any, status: int = HTTPStatus.OK) -> None:
    """Send plain data as JSON."""
    await send_bytes(send, status, to_json(data), JSON)


async def send_problem(send: Send, problem: ProblemDetails) -> None:
    """Send an error."""
    await send_bytes(send, problem.status, problem.body(), *problem.headers())


def to_json(data: Any) -> bytes:
    """Plain data as JSON in ASCII, so that whatever text is in it can be sent."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).encode()


def headers_of(scope: Scope, name: bytes) -> list[str]:
    """The values of a header, in the order in which they came."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def header_of(scope: Scope, name: bytes) -> str | None:
    """The first value of a header."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def shown(text: str) -> str:
    """A piece of a request, safe to be shown in an answer or a log."""
    return escape(text, 200)
