"""What the keys do, and what the symbols and columns mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from infrafabric.top.columns import Cell, fit
from infrafabric.top.painting import paint, styled
from infrafabric.top.states import legend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import ComposeResult

_KEYS: Final = (
    ("↑ ↓  PgUp PgDn", "move, scroll; also j k"),
    ("Enter", "open the swarm under the cursor"),
    ("← →  1 to 7", "on a swarm: the sections of its page"),
    ("Esc", "back; in the list: show every row"),
    ("/", "filter: words of a swarm, task, objective, version or state"),
    ("s", "sort: worst, swarm, budget, burn, tasks/s, p95"),
    ("r", "look again now"),
    ("?  q", "this help; quit"),
)

_COLUMNS: Final = (
    ("kept, of", "good events over the period, and the share promised"),
    ("left", "what remains of the error budget; below zero it is overspent"),
    ("burn", "how many times faster than allowed it burns now"),
    ("gone in", "when the budget is used up, if it goes on so"),
    ("/s", "tasks per second, over the last minute"),
    ("p50 p95 p99", "latency of successful tasks, last hour (if there is room)"),
    ("last hour", "tasks per second by minute (if there is room)"),
)


class HelpScreen(Screen[None]):
    """One page of help; any of its keys leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter,backspace", "app.back", "back"),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Keys, columns, states."""
        with VerticalScroll(id="page", can_focus=False):
            yield Static(Content("\n").join(_lines()))

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#page", VerticalScroll).scroll_relative(y=lines, animate=False)


def _lines() -> Iterator[Content]:
    yield styled("infrafabric top: keys (Esc goes back)", "head")
    yield from (paint([Cell(f"  {fit(key, 16)}"), Cell(what, "quiet")]) for key, what in _KEYS)
    yield styled("columns", "head")
    yield from (paint([Cell(f"  {fit(title, 16)}"), Cell(what, "quiet")]) for title, what in _COLUMNS)
    yield styled("states, the worst first", "head")
    for seen, name in legend():
        called = "" if name == seen.word else f"called {name} in the reference"
        yield paint([Cell(f"  {seen.symbol} {fit(seen.word, 14)}", seen.style), Cell(called, "quiet")])
