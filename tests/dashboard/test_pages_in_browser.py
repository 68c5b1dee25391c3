"""The pages in a real browser: keys, filters, updates, colours, small screens, and what means harm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs
import pytest
from playwright.sync_api import expect

from infrafabric.dashboard.report import write_report
from infrafabric.dashboard.serving import DashboardServer
from infrafabric.errors import BoardError
from tests.dashboard.boards import HOSTILE_ID, NOW, KeptSource, board, hostile, objective, overview, page, row
from tests.toolchains import AXE_CORE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.dashboard.conftest import Watched

pytestmark = pytest.mark.requires_tool("chromium")

ROWS = (
    row(swarm_id="filter", state="exhausted", sli=0.9, budget_remaining_ratio=-2.0, enforcement="quarantined"),
    row(swarm_id="analyzer", state="firing", burn_rate=20.0),
    row(swarm_id="analyzer", task="parse", objective="latency", target=0.1, objective_ratio=0.99),
    row(swarm_id="idle", state="no_data", sli=None, burn_rate=None, activity=(0.0,) * 60),
)


@pytest.fixture
def several(source: KeptSource) -> KeptSource:
    """A board with rows in several states."""
    source.kept = board(page(), rows=ROWS)
    return source


def _visible(shown: Page) -> list[str]:
    return shown.locator("#rows tr:visible .row-link").all_inner_texts()


def _ask_now(shown: Page) -> None:
    """Let the page ask as it does when it is seen again, two seconds before its time."""
    shown.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_the_watch_sees_what_it_is_for(url: str, watch: Callable[..., Watched]) -> None:
    """A script in a page, a style in it and a picture from elsewhere are stopped by the policy, and noticed."""
    watched = watch(url)
    watched.page.goto(url)
    watched.page.evaluate("""document.querySelector("main").append(
        Object.assign(document.createElement("script"), {textContent: "window.harmed = 1"}),
        Object.assign(document.createElement("style"), {textContent: "body {color: red}"}),
        Object.assign(document.createElement("img"), {src: "http://elsewhere.invalid/x.png", alt: ""}))""")
    watched.page.wait_for_function("window.violations.length === 3")
    assert watched.page.evaluate("window.harmed") is None
    assert len(watched.troubles) >= 3
    with pytest.raises(AssertionError):
        watched.check()
    watched.page.context.close()


@pytest.mark.usefixtures("several")
def test_keys_move_and_open(url: str, watch: Callable[..., Watched]) -> None:
    """/ goes to the filter, j and k and the arrows move among what is shown, Enter opens."""
    shown = watch(url).page
    shown.goto(url)
    shown.keyboard.press("j")
    expect(shown.locator(".row-link").nth(0)).to_be_focused()
    shown.keyboard.press("ArrowDown")
    expect(shown.locator(".row-link").nth(1)).to_be_focused()
    shown.keyboard.press("k")
    shown.keyboard.press("k")
    expect(shown.locator(".row-link").nth(0)).to_be_focused()
    shown.keyboard.press("/")
    expect(shown.locator("#filter")).to_be_focused()
    shown.keyboard.type("jparsek")
    assert shown.locator("#filter").input_value() == "jparsek"
    shown.locator("#filter").fill("parse")
    assert _visible(shown) == ["analyzer"]
    shown.keyboard.press("ArrowDown")
    shown.keyboard.press("Enter")
    expect(shown).to_have_title("analyzer · infrafabric")


@pytest.mark.usefixtures("several")
def test_filters_are_in_the_address(url: str, watch: Callable[..., Watched]) -> None:
    """Text and state filter at once, the address says so, and leads there again."""
    shown = watch(url).page
    shown.goto(url)
    shown.locator(".chip", has_text="exhausted").click()
    assert _visible(shown) == ["filter"]
    shown.locator("#filter").fill("nothing like it")
    expect(shown.locator("#empty")).to_be_visible()
    shown.locator("#filter").fill("")
    shown.locator(".chip", has_text="all").click()
    assert len(_visible(shown)) == 4
    shown.locator("#filter").fill("ANALY")
    expect(shown).to_have_url(f"{url}?q=ANALY")
    shown.goto(f"{url}?q=analy&state=firing#analyzer:availability")
    assert _visible(shown) == ["analyzer"]
    shown.locator("#filter").fill("")
    shown.locator(".chip", has_text="all").click()
    expect(shown.locator("#rows tr:visible")).to_have_count(4)  # also those that the server had left out
    expect(shown.locator("tr:target")).to_have_count(1)


def test_it_works_without_javascript(several: KeptSource, url: str, watch: Callable[..., Watched]) -> None:
    """Rows, filters, sparklines, drawings and tables are there; what only a script can do is not shown."""
    watched = watch(url, java_script_enabled=False)
    shown = watched.page
    shown.goto(url)
    assert len(_visible(shown)) == 4
    expect(shown.locator("#rows .spark")).to_have_count(3)
    expect(shown.locator("#theme")).to_be_hidden()
    shown.locator("#filter").fill("filter")
    shown.get_by_role("button", name="Filter").click()
    assert _visible(shown) == ["filter"]
    shown.locator(".chip", has_text="all").click()
    shown.goto(f"{url}swarms/analyzer")
    expect(shown.locator(".plot").first).to_be_hidden()
    shown.locator("figure[data-chart=budget] summary").click()
    expect(shown.locator("figure[data-chart=budget] tbody tr")).to_have_count(61)
    expect(shown.locator("figure[data-chart=budget] tbody tr").last).to_contain_text("50\u202f%")
    expect(shown.locator(".histogram rect")).to_have_count(10)
    assert not [asked for asked in watched.requests if not asked.startswith(url)]
    assert not watched.troubles
    assert several.error is None
    shown.context.close()


def test_an_update_keeps_what_the_reader_has(several: KeptSource, url: str, watch: Callable[..., Watched]) -> None:
    """The focus, open details and the place stay; changed states are said aloud, and rows move."""
    shown = watch(url).page
    shown.goto(url)
    shown.locator(".legend-states summary").click()
    shown.locator(".row-link").nth(3).focus()
    several.kept = board(page(), rows=(row(swarm_id="idle", state="firing"), *ROWS[:3]))
    _ask_now(shown)
    expect(shown.locator("#announce")).to_have_text("idle availability is now firing")
    assert _visible(shown)[0] == "idle"
    expect(shown.locator(".row-link").nth(0)).to_be_focused()
    expect(shown.locator(".legend-states dl")).to_be_visible()
    several.kept = board(page(), rows=ROWS[:1])
    _ask_now(shown)
    expect(shown.locator("#rows tr")).to_have_count(1)


def test_a_chart_follows_its_table(source: KeptSource, url: str, watch: Callable[..., Watched]) -> None:
    """A new point is drawn; the numbers at the cursor are those of the table."""
    shown = watch(url).page
    shown.goto(f"{url}swarms/analyzer")
    chart = shown.locator("figure[data-chart=budget]")
    chart.locator(".u-over").hover()
    expect(chart.locator(".at-cursor").first).not_to_be_empty()
    shown.evaluate("document.querySelector('figure[data-chart=budget] canvas').mark = 1")
    longer = (*objective().budget, attrs.evolve(objective().budget[0], at=NOW + 60, value=0.25))
    source.kept = board(page(objectives=(objective(budget=longer),)))
    _ask_now(shown)
    expect(chart.locator("tbody tr")).to_have_count(62)
    assert shown.evaluate("document.querySelector('figure[data-chart=budget] canvas').mark") == 1
    box = chart.locator(".u-over").bounding_box()
    assert box is not None
    shown.mouse.move(box["x"] + box["width"] - 1, box["y"] + 20)
    expect(chart.locator(".at-cursor").first).to_have_text("25\u202f%")


def test_a_source_that_is_away_is_said_and_recovered_from(
    source: KeptSource, url: str, watch: Callable[..., Watched]
) -> None:
    """What is shown stays, is said to be stale, and becomes live by itself."""
    watched = watch(url)
    watched.page.goto(url)
    _ask_now(watched.page)
    expect(watched.page.locator("#freshness")).to_contain_text("live, as of")
    source.error = BoardError("the server does not answer")
    expect(watched.page.locator("#freshness")).to_contain_text("stale since")
    expect(watched.page.locator("#rows tr")).to_have_count(1)
    source.error = None
    expect(watched.page.locator("#freshness")).to_contain_text("live, as of")
    watched.forgive("503")


def test_a_board_that_cannot_change_is_not_asked_again(
    several: KeptSource, url: str, watch: Callable[..., Watched]
) -> None:
    """A file is as of when it was written: no polling, no word of being live; its filter works all the same."""
    several.is_live = False
    watched = watch(url)
    watched.page.clock.install()
    watched.page.goto(f"{url}?q=idle")
    watched.page.locator("#filter").fill("")
    expect(watched.page.locator("#rows tr:visible")).to_have_count(4)
    asked = len(watched.requests)
    watched.page.clock.run_for(60_000)
    assert len(watched.requests) == asked
    expect(watched.page.locator("#freshness")).to_have_text("as of 2025-11-20 08:00:00 UTC")


@pytest.mark.usefixtures("several")
def test_a_page_that_nobody_looks_at_is_not_asked_for(url: str, watch: Callable[..., Watched]) -> None:
    """Polling stops while the page is hidden, and begins at once when it is seen again."""
    watched = watch(url)
    watched.page.clock.install()
    watched.page.goto(url)
    expect(watched.page.locator("#rows tr")).to_have_count(4)
    hide = """hidden => { Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
        document.dispatchEvent(new Event("visibilitychange")); }"""
    watched.page.evaluate(hide, arg=True)
    asked = len(watched.requests)
    watched.page.clock.run_for(60_000)
    assert len(watched.requests) == asked
    with watched.page.expect_response(url):
        watched.page.evaluate(hide, arg=False)
        watched.page.clock.run_for(10)


@pytest.mark.usefixtures("several")
def test_the_colours_are_kept(url: str, watch: Callable[..., Watched]) -> None:
    """As the system says until the button is pressed; then what was chosen, on every page."""
    shown = watch(url, color_scheme="dark").page
    shown.goto(url)

    def ground() -> Any:
        return shown.evaluate("getComputedStyle(document.body).backgroundColor")

    dark = ground()
    shown.locator("#theme").click()
    light = ground()
    assert light != dark
    shown.goto(f"{url}swarms/analyzer")
    assert ground() == light
    shown.locator("#theme").click()
    assert ground() == dark
    expect(shown.locator("#theme")).to_have_attribute("aria-label", "Colours: dark")


@pytest.mark.parametrize("width", [320, 900, 901, 1000, 1150, 1151, 1279, 1280, 1920])
def test_the_overview_needs_no_scrolling_to_the_side(
    source: KeptSource, url: str, width: int, watch: Callable[..., Watched]
) -> None:
    """At every width each column that is shown is in sight, and at usual ones a usual name stands in one line."""
    source.kept = board(
        page(), rows=(row(swarm_id="number-cruncher", seconds_to_exhaustion=4140.0, budget_remaining_ratio=-31.0),)
    )
    shown = watch(url).page
    shown.set_viewport_size({"width": width, "height": 800})
    shown.goto(url)
    over = shown.evaluate(
        "(() => { const t = document.querySelector('.flush'); return t.scrollWidth - t.clientWidth })()"
    )
    lines = shown.evaluate("document.querySelector('.row-link').getClientRects().length")
    assert over == 0
    assert lines == 1 or width in {320, 901}


@pytest.mark.parametrize("table", ["limits", "alerts", "failures", "outcomes"])
def test_a_phone_shows_whole_rows(source: KeptSource, url: str, table: str, watch: Callable[..., Watched]) -> None:
    """Nothing of a table is beyond the right edge, and no row is taller than what it says."""
    source.kept = board(page(), rows=ROWS)
    shown = watch(url).page
    shown.set_viewport_size({"width": 390, "height": 844})
    shown.goto(f"{url}swarms/analyzer")
    cells = shown.locator(f".{table} tbody tr > *")
    assert cells.count() > 0
    boxes = [box for box in (cells.nth(n).bounding_box() for n in range(cells.count())) if box is not None]
    assert max(box["x"] + box["width"] for box in boxes) <= 390
    assert max(box["height"] for box in boxes) < 200


@pytest.mark.requires_tool("axe-core")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_out(source: KeptSource, url: str, scheme: str, watch: Callable[..., Watched]) -> None:
    """axe-core finds nothing against any page: names, contrast, order, keyboard. A phone is wide enough."""
    few = objective(budget=objective().budget[:4], burn=())
    source.kept = board(page(objectives=(few,), activity=page().activity[:4]), rows=ROWS)
    watched = watch(url, color_scheme=scheme)
    for path, width in (
        ("", 1280),
        ("", 360),
        ("swarms/analyzer", 1280),
        ("swarms/analyzer", 360),
        ("swarms/nobody", 360),
    ):
        watched.page.set_viewport_size({"width": width, "height": 800})
        watched.page.goto(url + path)
        _assert_open_to_all(watched.page)
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    watched.forgive("404")


def _assert_open_to_all(shown: Page) -> None:
    shown.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    shown.evaluate(AXE_CORE.read_text())
    found = shown.evaluate("axe.run({resultTypes: ['violations']})")
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []
    assert found["passes"]


def test_text_that_means_harm_is_text(source: KeptSource, url: str, watch: Callable[..., Watched]) -> None:
    """Nothing of it runs, makes an element or an attribute, or is hidden, whichever way it gets into the page."""
    shown = watch(url).page
    shown.goto(url)
    assert shown.locator("main img, main textarea, main b[onmouseover]").count() == 0
    source.kept = hostile()
    expect(shown.locator(".row-link").first).to_have_text(HOSTILE_ID)
    _assert_harmless(shown)
    shown.locator(".row-link").first.click()
    expect(shown.locator("h1")).to_have_text(HOSTILE_ID)
    assert shown.url == f"{url}swarms/{quote(HOSTILE_ID, safe='')}"
    _assert_harmless(shown)
    expect(shown.locator(".logs .text")).to_contain_text("<script>window.harmed=1</script>")
    expect(shown.locator(".logs .text")).to_contain_text("\\x1b[31m\\x00\\u202e")
    shown.locator("summary", has_text="The whole contract").click()
    expect(shown.locator(".contract")).to_contain_text("{{ 7*7 }}")
    shown.goto(f"{url}?q={quote(HOSTILE_ID)}&state={quote(HOSTILE_ID)}")
    assert shown.locator("#filter").input_value() == HOSTILE_ID
    _assert_harmless(shown)


def _assert_harmless(shown: Page) -> None:
    handlers = """[...document.querySelectorAll("*")].filter((element) =>
        [...element.attributes].some(({name}) => name.startsWith("on") || name === "style" && !element.closest(".plot"))
        || element.href?.startsWith?.("javascript:")).map((element) => element.outerHTML)"""
    assert shown.evaluate(handlers) == []
    assert shown.locator("main img, main iframe, main textarea, main script").count() == 0
    assert shown.evaluate("window.harmed") is None


def test_the_login_opens_the_page_that_was_asked_for(watch: Callable[..., Watched]) -> None:
    """The form takes the token, refuses another, and the page polls on with the cookie."""
    token = "a-token-for-this-browser"  # noqa: S105 - of this test
    with DashboardServer(KeptSource(board(page())), host="127.0.0.1", port=0, token=token) as server:
        watched = watch(server.url.removesuffix("dashboard/"))
        shown = watched.page
        shown.goto(f"{server.url}swarms/analyzer")
        shown.locator("#token").fill("another-token-altogether")
        shown.get_by_role("button", name="Sign in").click()
        expect(shown.locator("#failed")).to_be_visible()
        shown.locator("#token").fill(token)
        shown.keyboard.press("Enter")
        expect(shown.locator("h1")).to_have_text("analyzer")
        _ask_now(shown)
        expect(shown.locator("#freshness")).to_contain_text("live, as of")
        watched.forgive("401")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report with a harmful swarm and a usual one."""
    path = tmp_path / "slo report.html"
    found = hostile()
    write_report(attrs.evolve(found, overview=overview(*found.overview.rows, *ROWS)), path)
    return path


def test_the_report_needs_nobody(report: Path, watch: Callable[..., Watched]) -> None:
    """Opened from a file it asks for nothing, draws its charts, filters, and runs nothing that it was given."""
    watched = watch(report.as_uri())
    shown = watched.page
    shown.goto(report.as_uri())
    assert len(watched.requests) == 1
    assert len(_visible(shown)) == 6
    _assert_harmless(shown)
    expect(shown.locator("figure[data-chart=burn] canvas")).to_have_count(2)
    shown.locator("#filter").fill("idle")
    assert _visible(shown) == ["idle"]
    shown.locator("#filter").fill("")
    shown.locator("#rows").get_by_role("link", name="analyzer").first.click()
    expect(shown.locator('[id="swarm:analyzer:top"] h1')).to_be_in_viewport()
    data = shown.evaluate("JSON.parse(document.getElementById('board-data').textContent)")
    assert data["pages"][HOSTILE_ID]["description"] == hostile().pages[HOSTILE_ID].description


@pytest.mark.requires_tool("axe-core")
def test_the_report_keeps_nobody_out(report: Path, watch: Callable[..., Watched]) -> None:
    """axe-core finds nothing against it."""
    shown = watch(report.as_uri()).page
    shown.goto(report.as_uri())
    _assert_open_to_all(shown)
