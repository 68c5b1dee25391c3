"""One swarm: its page, a section at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static

from infrafabric.errors import escape
from infrafabric.top import figures
from infrafabric.top.columns import Cell
from infrafabric.top.painting import paint, styled
from infrafabric.top.sections import SECTIONS, section
from infrafabric.top.states import look

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.content import Content
    from textual.events import Click

    from infrafabric.top.feed import Seen


class SectionBar(Static):
    """The names of the sections with their keys; a click chooses one."""

    def __init__(self) -> None:
        super().__init__(id="sections")
        self._current = 0

    def choose(self, number: int) -> None:
        """Mark a section as the one that is shown."""
        self._current = number
        self.refresh(layout=True)

    def render(self) -> Content:
        """One line; the section that is shown is reversed."""
        cells = (styled(label) for label in self._labels())
        return styled("").join(
            cell.stylize("reverse") if number == self._current else cell for number, cell in enumerate(cells)
        )

    @staticmethod
    def _labels() -> list[str]:
        return [f" {number} {name} " for number, (name, _) in enumerate(SECTIONS, 1)]

    def on_click(self, event: Click) -> None:
        """Choose the section that was clicked on."""
        left = 0
        for number, label in enumerate(self._labels()):
            if left <= event.x < left + len(label) and isinstance(self.screen, SwarmScreen):
                self.screen.action_choose(number)
            left += len(label)


class SwarmScreen(Screen[None]):
    """The page of one swarm, kept up to date."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "app.back", "back"),
        Binding("left,h,shift+tab", "turn(-1)", "section", show=False),
        Binding("right,l,tab", "turn(1)", "next section", key_display="←→"),
        Binding("down,j", "scroll(1)", "scroll", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,space", "scroll_page(1)", show=False),
        Binding("pageup", "scroll_page(-1)", show=False),
        Binding("home,g", "scroll_to(0)", show=False),
        Binding("end,G", "scroll_to(1)", show=False),
        *(Binding(str(number), f"choose({number - 1})", show=False) for number in range(1, len(SECTIONS) + 1)),
        Binding("r", "app.refresh_now", "refresh", show=False),
        Binding("question_mark", "app.help", "help", key_display="?"),
        Binding("q", "app.quit", "quit"),
    ]

    def __init__(self, swarm_id: str) -> None:
        super().__init__()
        self.swarm_id = swarm_id
        self._number = 0
        self._seen: Seen | None = None
        # Held, not looked up: the last look may come when the screen is being taken down.
        self._title = Static(id="title")
        self._status = Static(id="status")
        self._bar = SectionBar()
        self._section = Static(id="section")
        self._page = VerticalScroll(self._section, id="page", can_focus=False)

    def compose(self) -> ComposeResult:
        """Title, state of the view, sections, the section, keys."""
        yield from (self._title, self._status, self._bar, self._page)
        yield Footer(show_command_palette=False)

    def show(self, seen: Seen, status: Content) -> None:
        """Show the latest look."""
        self._seen = seen
        self._status.update(status)
        self._draw()

    def on_resize(self) -> None:
        """Charts are as wide as the terminal."""
        self._draw()

    def _draw(self) -> None:
        page = self._seen.page if self._seen is not None and self._seen.page_of == self.swarm_id else None
        title, body = self._title, self._section
        name = escape(self.swarm_id, 100)
        if page is None:
            title.update(styled(f"swarm {name}", "head"))
            gone = self._seen is not None and self._seen.page_of == self.swarm_id
            body.update(styled(f"{name} is not loaded (any more)." if gone else f"Asking for {name} ...", "quiet"))
            return
        seen = look(page.state)
        title.update(
            paint(
                [
                    Cell(f"{seen.symbol} {escape(seen.word, 20)}", seen.style),
                    Cell(f"  swarm {name}", "head"),
                    Cell(f"  {escape(page.version, 40)}  up {figures.span(page.uptime_seconds)}"),
                    Cell(f"  {figures.rate(page.tasks_per_second)} tasks/s"),
                ]
            )
        )
        room = self._page.size.width - 2  # the scroll bar may come and go
        body.update(section(self._number, page, room))

    # --- keys ----------------------------------------------------------------------------------------

    def action_choose(self, number: int) -> None:
        """Show a section, from its beginning."""
        self._number = number % len(SECTIONS)
        self._bar.choose(self._number)
        self._page.scroll_home(animate=False)
        self._draw()

    def action_turn(self, by: int) -> None:
        """Show the next section, or the one before."""
        self.action_choose(self._number + by)

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self._page.scroll_relative(y=lines, animate=False)

    def action_scroll_page(self, pages: int) -> None:
        """Scroll by what is in sight."""
        self._page.scroll_relative(y=pages * max(1, self._page.size.height - 1), animate=False)

    def action_scroll_to(self, end: int) -> None:
        """Scroll to the beginning (0) or the end (1)."""
        if end:
            self._page.scroll_end(animate=False)
        else:
            self._page.scroll_home(animate=False)
