"""The list of objectives: draws the lines in sight only, so that ten thousand rows cost what twenty do.

Textual's DataTable was rejected: it measures every cell of every row at each update, and takes text for markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import RenderOptions

from infrafabric.top.columns import Layout, RowKey, key_of, layout
from infrafabric.top.painting import paint, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.events import Click, Resize

    from infrafabric.board.records import OverviewRow


class RowList(ScrollView, can_focus=True):
    """Rows with a cursor that stays on its objective when the order changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "move_page(-1)", "page up", show=False),
        Binding("pagedown", "move_page(1)", "page down", show=False),
        Binding("home,g", "move_to(0)", "first", show=False),
        Binding("end,G", "move_to(-1)", "last", show=False),
        Binding("enter", "open", "open"),
    ]

    cursor: reactive[int] = reactive(0)

    class Moved(Message):
        """The cursor is on another row, or its row has changed."""

    class Opened(Message):
        """Somebody wants to see the swarm of a row."""

        def __init__(self, swarm_id: str) -> None:
            super().__init__()
            self.swarm_id = swarm_id

    def __init__(self) -> None:
        super().__init__(id="rows")
        self._rows: tuple[OverviewRow, ...] = ()
        self._layout: Layout = layout(80)
        self._key: RowKey | None = None

    @property
    def table(self) -> Layout:
        """The columns that are shown."""
        return self._layout

    @property
    def current(self) -> OverviewRow | None:
        """The row under the cursor; None when there is none."""
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    def show(self, rows: Sequence[OverviewRow]) -> None:
        """Show these rows; the cursor stays on its objective, or in its place when that is gone."""
        self._rows = tuple(rows)
        places = {key_of(row): place for place, row in enumerate(self._rows)}
        place = places.get(self._key, self.cursor) if self._key is not None else 0
        self._measure()
        self.set_reactive(RowList.cursor, max(0, min(place, len(self._rows) - 1)))
        self._settle()

    def on_resize(self, _event: Resize) -> None:
        """Other columns may have room now."""
        self._measure()
        self.refresh()

    def _measure(self) -> None:
        width = self.scrollable_content_region.width or self.size.width or 80
        self._layout = layout(width)
        self.virtual_size = Size(width, len(self._rows))

    def watch_cursor(self) -> None:
        """Keep the cursor in sight."""
        self._settle()

    def _settle(self) -> None:
        row = self.current
        self._key = key_of(row) if row is not None else None
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False)
        self.refresh()
        self.post_message(self.Moved())

    def render_line(self, y: int) -> Strip:
        """One line of what is in sight."""
        width, place = self.size.width, y + self.scroll_offset.y
        if place >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        line = paint(self._layout.line(self._rows[place]))
        if place == self.cursor:
            # Reversed, not coloured: it can be seen on any background, and without colours.
            line = styled(line.plain.ljust(width)).stylize("reverse")
        options = RenderOptions(self._get_style, {})
        strips = line.render_strips(width, 1, self.visual_style, options)
        return strips[0].adjust_cell_length(width, self.rich_style) if strips else Strip.blank(width, self.rich_style)

    # --- keys and mouse ------------------------------------------------------------------------------

    def action_move(self, rows: int) -> None:
        """Move the cursor by so many rows."""
        self.cursor = max(0, min(self.cursor + rows, len(self._rows) - 1))

    def action_move_page(self, pages: int) -> None:
        """Move the cursor by what is in sight."""
        self.action_move(pages * max(1, self.size.height - 1))

    def action_move_to(self, place: int) -> None:
        """Move the cursor to the first row, or to the last (-1)."""
        self.cursor = max(0, len(self._rows) - 1 if place < 0 else place)

    def action_open(self) -> None:
        """Ask for the page of the swarm under the cursor."""
        if (row := self.current) is not None:
            self.post_message(self.Opened(row.swarm_id))

    def on_click(self, event: Click) -> None:
        """A click moves the cursor, a second one opens."""
        place = event.y + self.scroll_offset.y
        if place < len(self._rows):
            self.cursor = place
            if event.chain > 1:
                self.action_open()
