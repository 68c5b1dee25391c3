"""What a request asks for and sends: media types of its body and of the answer, and its query."""

from __future__ import annotations

import math
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import attrs

from infrafabric.server.asgi import headers_of, shown
from infrafabric.server.params_json import read_bytes, read_params
from infrafabric.server.problems import refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Scope

JSON: Final = "application/json"
BYTES: Final = "application/octet-stream"
TEXT: Final = "text/plain"

#: What bodies are taken and answers given, the preferred first.
MEDIA_TYPES: Final = (JSON, TEXT, BYTES)

TIMEOUT_HEADER: Final = "Infrafabric-Timeout"
_MAX_QUERY_FIELDS: Final = 16
_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_SWITCHES: Final = {"true": True, "1": True, "false": False, "0": False}


@attrs.frozen(kw_only=True)
class Options:
    """What the query and the headers say of one task."""

    timeout_seconds: float | None = None
    wait: bool = False


_NO_OPTIONS: Final = Options()


def read_options(scope: Scope) -> Options:
    """How long the task may take, and whether it waits for the rate. Raises `RequestRefusedError` (400)."""
    query, timeouts = scope["query_string"], headers_of(scope, TIMEOUT_HEADER.lower().encode())
    if not query and not timeouts:
        return _NO_OPTIONS
    wait = False
    for name, value in _fields(query):
        if name == "timeout_seconds":
            timeouts.append(value)
        elif name == "wait":
            if value not in _SWITCHES:
                raise _bad_query(f"wait is '{shown(value)}'; expected true or false")
            wait = _SWITCHES[value]
        else:
            raise _bad_query(f"there is no query parameter '{shown(name)}'; there are timeout_seconds and wait")
    if len(timeouts) > 1:
        raise _bad_query(f"the timeout is given {len(timeouts)} times; give timeout_seconds or {TIMEOUT_HEADER}, once")
    return Options(timeout_seconds=_seconds(timeouts[0]) if timeouts else None, wait=wait)


def no_options(scope: Scope) -> None:
    """Refuse a query where none means anything."""
    for name, _ in _fields(scope["query_string"]):
        raise _bad_query(f"there is no query parameter '{shown(name)}'; this address takes none")


def _fields(query: bytes) -> Iterator[tuple[str, str]]:
    try:
        fields = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query),
            max_num_fields=_MAX_QUERY_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise _bad_query("it is not name=value&name=value in percent-encoded UTF-8") from None
    seen: set[str] = set()
    for name, value in fields:
        if name in seen:
            raise _bad_query(f"'{shown(name)}' is given twice")
        seen.add(name)
        yield name, value


def _seconds(text: str) -> float:
    try:
        seconds = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise _bad_query(f"the timeout is '{shown(text)}'; expected a number of seconds above 0, such as 2.5")
    return seconds


def _bad_query(why: str) -> Exception:
    return refused(HTTPStatus.BAD_REQUEST, "bad_query", why)


def bytes_once_read(content_type: str | None, body: bytes) -> int:
    """What parameters take in memory once they are read, roughly."""
    return read_bytes(body) if _media_type(content_type)[0] == JSON else len(body)


def read_value(content_type: str | None, body: bytes) -> Any:
    """The parameters that a body holds: JSON as its value, text as text, octets as bytes, none as None.

    Raises `RequestRefusedError`: 400 for a body that is not what its type says, 415 for a type that is not taken.
    """
    media, charset = _media_type(content_type)
    if not body and media in {None, JSON}:
        return None
    if charset not in _UTF8 and media in {JSON, TEXT}:
        raise _unsupported(f"its charset is '{shown(charset)}'; texts are UTF-8")
    if media == JSON:
        return read_params(body)
    if media == BYTES:
        return body
    if media == TEXT:
        try:
            return body.decode()
        except UnicodeDecodeError as error:
            detail = f"this is not UTF-8 text: byte {error.start} is 0x{body[error.start]:02x}; send bytes as {BYTES}"
            raise refused(HTTPStatus.BAD_REQUEST, "bad_request", detail) from None
    raise _unsupported("it has no Content-Type" if media is None else f"its type is '{shown(media)}'")


def _unsupported(why: str) -> Exception:
    detail = f"the body cannot be taken: {why}; send {JSON}, {TEXT} or {BYTES}"
    return refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)


@lru_cache(maxsize=256)
def _media_type(content_type: str | None) -> tuple[str | None, str]:
    """The type without its parameters, and its charset. JSON by another name (``application/x+json``) is JSON."""
    if content_type is None or not content_type.strip():
        return None, "utf-8"
    media, *parameters = (part.strip() for part in content_type.split(";"))
    media = media.lower()
    charset = "utf-8"
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    if media.startswith("application/") and media.endswith("+json"):
        media = JSON
    return media, charset


@lru_cache(maxsize=256)
def answer_type(accept: str) -> str | None:
    """Which of `MEDIA_TYPES` an ``Accept`` header prefers; JSON where it says nothing, None where it wants none.

    >>> answer_type(""), answer_type("text/*;q=0.5, application/octet-stream"), answer_type("image/png")
    ('application/json', 'application/octet-stream', None)
    """
    if not accept.strip():
        return JSON
    weights = {media: _weight(media, accept) for media in MEDIA_TYPES}
    best = max(MEDIA_TYPES, key=lambda media: weights[media])
    return best if weights[best] > 0 else None


def _weight(media: str, accept: str) -> float:
    """The weight of the most specific range that a type is in (RFC 9110, section 12.5.1)."""
    found, specific = 0.0, -1
    for part in accept.split(","):
        range_, *parameters = (piece.strip().lower() for piece in part.split(";"))
        patterns = ("*/*", media.partition("/")[0] + "/*", media)
        if range_ in patterns and patterns.index(range_) > specific:
            specific = patterns.index(range_)
            found = _quality(parameters)
    return found


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(1.0, max(0.0, float(parameter[2:])))
            except ValueError:
                return 0.0
    return 1.0
