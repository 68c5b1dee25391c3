"""The door before the pages: who is asked, who asks, and from where."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from infrafabric.dashboard.guard import Guard, allowed_hosts, check_bind, is_loopback
from infrafabric.dashboard.headers import SECURITY_HEADERS
from infrafabric.dashboard.serving import DashboardServer
from tests.dashboard.asking import ask
from tests.dashboard.boards import KeptSource, board, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Message, Receive, Scope, Send

    from tests.dashboard.asking import Answer

TOKEN = "k3-very-long-token_of-a-test"  # noqa: S105 - of this test
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def open_url() -> Iterator[str]:
    """A dashboard on loopback, without a token."""
    with DashboardServer(
        KeptSource(board(page())), host="127.0.0.1", port=0, token=None, extra_hosts=["Board.example.org:443"]
    ) as server:
        yield server.url


@pytest.fixture(scope="module")
def locked_url() -> Iterator[str]:
    """A dashboard with a token."""
    with DashboardServer(KeptSource(board(page())), host="127.0.0.1", port=0, token=TOKEN) as server:
        yield server.url


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:9", "localhost", "LOCALHOST.:80", "[::1]:80", "10.1.2.3", "board.example.org"]
)
def test_known_names_and_addresses_are_answered(open_url: str, host: str) -> None:
    """An IP address, localhost and the names that were allowed are this server's, whatever the port and case."""
    assert ask(open_url, "/v1/overview", Host=host).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "board.example.org.evil"]
)
@pytest.mark.parametrize("path", ["/dashboard/", "/v1/board", "/dashboard/static/theme.js", "/login"])
def test_other_names_are_refused(open_url: str, host: str, path: str) -> None:
    """A page of a stranger whose name was pointed here learns nothing, not even a file."""
    answer = ask(open_url, path, Host=host)
    assert (answer.status, answer.json["type"], answer.json["code"]) == (421, "unknown_host", "unknown_host")


@pytest.mark.parametrize(
    "host",
    [
        "localhost:/dashboard/static/?",
        "localhost:80/dashboard/static/",
        "[::1]/dashboard/static/",
        "[::1]:80/dashboard/static/x?",
        "127.0.0.1/dashboard/static/#",
        "localhost:80@evil.example",
        "localhost\\evil",
        "local host",
        "[::1",
        "::1",
    ],
)
def test_no_name_can_change_the_path(locked_url: str, host: str) -> None:
    """What a request asks for is its own path, whatever stands in the header of its host."""
    assert ask(locked_url, "/v1/overview", Host=host).status == 421


def test_every_answer_has_the_security_headers(open_url: str, locked_url: str) -> None:
    """Pages, data, files, redirects, mistakes and refusals all say what the browser may do."""
    asked = [ask(open_url, path) for path in ("/", "/dashboard/", "/v1/overview", "/v1/board", "/nothing")]
    asked += [ask(open_url, "/dashboard/static/nothing"), ask(open_url, "/", Host="evil.example")]
    asked += [ask(open_url, "/dashboard/", method="POST"), ask(open_url, "/dashboard/swarms/nobody")]
    asked += [ask(locked_url, "/v1/board")]
    for answer in asked:
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name.lower()] == value
    form = ask(locked_url, "/dashboard/", Accept="text/html")
    assert form.headers == form.headers | {name.lower(): value for name, value in SECURITY_HEADERS.items()} | {
        "referrer-policy": "same-origin"  # else browsers would send the form with no origin
    }


@pytest.mark.parametrize("path", ["/", "/dashboard/", "/dashboard/swarms/analyzer", "/v1/overview", "/v1/board"])
def test_a_token_is_needed_where_there_is_one(locked_url: str, path: str) -> None:
    """Without it nothing is shown; with it everything is."""
    refused = ask(locked_url, path)
    assert (refused.status, refused.json["type"], refused.json["code"]) == (401, "unauthorized", "unauthorized")
    assert refused.headers["www-authenticate"] == 'Bearer realm="infrafabric"'
    assert ask(locked_url, path, Authorization=f"Bearer {TOKEN}").status in {200, 307}


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer \xe9\xff"],
    ids=range(7),
)
def test_other_tokens_are_refused(locked_url: str, given: str) -> None:
    """Only the whole token opens, as a bearer's; bytes that are no text are refused like others."""
    assert ask(locked_url, "/v1/overview", Authorization=given).status == 401


def _log_in(url: str, token: str, wanted: str = "", **headers: str) -> Answer:
    form = urlencode({"token": token, "next": wanted}).encode()
    return ask(url, "/login", method="POST", body=form, Content_Type=FORM, **headers)


def test_the_form_gives_a_cookie_that_opens(locked_url: str) -> None:
    """The cookie is out of reach of scripts and other sites, does not hold the token, and leads on."""
    form = ask(locked_url, "/dashboard/swarms/analyzer?x=1", Accept="text/html")
    assert form.status == 401
    assert 'value="dashboard/swarms/analyzer?x=1"' in form.text
    answer = _log_in(locked_url, TOKEN, "dashboard/swarms/analyzer?x=1")
    assert (answer.status, answer.headers["location"]) == (303, "./dashboard/swarms/analyzer?x=1")
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(attributes)
    assert TOKEN not in cookie
    assert ask(locked_url, "/v1/overview", Cookie=cookie).status == 200
    assert ask(locked_url, "/v1/overview", Cookie=cookie[:-1] + "~").status == 401


def test_behind_tls_the_cookie_is_for_https_alone() -> None:
    """It is told, not read from a header; and no neighbour that has no TLS can set such a cookie."""
    with DashboardServer(KeptSource(board(page())), host="127.0.0.1", port=0, token=TOKEN, behind_tls=True) as server:
        cookie, *attributes = _log_in(server.url, TOKEN).headers["set-cookie"].split("; ")
        assert cookie.startswith("__Host-")
        assert "Secure" in attributes
        assert ask(server.url, "/v1/overview", Cookie=cookie).status == 200
        assert ask(server.url, "/v1/overview", Cookie=cookie.removeprefix("__Host-")).status == 401


def test_a_header_does_not_say_that_there_is_tls(locked_url: str) -> None:
    """Anybody may write one."""
    answer = _log_in(locked_url, TOKEN, X_Forwarded_Proto="https", Forwarded="proto=https")
    assert "Secure" not in answer.headers["set-cookie"]
    assert not answer.headers["set-cookie"].startswith("__Host-")


def test_a_path_of_slashes_makes_no_large_page(locked_url: str) -> None:
    """The way back from it is in the page several times."""
    assert len(ask(locked_url, "/" * 8_000, Accept="text/html").body) < 8_000


def test_a_wrong_token_gives_the_form_again(locked_url: str) -> None:
    """Nothing is set, and the form says so."""
    answer = _log_in(locked_url, TOKEN + "x", "dashboard/")
    assert answer.status == 401
    assert "set-cookie" not in answer.headers
    assert "This is not the token" in answer.text


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "javascript:alert(1)", "\\\\evil", "a\nb"]
)
def test_the_login_leads_nowhere_else(locked_url: str, wanted: str) -> None:
    """Where to go after the login is on this server, whoever made the link."""
    assert _log_in(locked_url, TOKEN, wanted).headers["location"] == "./dashboard/"


def test_a_slow_form_is_refused(locked_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger does not keep a connection by sending half of it."""
    monkeypatch.setattr("infrafabric.dashboard.guard._FORM_SECONDS", 0.1)
    answer = ask(locked_url, "/login", method="POST", Content_Length="50", Content_Type=FORM)
    assert (answer.status, answer.json["type"], answer.headers["connection"]) == (408, "body_too_slow", "close")


def test_a_huge_form_is_refused(locked_url: str) -> None:
    """What is sent to the form is not kept beyond what a token needs."""
    assert _log_in(locked_url, "x" * 100_000).status == 413


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=["origin", "null", "cross-site", "same-site"],
)
def test_pages_of_other_origins_change_nothing(locked_url: str, headers: dict[str, str]) -> None:
    """What could change something is refused before it is looked at when another origin's page sends it."""
    answer = _log_in(locked_url, TOKEN, **headers)
    assert (answer.status, answer.json["type"]) == (403, "cross_origin")


def test_pages_of_this_origin_may(locked_url: str) -> None:
    """The server's own form passes."""
    host = locked_url.split("/")[2]
    assert _log_in(locked_url, TOKEN, Origin=f"http://{host}", Sec_Fetch_Site="same-origin", Host=host).status == 303


def test_the_files_of_the_form_need_no_token(locked_url: str) -> None:
    """They hold nothing, and the form is to be read."""
    assert ask(locked_url, "/dashboard/static/dashboard.css").status == 200
    assert ask(locked_url, "/dashboard/static/../../v1/overview").status == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    """Only this machine can ask there."""
    assert is_loopback(host)
    check_bind(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "board.example.org", ""])  # noqa: S104 - compared
def test_other_addresses_need_one(host: str) -> None:
    """The error says what to do."""
    with pytest.raises(ValueError, match="needs a token; make one with"):
        check_bind(host, None)
    check_bind(host, TOKEN)


@pytest.mark.parametrize("token", ["", "short", "fifteen-letters", "with a space inside it", "ümlaut-in-the-token-"])
def test_weak_tokens_are_refused(token: str) -> None:
    """A token that could be guessed, or that no header can carry, is none."""
    with pytest.raises(ValueError, match="make one with"):
        check_bind("127.0.0.1", token)


def test_the_names_of_a_public_address_are_known() -> None:
    """The name that was bound and the machine's own are allowed; addresses need no entry."""
    assert allowed_hosts("127.0.0.1") == ("localhost",)
    assert {"board.example.org", "localhost"} <= set(allowed_hosts("board.example.org"))
    assert not any(name[0].isdigit() for name in allowed_hosts("0.0.0.0", ["10.0.0.1"]))  # noqa: S104 - compared


def test_a_websocket_is_closed_and_a_lifespan_passes() -> None:
    """Nothing behind the guard speaks WebSocket; what a server says to the whole application is not its matter."""
    sent: list[Any] = []
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    async def both() -> None:
        guard = Guard(app, hosts=("localhost",), token=TOKEN)
        for kind in ("websocket", "lifespan"):
            await guard({"type": kind, "path": "/", "headers": []}, receive, send)

    asyncio.run(both())
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert seen == ["lifespan"]
