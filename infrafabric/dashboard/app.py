"""The addresses of a board: its pages for people, and its JSON for programs.

A page is rendered whole by the server; its script asks for the same page again and takes over what differs. So the
numbers are there without JavaScript, and there is one way in which each is written. JSON that a second renderer in the
browser turns into the same page was rejected.

The records are read on a thread of Starlette's pool: a source may ask a server, and no source is asked to be quick.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from infrafabric.board.files import to_text
from infrafabric.board.records import Board, Overview, SwarmPage
from infrafabric.dashboard import pages
from infrafabric.dashboard.guard import Guard
from infrafabric.dashboard.headers import SecurityHeaders
from infrafabric.dashboard.problem import problem
from infrafabric.dashboard.views import Filter
from infrafabric.errors import InfraFabricError, escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from infrafabric.board.sources import BoardSource

_Record = TypeVar("_Record", Overview, SwarmPage, Board)

#: Records that differ only in when they were taken count as the same for so long, so that an idle board costs nothing.
_SAME_SECONDS: Final = 10
_FOREVER: Final = "public, max-age=31536000, immutable"
_FILTER_CHARACTERS: Final = 200


def dashboard_app(
    source: BoardSource,
    *,
    hosts: tuple[str, ...],
    token: str | None = None,
    open_paths: tuple[str, ...] = (),
    behind_tls: bool = False,
) -> Starlette:
    """An application that shows the board of ``source``, behind a `Guard` that gets the rest."""
    return Starlette(
        routes=dashboard_routes(source),
        middleware=[Middleware(Guard, hosts=hosts, token=token, open_paths=open_paths, behind_tls=behind_tls)],
        exception_handlers={HTTPStatus.NOT_FOUND: _not_found},
    )


def dashboard_routes(source: BoardSource) -> list[BaseRoute]:
    """The routes of the dashboard and of the board's JSON, for an application that has a `Guard` of its own."""
    shown = _Shown(source)
    routes: dict[str, Callable[[Request], Response]] = {
        "/": partial(_to_dashboard, way="dashboard/"),
        "/dashboard": partial(_to_dashboard, way="dashboard/"),
        "/dashboard/": shown.overview_page,
        "/dashboard/swarms/": shown.swarm_page,
        "/dashboard/swarms/{swarm_id}": shown.swarm_page,
        "/v1/overview": shown.overview,
        "/v1/swarms/{swarm_id}/page": shown.swarm,
        "/v1/board": shown.board,
        f"{pages.STATIC_PATH}{{name:path}}": _static,
    }
    headers = [Middleware(SecurityHeaders)]
    return [Route(path, answer, middleware=headers) for path, answer in routes.items()]


class _Shown:
    """The answers about one source."""

    def __init__(self, source: BoardSource) -> None:
        self._source = source

    # --- for programs ----------------------------------------------------------------------------------

    def overview(self, request: Request) -> Response:
        return self._json(request, self._source.overview)

    def swarm(self, request: Request) -> Response:
        return self._json(request, partial(self._source.swarm, _swarm_id(request)))

    def board(self, request: Request) -> Response:
        return self._json(request, self._source.board)

    def _json(self, request: Request, take: Callable[[], _Record | None]) -> Response:
        try:
            record = take()
        except InfraFabricError as error:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, str(error))
        if record is None:
            return problem(HTTPStatus.NOT_FOUND, "not_loaded", _not_loaded(_swarm_id(request)))
        return _tagged(request, _tag(record), lambda: Response(to_text(record), media_type="application/json"))

    # --- for people --------------------------------------------------------------------------------------

    def overview_page(self, request: Request) -> Response:
        asked = request.query_params
        wanted = Filter(text=asked.get("q", "")[:_FILTER_CHARACTERS], state=asked.get("state", "")[:_FILTER_CHARACTERS])
        return self._page(request, self._source.overview, partial(pages.overview_page, wanted=wanted), wanted)

    def swarm_page(self, request: Request) -> Response:
        return self._page(request, partial(self._source.swarm, _swarm_id(request)), pages.swarm_page)

    def _page(
        self, request: Request, take: Callable[[], _Record | None], render: Callable[..., str], *salt: object
    ) -> Response:
        root = pages.root_of(request.scope)
        try:
            record = take()
        except InfraFabricError as error:
            text = pages.message_page("The board cannot be shown now", str(error), root=root)
            return HTMLResponse(text, HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "2"})
        if record is None:
            text = pages.message_page("No such swarm", _not_loaded(_swarm_id(request)), root=root)
            return HTMLResponse(text, HTTPStatus.NOT_FOUND)
        name, is_live = self._source.name, self._source.is_live
        return _tagged(
            request,
            _tag(record, *salt, root, pages.version()),
            lambda: HTMLResponse(render(record, root=root, source=name, is_live=is_live)),
        )


def _static(request: Request) -> Response:
    asset = pages.assets().get(request.path_params["name"])
    if asset is None:
        return Response("there is no such file\n", HTTPStatus.NOT_FOUND, media_type="text/plain")
    is_named = request.query_params.get("v", "") == asset.digest[: pages.VERSION_CHARACTERS]
    answer = Response(asset.content, media_type=asset.media_type)
    answer.headers["Cache-Control"] = _FOREVER if is_named else "no-cache"
    return answer


def _to_dashboard(request: Request, *, way: str) -> Response:
    return RedirectResponse(pages.root_of(request.scope) + way)


def _not_found(request: Request, _error: Exception) -> Response:
    text = pages.message_page("There is nothing here", "This address leads nowhere.", root=pages.root_of(request.scope))
    return HTMLResponse(text, HTTPStatus.NOT_FOUND)


def _swarm_id(request: Request) -> str:
    """From the path; from the query for names that mean something else in a path, as ``..`` does."""
    found: str = request.path_params.get("swarm_id", request.query_params.get("id", ""))
    return found


def _not_loaded(swarm_id: str) -> str:
    return f"Swarm '{escape(swarm_id, 300)}' is not loaded."


def _tag(record: Overview | SwarmPage | Board, *salt: object) -> str:
    """A weak entity tag: it stays while nothing but the time has changed."""
    plain = to_text(_settled(record))
    return f'W/"{hashlib.sha256(plain + json.dumps([str(part) for part in salt]).encode()).hexdigest()[:32]}"'


def _settled(record: Any) -> Any:
    """The record without what changes by itself."""
    taken_at = record.taken_at // _SAME_SECONDS
    if isinstance(record, SwarmPage):
        return attrs.evolve(record, taken_at=taken_at, uptime_seconds=0.0)
    if isinstance(record, Board):
        settled_pages = {swarm_id: _settled(page) for swarm_id, page in record.pages.items()}
        return attrs.evolve(record, taken_at=taken_at, overview=_settled(record.overview), pages=settled_pages)
    return attrs.evolve(record, taken_at=taken_at)


def _tagged(request: Request, tag: str, make: Callable[[], Response]) -> Response:
    """The answer with its tag, or 304 when the asker has it already (RFC 9110, 13.1.2)."""
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if tag.removeprefix("W/") in known or "*" in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag})
    answer = make()
    answer.headers["ETag"] = tag
    return answer
