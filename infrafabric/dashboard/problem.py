"""An error as RFC 9457 has it, for programs: what the guard refuses, and what the board's addresses cannot answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http import HTTPStatus


def problem(status: HTTPStatus, code: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer. ``code`` is stable, and the problem's ``type``; ``detail`` is for people."""
    plain = {"type": code, "title": status.phrase, "status": status.value, "detail": detail, "code": code}
    return JSONResponse(plain, status, headers, media_type="application/problem+json")
