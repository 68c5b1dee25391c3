"""The addresses of a board: exact data for programs, pages for people, and tags that spare both."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import attrs
import pytest
from markupsafe import escape

from infrafabric.board.plain import to_dict
from infrafabric.dashboard.serving import DashboardServer
from infrafabric.errors import BoardError
from tests.dashboard.asking import ask
from tests.dashboard.boards import HOSTILE_ID, KeptSource, board, page, row

if TYPE_CHECKING:
    from collections.abc import Iterator

IDS = ("analyzer", HOSTILE_ID, "a b+c%41&d=e;f", "..", ".", "%2e%2e", "ünïcode·名前", "?", "#", "~")


@pytest.fixture(scope="module")
def kept() -> KeptSource:
    """A board with a swarm of every id that is awkward in an address."""
    return KeptSource(board(*(page(swarm_id=swarm_id) for swarm_id in IDS)))


@pytest.fixture(scope="module")
def url(kept: KeptSource) -> Iterator[str]:
    """A dashboard over it."""
    with DashboardServer(kept, host="127.0.0.1", port=0, token=None) as server:
        yield server.url


def test_the_data_is_that_of_the_source(kept: KeptSource, url: str) -> None:
    """Overview, page and board are the records, exactly."""
    assert ask(url, "/v1/overview").json == to_dict(kept.overview())
    assert ask(url, "/v1/swarms/analyzer/page").json == to_dict(kept.kept.pages["analyzer"])
    answer = ask(url, "/v1/board")
    assert answer.json == to_dict(kept.board())
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("swarm_id", IDS, ids=range(len(IDS)))
def test_every_id_has_an_address(url: str, swarm_id: str) -> None:
    """Data and page of a swarm are found under its id, however it has to be written."""
    assert ask(url, f"/v1/swarms/{quote(swarm_id, safe='')}/page").json["swarm_id"] == swarm_id
    in_path = ask(url, f"/dashboard/swarms/{quote(swarm_id, safe='')}")
    in_query = ask(url, f"/dashboard/swarms/?id={quote(swarm_id, safe='')}")
    assert (in_path.status, in_query.status) == (200, 200)
    assert f"<bdi>{escape(swarm_id)}</bdi></h1>" in in_path.text


@pytest.mark.parametrize("path", ["/v1/swarms/nobody/page", "/dashboard/swarms/nobody", "/dashboard/swarms/", "/x"])
def test_what_is_not_there_is_said(url: str, path: str) -> None:
    """A swarm that is not loaded, and an address that leads nowhere, are 404."""
    assert ask(url, path).status == 404


def test_the_root_leads_to_the_dashboard(url: str) -> None:
    """By a relative address, so that it also does below a proxy's prefix."""
    assert (ask(url, "/").status, ask(url, "/").headers["location"]) == (307, "./dashboard/")
    assert ask(url, "/dashboard").headers["location"] == "./dashboard/"


@pytest.mark.parametrize(
    "path", ["/v1/overview", "/v1/board", "/v1/swarms/analyzer/page", "/dashboard/", "/dashboard/swarms/analyzer"]
)
def test_what_is_known_is_not_sent_again(url: str, path: str) -> None:
    """The tag that came with an answer, strong or weak, alone or in a list, gives 304; another one the answer."""
    tag = ask(url, path).headers["etag"]
    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        answer = ask(url, path, If_None_Match=known)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
    assert ask(url, path, If_None_Match='W/"other"').status == 200


def test_a_tag_changes_with_what_is_shown(kept: KeptSource, url: str) -> None:
    """Time alone is nothing new for ten seconds; a number, the filter, and ten seconds are."""
    before, kept_board = kept.kept, kept.kept

    def tags() -> tuple[str, ...]:
        return tuple(ask(url, path).headers["etag"] for path in ("/v1/overview", "/v1/board", "/dashboard/"))

    try:
        first = tags()
        later = kept_board.overview.taken_at + 3
        kept.kept = attrs.evolve(kept_board, taken_at=later, overview=attrs.evolve(kept_board.overview, taken_at=later))
        assert tags() == first
        later += 10
        kept.kept = attrs.evolve(kept_board, taken_at=later, overview=attrs.evolve(kept_board.overview, taken_at=later))
        assert not set(tags()) & set(first)
        kept.kept = board(*kept_board.pages.values(), rows=(row(sli=0.25),))
        assert not set(tags()) & set(first)
    finally:
        kept.kept = before
    assert ask(url, "/dashboard/?q=x").headers["etag"] != first[2]


@pytest.mark.parametrize("path", ["/v1/overview", "/v1/board", "/v1/swarms/analyzer/page", "/dashboard/"])
def test_a_source_that_cannot_answer_is_said(kept: KeptSource, url: str, path: str) -> None:
    """With its own words, as 503: to be asked again."""
    kept.error = BoardError("the server at <b>home</b> does not answer")
    try:
        answer = ask(url, path)
    finally:
        kept.error = None
    assert answer.status == 503
    if path.startswith("/v1"):
        assert (answer.json["type"], answer.json["code"]) == ("board_unreadable", "board_unreadable")
        assert answer.json["detail"] == "the server at <b>home</b> does not answer"
    else:
        assert "the server at &lt;b&gt;home&lt;/b&gt; does not answer" in answer.text


def test_files_are_kept_for_ever_under_their_digest(url: str) -> None:
    """The pages name each file with its digest; under another one it is not to be kept."""
    text = ask(url, "/dashboard/swarms/analyzer").text
    named = [part.split('"')[0] for part in text.split('"../../dashboard/static/')[1:]]
    assert len(named) == 7
    for name in named:
        answer = ask(url, f"/dashboard/static/{name}")
        assert (answer.status, answer.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
        assert ask(url, f"/dashboard/static/{name}0").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["", "../app.py", "..%2fapp.py", "vendor", "vendor/../theme.js", "README.md", "%00"])
def test_only_the_files_of_the_pages_are_served(url: str, name: str) -> None:
    """Whatever else is asked for is not there."""
    assert ask(url, f"/dashboard/static/{name}").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed(url: str, method: str) -> None:
    """The dashboard only shows."""
    assert ask(url, "/v1/overview", method=method, body=b"{}").status == 405


def test_a_text_filter_looks_into_names(url: str) -> None:
    """Whatever the case; what has no such name is left out."""
    assert '<tr role="row" id="analyzer:availability"' in ask(url, "/dashboard/?q=ANALYZ").text
    nothing = ask(url, "/dashboard/?q=no-such-name").text
    assert 'class="row-link"' not in nothing
    assert "No objective matches." in nothing
