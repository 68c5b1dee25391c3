"""The server as an ASGI application: for `serve`, and to be mounted in any other.

From the outside in: `_Door` (probes, ambiguous requests, the log of requests, the end of connections while draining),
the dashboard's `Guard` (who asks, who is asked, from where), Starlette's router, and the addresses.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import attrs
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.routing import Route

from infrafabric.board.sources import LiveSource
from infrafabric.dashboard.app import dashboard_routes
from infrafabric.dashboard.doorkeeper import Pace
from infrafabric.dashboard.guard import Guard, allowed_hosts
from infrafabric.errors import escape
from infrafabric.server import describing, openapi
from infrafabric.server.accepting import no_options
from infrafabric.server.asgi import headers_of, send_bytes, send_json, send_problem, shown
from infrafabric.server.body import BodyRoom
from infrafabric.server.in_flight import InFlight
from infrafabric.server.problems import ProblemDetails, RequestRefusedError, not_loaded
from infrafabric.server.readiness import Readiness
from infrafabric.server.task_endpoint import BodyLimits, TaskEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from infrafabric.board.sources import BoardSource
    from infrafabric.chassis import IFChassis
    from infrafabric.server.deployment import Deployment
    from infrafabric.server.request_log import RequestLog
    from infrafabric.telemetry import Scrape

#: The largest body that any contract can allow.
MAX_BODY_BYTES: Final = 64 << 20
#: What large bodies may hold together.
MAX_BODIES_BYTES: Final = 256 << 20

_CLOSE: Final = (b"connection", b"close")


class _NameConvertor(Convertor[str]):
    """The name of a task: whatever a module exports, slashes and line breaks included."""

    regex = r"[\s\S]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("infrafabric_task", _NameConvertor())


class ServerApp:
    """The ASGI application over a chassis. Make it with `create_app`; it serves one event loop."""

    def __init__(self, app: ASGIApp, readiness: Readiness, in_flight: InFlight) -> None:
        self._app = app
        self.readiness = readiness
        self.in_flight = in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)

    def drain(self) -> None:
        """Say that this server goes away: ``/ready`` is 503 from now on, and answers end their connections."""
        self.readiness.draining = True


def create_app(  # noqa: PLR0913 - one argument for each thing that a program may have of its own
    chassis: IFChassis,
    *,
    token: str | None = None,
    hosts: Iterable[str] = (),
    behind_tls: bool = False,
    max_body_bytes: int = MAX_BODY_BYTES,
    pace: Pace | None = None,
    deployment: Deployment | None = None,
    board: BoardSource | None = None,
    scrape: Scrape | None = None,
    request_log: RequestLog | None = None,
) -> ServerApp:
    """The server over ``chassis`` as an ASGI application, dashboard included. The chassis stays the caller's.

    ``token``: what whoever asks has to know; None lets everyone in. ``hosts``: the names under which it may be asked,
    beside IP addresses and ``localhost``. ``behind_tls``: a proxy speaks https for it. ``max_body_bytes`` bounds bodies
    whatever contracts allow. ``board``: what the dashboard shows; None: this chassis. ``scrape``: what ``/metrics``
    shows. The rest is for `serve`.
    """
    if not 1 <= max_body_bytes <= MAX_BODY_BYTES:
        raise ValueError(f"max_body_bytes is {max_body_bytes:,}; give 1 to {MAX_BODY_BYTES:,}")
    readiness, in_flight = Readiness(chassis, deployment), InFlight()
    limits = BodyLimits(max_bytes=max_body_bytes, pace=pace or Pace(), room=BodyRoom(MAX_BODIES_BYTES))
    gets = _Gets(chassis, deployment, scrape, with_token=token is not None)
    routes = [
        Route(
            "/v1/swarms/{swarm_id}/tasks/{task_name:infrafabric_task}",
            _Posts(TaskEndpoint(chassis, limits, in_flight)),
        ),
        Route("/v1/swarms", gets.of(gets.swarms)),
        Route("/openapi.json", gets.of(gets.openapi)),
        Route("/metrics", gets.metrics),
        Route("/v1/swarms/{swarm_id}/slo", gets.of(gets.slo)),
        *dashboard_routes(board or LiveSource(chassis)),
        Route("/v1/swarms/{swarm_id}", gets.of(gets.swarm)),
    ]
    inside = Starlette(routes=routes, exception_handlers={HTTPException: _http_problem, Exception: _failed})
    inside.router.redirect_slashes = False
    guarded = Guard(inside, hosts=allowed_hosts("127.0.0.1", hosts), token=token, behind_tls=behind_tls)
    return ServerApp(_Door(guarded, readiness, request_log), readiness, in_flight)


@attrs.frozen
class _Posts:
    """Lets only ``POST`` through."""

    app: TaskEndpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            await self.app(scope, receive, send)
        else:
            await _wrong_method(send, scope["method"], "POST")


@attrs.frozen
class _Answering:
    """An address that is read: ``answer(scope)`` makes plain data on another thread, or raises."""

    answer: Callable[[Scope], Any]

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["method"] not in {"GET", "HEAD"}:
            await _wrong_method(send, scope["method"], "GET, HEAD")
            return
        try:
            no_options(scope)
            answer = await asyncio.to_thread(self.answer, scope)
        except RequestRefusedError as error:
            await send_problem(send, error.problem)
            return
        if answer is None:
            swarm_id = scope["path_params"]["swarm_id"]
            await send_problem(send, not_loaded(swarm_id, f"Swarm '{escape(swarm_id, 200)}' not loaded"))
        else:
            await send_json(send, answer)


class _Gets:
    """What can be read, beside the dashboard."""

    def __init__(
        self, chassis: IFChassis, deployment: Deployment | None, scrape: Scrape | None, *, with_token: bool
    ) -> None:
        self._chassis = chassis
        self._deployment = deployment
        self._scrape = scrape
        self._with_token = with_token

    def of(self, answer: Callable[[Scope], Any]) -> _Answering:
        return _Answering(answer)

    def swarms(self, _scope: Scope) -> Any:
        return describing.swarms(self._chassis)

    def swarm(self, scope: Scope) -> Any:
        return describing.swarm(self._chassis, self._deployment, scope["path_params"]["swarm_id"])

    def slo(self, scope: Scope) -> Any:
        return describing.slo(self._chassis, scope["path_params"]["swarm_id"])

    def openapi(self, _scope: Scope) -> Any:
        return openapi.document(self._chassis, with_token=self._with_token)

    @property
    def metrics(self) -> ASGIApp:
        return _Metrics(self._scrape)


@attrs.frozen
class _Metrics:
    """``/metrics``: what the SDK's reader holds, rendered on another thread."""

    scrape: Scrape | None

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["method"] not in {"GET", "HEAD"}:
            await _wrong_method(send, scope["method"], "GET, HEAD")
        elif self.scrape is None:
            detail = (
                "metrics need the extra prometheus: pip install 'infrafabric[prometheus]', and start the server again "
                "without OTEL_SDK_DISABLED; an application that mounts the server gives create_app its scrape"
            )
            problem = ProblemDetails(status=HTTPStatus.NOT_IMPLEMENTED, code="metrics_missing", detail=detail)
            await send_problem(send, problem)
        else:
            text = await asyncio.to_thread(self.scrape.render)
            await send_bytes(send, HTTPStatus.OK, text, (b"content-type", self.scrape.content_type.encode()))


async def _wrong_method(send: Send, method: str, allowed: str) -> None:
    detail = f"{shown(method)} is not for this address; it takes {allowed}"
    problem = ProblemDetails(status=HTTPStatus.METHOD_NOT_ALLOWED, code="method_not_allowed", detail=detail)
    await send_bytes(send, problem.status, problem.body(), *problem.headers(), (b"allow", allowed.encode()))


def _http_problem(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: an address or a method that is not there."""
    from starlette.responses import Response  # noqa: PLC0415 - only mistakes need it

    status = HTTPStatus(getattr(error, "status_code", 500))
    code = {404: "not_found", 405: "method_not_allowed"}.get(status, "bad_request" if status < 500 else "internal")
    detail = f"{shown(request.method)} {escape(request.url.path, 200)}: there is no such address; see /openapi.json"
    problem = ProblemDetails(status=status, code=code, detail=detail)
    allow = dict(getattr(error, "headers", None) or {})
    return Response(problem.body(), status, {**allow, "content-type": "application/problem+json"})


def _failed(_request: Request, error: Exception) -> Response:
    """A mistake of ours. Starlette raises it again for the log; what it says may be paths, or of other callers."""
    from starlette.responses import Response  # noqa: PLC0415 - only mistakes need it

    detail = f"a {type(error).__name__} that nobody expected; the server's log has it, please report it"
    problem = ProblemDetails(status=HTTPStatus.INTERNAL_SERVER_ERROR, code="internal", detail=detail)
    return Response(problem.body(), problem.status, {"content-type": "application/problem+json"})


class _Door:
    """The outermost layer. Probes are answered here: an orchestrator knows no token, and asks by a pod's address."""

    def __init__(self, app: ASGIApp, readiness: Readiness, request_log: RequestLog | None) -> None:
        self._app = app
        self._readiness = readiness
        self._log = request_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = self._closing(send)
        if self._log is not None:
            send = self._log.watching(scope, send)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if ambiguous := _ambiguous_length(scope):
            problem = ProblemDetails(status=HTTPStatus.BAD_REQUEST, code="bad_request", detail=ambiguous, closes=True)
            await send_problem(send, problem)
        elif path in {"/health", "/ready"}:
            await self._probe(path, scope["method"], send)
        else:
            await self._app(scope, receive, send)

    def _closing(self, send: Send) -> Send:
        """``send``, which ends the connection with whatever is answered while draining."""

        async def send_and_close(message: Message) -> None:
            if self._readiness.draining and message["type"] == "http.response.start":
                headers = [header for header in message.get("headers", ()) if header[0].lower() != b"connection"]
                message = {**message, "headers": [*headers, _CLOSE]}
            await send(message)

        return send_and_close

    async def _probe(self, path: str, method: str, send: Send) -> None:
        if method not in {"GET", "HEAD"}:
            await _wrong_method(send, method, "GET, HEAD")
        elif path == "/health":
            await send_json(send, {"status": "up"})
        else:
            ready = self._readiness.to_dict()
            await send_json(send, ready, HTTPStatus.OK if ready["ready"] else HTTPStatus.SERVICE_UNAVAILABLE)


def _ambiguous_length(scope: Scope) -> str | None:
    """Why two programs in a row might see different requests here; None when they cannot (RFC 9112, section 6.3)."""
    encodings = headers_of(scope, b"transfer-encoding")
    if not encodings:
        return None
    if headers_of(scope, b"content-length"):
        return "the request has both Content-Length and Transfer-Encoding; send one of them"
    if scope.get("http_version") == "1.0":
        return "HTTP/1.0 has no Transfer-Encoding; send Content-Length"
    return None
