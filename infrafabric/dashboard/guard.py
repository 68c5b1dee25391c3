"""The door before the dashboard and the server: who is asked, who asks, and from where.

One ASGI middleware before the whole application. Checks inside each endpoint were rejected: the next endpoint would
forget them. In order, for every request:

1. *Who is asked*: the ``Host`` is an IP address or a name that is known. A page of a stranger whose name was pointed at
   this machine (DNS rebinding) carries the stranger's name. Ports are not compared: tunnels and containers change them.
2. *From where*: what could change something comes from no page of another origin. Browsers send loopback addresses
   to whoever asks, and a cookie to every port of its host.
3. *Who asks*: where there is a token, the request carries it as ``Authorization: Bearer``, or the cookie that the login
   form gives for it. The cookie holds a value made from the token, never the token.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import re
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from infrafabric.dashboard.headers import SecurityHeaders
from infrafabric.dashboard.pages import STATIC_PATH, login_page, root_of
from infrafabric.dashboard.problem import problem
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.datastructures import Headers
    from starlette.types import ASGIApp, Receive, Scope, Send

#: Where the login form is sent.
LOGIN_PATH: Final = "/login"
#: A token that could be guessed guards nothing.
MIN_TOKEN_CHARACTERS: Final = 16

_MAKE_ONE = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
_FORM_BYTES_MAX = 8192
#: Browsers send a form at once; whoever does not takes the place of somebody else meanwhile.
_FORM_SECONDS = 5.0
_CLOSE = {"Connection": "close"}
#: What people look at, and may want to come back to after the login.
_OWN_PATHS = ("dashboard/", "v1/")
_HOST = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^\s\[\]:/?#@\\]+))(?::[0-9]{0,5})?")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_loopback(host: str) -> bool:
    """Whether what listens on ``host`` can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_bind(host: str, token: str | None) -> None:
    """Raise ValueError when ``token`` is too weak, or when it is missing where other machines can ask."""
    if token is None:
        if not is_loopback(host):
            raise ValueError(
                f"listening on '{escape(host, 100)}' lets other machines in, which needs a token; {_MAKE_ONE}, "
                "or listen on 127.0.0.1"
            )
        return
    if len(token) < MIN_TOKEN_CHARACTERS:
        raise ValueError(
            f"the token has {len(token)} characters, at least {MIN_TOKEN_CHARACTERS} are needed; {_MAKE_ONE}"
        )
    if not all("!" <= character <= "~" for character in token):
        raise ValueError(f"the token holds a space or a character that is not ASCII; {_MAKE_ONE}")


def allowed_hosts(bind_host: str, extra: Iterable[str] = ()) -> tuple[str, ...]:
    """The names under which what listens on ``bind_host`` may be asked, beside every IP address.

    ``extra`` are more names, such as that of a proxy; a port behind a name is cut off, because what is forwarded
    arrives under another one.

    >>> allowed_hosts("127.0.0.1", ["board.example.org:443"])
    ('board.example.org', 'localhost')
    """
    names = {"localhost", *(name for name in map(_name_of, extra) if name)}
    if not is_loopback(bind_host):
        names |= {_name_of(bind_host) or "localhost", socket.gethostname().lower(), socket.getfqdn().lower()}
    return tuple(sorted(name for name in names if not _is_address(name)))


class Guard:
    """ASGI middleware: only requests that may ask reach ``app``, and every answer has the security headers.

    ``hosts``: the names of `allowed_hosts`. ``token``: what must be known; None lets everyone in. ``open_paths`` need
    no token, such as the probe of an orchestrator; one that ends in ``/`` opens all below it. ``behind_tls``: clients
    come over https, to a proxy that asks here without. That is told, never believed of a request's headers: anybody
    may write these.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: tuple[str, ...],
        token: str | None,
        open_paths: tuple[str, ...] = (),
        behind_tls: bool = False,
    ) -> None:
        self._hosts = frozenset(name.lower() for name in hosts)
        self._token = token.encode() if token is not None else None
        self._session = hmac.new(self._token or b"", b"infrafabric session", hashlib.sha256).hexdigest()
        # Cookies belong to a host, not to a port: two servers on one machine must not sign each other out.
        self._cookie = f"infrafabric-{hashlib.sha256(self._session.encode()).hexdigest()[:8]}"
        self._open_paths = (*open_paths, STATIC_PATH)
        self._behind_tls = behind_tls
        self._inner = SecurityHeaders(app)
        self._refuse = SecurityHeaders(_answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # nothing here speaks it
        elif scope["type"] != "http":
            await self._inner(scope, receive, send)
        elif answer := await self._answer_of(Request(scope, receive)):
            scope["infrafabric.answer"] = answer
            await self._refuse(scope, receive, send)
        else:
            await self._inner(scope, receive, send)

    async def _answer_of(self, request: Request) -> Response | None:
        """What is answered instead of the application; None when the request may go on to it."""
        headers = request.headers
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_known(_name_of(hosts[0])):
            return problem(
                HTTPStatus.MISDIRECTED_REQUEST,
                "unknown_host",
                f"'{escape(', '.join(hosts), 200)}' is no name of this server; ask it by its IP address, or start it "
                "with this name among its allowed hosts",
            )
        if request.method not in _SAFE_METHODS and not _is_same_origin(headers):
            return problem(
                HTTPStatus.FORBIDDEN,
                "cross_origin",
                "a page of another origin may not change anything here; use a program, or a page of this server",
            )
        path = _path_of(request.scope)
        if self._token is None or any(_matches(path, open_path) for open_path in self._open_paths):
            return None
        if request.method == "POST" and path == LOGIN_PATH:
            return await self._log_in(request)
        return None if self._may_ask(request) else self._ask_for_token(request, _own_path(request))

    def _is_known(self, name: str) -> bool:
        return _is_address(name) or name in self._hosts

    def _may_ask(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._is_token(given.strip())
        cookie = request.cookies.get(self._cookie_of(request), "")
        return hmac.compare_digest(cookie.encode("utf-8", "replace"), self._session.encode())

    def _is_secure(self, request: Request) -> bool:
        return self._behind_tls or request.scope["scheme"] == "https"

    def _cookie_of(self, request: Request) -> str:
        """The cookie's name. Over https it is one that no plain answer and no neighbouring name can set."""
        return f"__Host-{self._cookie}" if self._is_secure(request) else self._cookie

    def _is_token(self, given: str) -> bool:
        return self._token is not None and hmac.compare_digest(given.encode("utf-8", "replace"), self._token)

    def _ask_for_token(self, request: Request, wanted: str, *, failed: bool = False) -> Response:
        challenge = {"WWW-Authenticate": 'Bearer realm="infrafabric"'}
        if "text/html" in request.headers.get("accept", "") or failed:
            page = login_page(root=root_of(request.scope), wanted=wanted, failed=failed)
            # Without a referrer the form's own origin would be "null", which could be anybody's.
            return HTMLResponse(page, HTTPStatus.UNAUTHORIZED, challenge | {"Referrer-Policy": "same-origin"})
        detail = "this needs the server's token: send it as 'Authorization: Bearer TOKEN'"
        return problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers=challenge)

    async def _log_in(self, request: Request) -> Response:
        body = b""
        try:
            async with asyncio.timeout(_FORM_SECONDS):
                async for piece in request.stream():
                    body += piece
                    if len(body) > _FORM_BYTES_MAX:
                        detail = f"the form has more than {_FORM_BYTES_MAX} bytes; send the token alone"
                        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", detail, headers=_CLOSE)
        except TimeoutError:
            detail = f"the form did not come within {_FORM_SECONDS:g} s"
            return problem(HTTPStatus.REQUEST_TIMEOUT, "body_too_slow", detail, headers=_CLOSE)
        except ClientDisconnect:  # nobody reads the answer, and a stranger's leaving is no entry in a log
            return problem(HTTPStatus.BAD_REQUEST, "bad_request", "the form did not come whole")
        form = parse_qs(body.decode("ascii", "replace"))
        wanted = _local_path(form.get("next", [""])[0])
        if not self._is_token(form.get("token", [""])[0].strip()):
            return self._ask_for_token(request, wanted, failed=True)
        answer = RedirectResponse(root_of(request.scope) + wanted, HTTPStatus.SEE_OTHER)
        answer.set_cookie(
            self._cookie_of(request),
            self._session,
            httponly=True,
            samesite="strict",
            secure=self._is_secure(request),
            path="/",
        )
        return answer


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    answer: Response = scope["infrafabric.answer"]
    await answer(scope, receive, send)


def _is_same_origin(headers: Headers) -> bool:
    """Whether no browser says that another origin's page asks. Programs send neither header."""
    site = headers.get("sec-fetch-site")  # what a browser sends to addresses it trusts, and no page can write
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or origin.lower().partition("://")[2] == headers["host"].lower()


def _name_of(host: str) -> str:
    """The name in a ``Host`` header, without port, brackets, case and closing dot; empty for what is no such header.

    Nothing may follow the port: frameworks paste the header into the request's address, which would get another path.
    """
    found = _HOST.fullmatch(host.strip().lower())
    return "" if found is None else (found["address"] or found["name"]).removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _path_of(scope: Scope) -> str:
    """What is asked for below the place where the application is mounted: what its routes see."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _matches(path: str, open_path: str) -> bool:
    return path.startswith(open_path) if open_path.endswith("/") else path == open_path


def _own_path(request: Request) -> str:
    """What was asked for, without its leading slash, to come back to after the login."""
    path = request.scope.get("raw_path", b"").decode("ascii", "replace").partition("?")[0]
    path = path.removeprefix(request.scope.get("root_path", ""))
    query = request.scope.get("query_string", b"").decode("ascii", "replace")
    return _local_path(path.removeprefix("/") + (f"?{query}" if query else ""))


def _local_path(path: str) -> str:
    """``path`` if it can only lead to this server, else the dashboard's."""
    return path if path.startswith(_OWN_PATHS) and path.isprintable() else "dashboard/"
