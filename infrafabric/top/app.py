"""`TopApp`: holds the screens, and hands every look at the source to the one in front."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message

from infrafabric.top.feed import Feed, Seen
from infrafabric.top.overview_screen import OverviewScreen
from infrafabric.top.status import status_line
from infrafabric.top.swarm_screen import SwarmScreen

if TYPE_CHECKING:
    from infrafabric.board.sources import BoardSource
    from infrafabric.top.row_list import RowList

#: How often the age of what is shown is told again.
_TICK_SECONDS: Final = 1.0


class TopApp(App[None]):
    """The overview of a board in the terminal, live."""

    TITLE = "infrafabric top"
    ENABLE_COMMAND_PALETTE = False
    # The terminal's own colours and background, whether light or dark.
    CSS: ClassVar[str] = """
    Screen { background: ansi_default; color: ansi_default; layout: vertical; }
    #title, #status, #head, #sections { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #head { text-style: underline; }
    #sections { margin-bottom: 1; }
    #rows { height: 1fr; scrollbar-size-vertical: 1; }
    #sentence { height: auto; max-height: 3; min-height: 2; border-top: solid ansi_bright_black; height: 4; }
    #filter { height: 1; }
    #page { height: 1fr; scrollbar-size-vertical: 1; }
    #section { height: auto; text-wrap: nowrap; text-overflow: clip; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "quit", "quit", show=False, priority=True)]

    class Looked(Message):
        """The source was asked; comes from the feed's thread."""

        def __init__(self, seen: Seen) -> None:
            super().__init__()
            self.seen = seen

    def __init__(self, source: BoardSource, *, interval_seconds: float = 2.0) -> None:
        super().__init__(ansi_color=True)
        self.theme = "ansi-dark"
        self._source = source
        self._interval_seconds = interval_seconds
        self._feed = Feed(source, interval_seconds=interval_seconds, deliver=self._deliver)
        self._seen = Seen()

    def _deliver(self, seen: Seen) -> None:
        self.post_message(self.Looked(seen))

    async def on_mount(self) -> None:
        """Begin to look."""
        await self.push_screen(OverviewScreen())
        self._feed.start()
        self.set_interval(_TICK_SECONDS, self._show)

    def on_unmount(self) -> None:
        """Look no more."""
        self._feed.stop()

    def on_top_app_looked(self, message: TopApp.Looked) -> None:
        """Keep what was seen, and show it."""
        self._seen = message.seen
        self._show()

    def _show(self) -> None:
        status = status_line(
            self._seen, self._source.name, time.time(), self._interval_seconds, is_live=self._source.is_live
        )
        if isinstance(screen := self._front, OverviewScreen | SwarmScreen):
            screen.show(self._seen, status)

    @property
    def _front(self) -> object:
        """The screen in front; None when the view is being taken down and the last look comes too late."""
        return self.screen_stack[-1] if self.screen_stack else None

    # --- between screens -----------------------------------------------------------------------------

    async def on_row_list_opened(self, message: RowList.Opened) -> None:
        """Show the page of a swarm."""
        await self.push_screen(SwarmScreen(message.swarm_id))
        self._follow()

    def _follow(self) -> None:
        """Ask for what the screen in front shows, and show it what is known."""
        screen = self._front
        self._feed.follow(screen.swarm_id if isinstance(screen, SwarmScreen) else None)
        self._show()

    async def action_back(self) -> None:
        """Leave a screen for the one behind it; Textual's own, empty one is the first."""
        if len(self.screen_stack) > 2:
            await self.pop_screen()
            self._follow()

    def action_refresh_now(self) -> None:
        """Ask the source now."""
        self._feed.refresh()

    async def action_help(self) -> None:
        """Show what the keys do."""
        from infrafabric.top.help_screen import HelpScreen  # noqa: PLC0415 - most never ask

        await self.push_screen(HelpScreen())
