"""Runs the terminal view against a source and reads what stands on its screen, as text."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from infrafabric.top.app import TopApp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.pilot import Pilot

    from infrafabric.board.sources import BoardSource

#: How long a condition may take to come true: the machine may be busy with other tests.
WAIT_SECONDS = 20.0


class Terminal:
    """A terminal with the view in it."""

    def __init__(self, app: TopApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def lines(self) -> list[str]:
        """The lines of the screen, without what is blank at their ends."""
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips()
        return [strip.text[:width].rstrip() for strip in strips[:height]]

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.lines)

    async def press(self, *keys: str) -> None:
        """Press keys, and wait for what they do."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def send(self, *keys: str) -> None:
        """Press keys, and wait for nothing: where other threads work, Textual waits a second for each to go idle."""
        for key in keys:
            self.app.simulate_key(key)

    async def until(self, condition: Callable[[], Any], what: str = "") -> None:
        """Wait until ``condition`` holds; fail with the screen when it never does."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"never came true: {what or condition}\n{self.text}"
            await self.pilot.pause(0.02)

    async def shows(self, *texts: str) -> None:
        """Wait until every text stands on the screen."""
        await self.until(lambda: all(text in self.text for text in texts), f"shows {texts}")

    async def hides(self, *texts: str) -> None:
        """Wait until no text of these stands on the screen."""
        await self.until(lambda: not any(text in self.text for text in texts), f"hides {texts}")


def watch(
    source: BoardSource,
    script: Callable[[Terminal], Awaitable[None]],
    *,
    size: tuple[int, int] = (80, 24),
    interval_seconds: float = 0.05,
) -> None:
    """Show ``source`` in a terminal of ``size`` and do what ``script`` says."""

    async def run() -> None:
        app = TopApp(source, interval_seconds=interval_seconds)
        async with app.run_test(size=size) as pilot:
            await script(Terminal(app, pilot))

    asyncio.run(run())
