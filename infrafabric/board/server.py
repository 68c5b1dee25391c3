"""`ServerSource`: the board of a running server, asked over HTTP.

The standard library's client is enough for three addresses of plain JSON; what a server answers is untrusted input,
bounded and checked like a file. Redirects are followed on the same origin only: the token belongs to nobody else.
"""

from __future__ import annotations

import http.client
import threading
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, Final, TypeVar

from infrafabric.board import hurried
from infrafabric.board.files import MAX_BYTES, from_text
from infrafabric.board.records import Board, Overview, SwarmPage
from infrafabric.errors import BoardError, escape

if TYPE_CHECKING:
    from http.client import HTTPMessage

T = TypeVar("T", Board, Overview, SwarmPage)

#: How long a server may be silent, and how long an answer may take in all.
TIMEOUT_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 60.0
#: Answers remembered for ``If-None-Match``: an overview, a board, and the pages somebody looks at.
_REMEMBERED: Final = 16
_NOT_FOUND: Final = 404
_NOT_MODIFIED: Final = 304
_REFUSED: Final = frozenset({401, 403})


class ServerSource:
    """The board of a server, at ``url`` with an optional path before ``/v1``. Thread-safe.

    ``token`` is sent as ``Authorization: Bearer``. What the server says has not changed is not read again.
    """

    is_live = True

    def __init__(self, url: str, token: str | None = None, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        parts = _parts(url)
        self.name = escape(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", 200)
        self._base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        if token is not None and not (token.isascii() and token.isprintable()):
            raise BoardError("the token holds characters that no token has; give it as the server printed it")
        self._token = token
        self._timeout_seconds = timeout_seconds
        self._opener = urllib.request.build_opener(
            _SameOrigin(parts.scheme, parts.netloc), *hurried.handlers(ANSWER_SECONDS)
        )
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, Any]] = {}

    def overview(self) -> Overview:
        """Every objective, worst first."""
        return self._need(Overview, "/v1/overview")

    def swarm(self, swarm_id: str) -> SwarmPage | None:
        """All there is of one swarm; None when it is not loaded."""
        return self._ask(SwarmPage, f"/v1/swarms/{urllib.parse.quote(swarm_id, safe='')}/page")

    def board(self) -> Board:
        """Everything, to be kept."""
        return self._need(Board, "/v1/board")

    def _need(self, kind: type[T], path: str) -> T:
        found = self._ask(kind, path)
        if found is None:
            raise BoardError(f"{self.name} has no {path}; give the address that `infrafabric serve` printed")
        return found

    def _ask(self, kind: type[T], path: str) -> T | None:
        with self._lock:
            known = self._known.get(path)
        request = urllib.request.Request(self._base + path, headers=self._headers(known))  # noqa: S310 - http(s) only
        try:
            with self._opener.open(request, timeout=self._timeout_seconds) as answer:
                text, tag = _read(answer), answer.headers.get("ETag")
        except urllib.error.HTTPError as error:
            with error:
                if error.code == _NOT_MODIFIED and known is not None:
                    remembered: T = known[1]
                    return remembered
                if error.code == _NOT_FOUND:
                    return None
                raise self._refused(error, path) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = escape(str(getattr(error, "reason", error)) or type(error).__name__, 200)
            raise BoardError(f"{self.name} does not answer: {why}; see that it runs and is reachable") from error
        try:
            found = from_text(kind, text)
        except BoardError as error:
            raise BoardError(f"what {self.name}{path} answers is no board: {error}") from error
        if tag:
            self._remember(path, tag, found)
        return found

    def _headers(self, known: tuple[str, Any] | None) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "infrafabric"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        if known is not None:
            headers["If-None-Match"] = known[0]
        return headers

    def _remember(self, path: str, tag: str, found: Any) -> None:
        with self._lock:
            self._known.pop(path, None)
            self._known[path] = (tag, found)
            while len(self._known) > _REMEMBERED:
                del self._known[next(iter(self._known))]

    def _refused(self, error: urllib.error.HTTPError, path: str) -> BoardError:
        if error.code in _REFUSED:
            step = "give its token" if self._token is None else "it does not know this token: give the one it printed"
            return BoardError(f"{self.name} wants to know who asks (HTTP {error.code}); {step}")
        if 300 <= error.code < 400:
            place = escape(error.headers.get("Location") or "nowhere", 200)
            return BoardError(
                f"{self.name}{path} leads to {place}, which is not followed; give that address if it is meant"
            )
        return BoardError(f"{self.name}{path} answers HTTP {error.code}; see the server's log, and try again")


class _SameOrigin(urllib.request.HTTPRedirectHandler):
    """Follows no redirect to another scheme, host or port."""

    def __init__(self, scheme: str, netloc: str) -> None:
        self._origin = (scheme, netloc.lower())

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """The request to go on with; None ends with the redirect as an error."""
        parts = urllib.parse.urlsplit(newurl)
        if (parts.scheme, parts.netloc.lower()) != self._origin:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _read(answer: http.client.HTTPResponse) -> bytes:
    """The body, up to one byte more than is accepted."""
    text = bytearray()
    while len(text) <= MAX_BYTES and (piece := answer.read1(MAX_BYTES + 1 - len(text))):
        text += piece
    return bytes(text)


def _parts(url: str) -> urllib.parse.SplitResult:
    try:
        parts = urllib.parse.urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        valid, parts = False, urllib.parse.urlsplit("")
    if not valid or parts.username is not None or parts.query or parts.fragment or not url.isprintable():
        raise BoardError(
            f"{escape(url.rpartition('@')[2], 200)!r} is no server's address; give http(s)://host:port, "
            "without user, query or fragment"
        )
    return parts
