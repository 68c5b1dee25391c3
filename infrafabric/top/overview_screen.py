"""Every objective of every swarm, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from infrafabric.errors import escape
from infrafabric.top.columns import ORDERS, Cell, look_of, matching, ordered, subject
from infrafabric.top.painting import paint, styled
from infrafabric.top.row_list import RowList
from infrafabric.top.snapshot import headline

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.content import Content

    from infrafabric.top.feed import Seen

_FILTER_MAX = 200


class OverviewScreen(Screen[None]):
    """The list, what the row under the cursor means, and a filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", key_display="/"),
        Binding("s", "sort", "sort"),
        Binding("escape", "clear_filter", "all", show=False),
        Binding("r", "app.refresh_now", "refresh", show=False),
        Binding("question_mark", "app.help", "help", key_display="?"),
        Binding("q", "app.quit", "quit"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._seen: Seen | None = None
        self._freshness = styled("")
        # Held, not looked up: the last look may come when the screen is being taken down.
        self._title = Static(id="title")
        self._status = Static(id="status")
        self._head = Static(id="head")
        self._table = RowList()
        self._sentence = Static(id="sentence")
        self._filter = Input(
            placeholder="words of a swarm, objective or state; Esc shows all",
            id="filter",
            compact=True,
            max_length=_FILTER_MAX,
        )
        self._order = 0

    def compose(self) -> ComposeResult:
        """Headline, state of the view, titles, rows, a sentence, filter, keys."""
        yield from (self._title, self._status, self._head, self._table, self._sentence, self._filter)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Keys go to the list."""
        self._filter.display = False
        self._table.focus()

    def show(self, seen: Seen, status: Content) -> None:
        """Show the latest look."""
        self._seen = seen
        self._freshness = status
        self._draw()

    def on_resize(self) -> None:
        """Other columns may have room."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        overview = self._seen.overview if self._seen is not None else None
        if overview is None:
            self._status.update(self._freshness)
            return
        rows = ordered(matching(overview.rows, self._filter.value), self._order)
        self._table.show(rows)
        shown = f", {len(rows):,} of {len(overview.rows):,} shown" if len(rows) < len(overview.rows) else ""
        self._title.update(styled(headline(overview), "head"))
        self._status.update(self._freshness + styled(f"  {ORDERS[self._order][0]}{shown}", "quiet"))
        self._head.update(paint([self._table.table.head()]))

    @on(RowList.Moved)
    def _explain(self) -> None:
        row = self._table.current
        if row is None:
            nothing = self._seen is not None and self._seen.overview is not None
            words = "Nothing matches the filter; Esc shows all." if self._filter_is_on else "No swarm is loaded."
            self._sentence.update(styled(words if nothing else "", "quiet"))
            return
        seen = look_of(row)
        self._sentence.update(
            paint([Cell(f"{seen.symbol} {subject(row)} ", seen.style), Cell(escape(row.sentence, 600))])
        )

    # --- the filter and the order --------------------------------------------------------------------

    @property
    def _filter_is_on(self) -> bool:
        return bool(self._filter.value.strip())

    def action_filter(self) -> None:
        """Show the filter and type into it."""
        self._filter.display = True
        self._filter.focus()

    def action_clear_filter(self) -> None:
        """Show every row again."""
        self._filter.value = ""
        self._filter.display = False
        self._table.focus()
        self._draw()

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self._draw()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self._filter.display = self._filter_is_on
        self._table.focus()

    def action_sort(self) -> None:
        """Take the next order."""
        self._order = (self._order + 1) % len(ORDERS)
        self._draw()
