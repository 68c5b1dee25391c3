"""A browser, and pages in it that notice everything which must not happen."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from infrafabric.dashboard.serving import DashboardServer
from tests.dashboard.boards import KeptSource, board, page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

#: Told by the page's own events, so that a policy that stops something is seen even where nothing is written about it.
_WATCH = """
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => window.violations.push(
    `${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


@attrs.define
class Watched:
    """A page, and all that went wrong in it."""

    page: Page
    origin: str
    troubles: list[str] = attrs.field(factory=list)
    requests: list[str] = attrs.field(factory=list)

    def check(self) -> None:
        """Fail if anything was asked of anybody else, stopped by the policy, thrown, or complained about."""
        elsewhere = [url for url in self.requests if not url.startswith(self.origin)]
        assert not elsewhere
        assert not self.page.evaluate("window.violations")
        assert not self.troubles
        assert self.page.evaluate("window.harmed") is None

    def hear(self, kind: str, text: str) -> None:
        """Remember what a browser complains about."""
        if kind in {"error", "warning"}:
            self.troubles.append(text)

    def forgive(self, text: str) -> None:
        """Forget the complaints with ``text`` in them: they were meant to happen."""
        self.troubles = [trouble for trouble in self.troubles if text not in trouble]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium, started once for a module, since its driver keeps an event loop in this thread."""
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415 - most tests need no browser

    expect.set_options(timeout=20_000)  # the machine may be busy with other tests
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def watch(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Make a watched page for an origin; options are those of a browser's context. All are checked at the end."""
    made = []

    def new(origin: str, **options: Any) -> Watched:
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        context.set_default_timeout(20_000)
        context.add_init_script(_WATCH)
        watched = Watched(context.new_page(), origin)
        watched.page.on("request", lambda request: watched.requests.append(request.url))
        watched.page.on("pageerror", lambda error: watched.troubles.append(f"thrown: {error}"))
        watched.page.on("console", lambda message: watched.hear(message.type, message.text))
        made.append(watched)
        return watched

    yield new
    for watched in made:
        if not watched.page.is_closed():
            watched.check()
            watched.page.context.close()


@pytest.fixture
def source() -> KeptSource:
    """A board in the test's hand."""
    return KeptSource(board(page()))


@pytest.fixture
def url(source: KeptSource) -> Iterator[str]:
    """The address of a dashboard over ``source``; it ends with a slash."""
    with DashboardServer(source, host="127.0.0.1", port=0, token=None) as server:
        yield server.url
