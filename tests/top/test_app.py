"""The view in a terminal: what it shows, what its keys do, and how it bears a source that fails."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from infrafabric.errors import BoardError
from tests.top.boards import HandMadeSource, evolve, healthy_to_worst, page, row
from tests.top.screens import Terminal, watch

if TYPE_CHECKING:
    from infrafabric.board.records import Overview

HOSTILE = "[red]x[/] \x1b[31m\x07\u202e{} [@click=app.quit]y[/]"


def test_shows_every_objective_in_eighty_columns() -> None:
    """Each row has state, swarm, objective and its numbers, in the order of the board, and fits 80 cells."""
    source = HandMadeSource(healthy_to_worst())

    async def script(terminal: Terminal) -> None:
        await terminal.shows("swarm-7")
        lines = terminal.lines
        assert len(lines) == 24
        assert lines[2] == "state          swarm            objective       kept   left   burn gone in    /s"
        assert lines[3] == "✖ exhausted    swarm-0          availability  99.95%   -50%   0.4x    gone     0"
        assert lines[4] == "▲ firing       swarm-1          availability  99.95%    10%   0.4x    2h5m     1"
        assert lines[9] == "· no data      swarm-6          availability       -    60%   0.4x    2h5m     6"
        assert "1 exhausted, 1 firing" in lines[0]
        assert lines[1].startswith("by hand  live, every 0.05 s  worst first")
        assert "q quit" in lines[-1]

    watch(source, script)


def test_wider_terminals_show_more() -> None:
    """Percentiles and the chart of the last hour appear when the terminal grows, and go when it shrinks."""
    source = HandMadeSource(healthy_to_worst())

    async def script(terminal: Terminal) -> None:
        await terminal.shows("swarm-7")
        assert "p95" not in terminal.text
        await terminal.pilot.resize_terminal(140, 30)
        await terminal.shows("p50", "p95", "p99", "last hour", "▄▆█▆▅▇█▄▆█▆▅", "34ms")
        await terminal.pilot.resize_terminal(40, 10)
        await terminal.hides("p95")
        assert "exhausted" in terminal.text
        await terminal.pilot.resize_terminal(80, 24)
        await terminal.shows("gone in")

    watch(source, script)


def test_new_numbers_appear_and_the_cursor_stays_on_its_objective() -> None:
    """The source is asked again by itself; the cursor follows its row to another place."""
    calm, wild = row("calm"), row("wild")
    source = HandMadeSource([calm, wild])

    async def script(terminal: Terminal) -> None:
        await terminal.shows("calm", "wild")
        await terminal.press("down")
        await terminal.shows("● wild")
        source.rows = (evolve(wild, state="exhausted", sentence="It is gone."), calm)
        await terminal.shows("✖ wild It is gone.")
        assert terminal.lines[3].startswith("✖ exhausted    wild")

    watch(source, script)


def test_filter_keeps_matching_rows() -> None:
    """Slash takes words, all of which have to match; Enter keeps the filter, Escape drops it."""
    source = HandMadeSource(healthy_to_worst())

    async def script(terminal: Terminal) -> None:
        await terminal.shows("swarm-0")
        await terminal.press("slash", *"firing avail")
        await terminal.shows("1 of 8 shown", "swarm-1")
        await terminal.hides("swarm-0")
        await terminal.press("enter")
        await terminal.press("down", "s")
        await terminal.shows("firing avail", "by swarm")
        await terminal.press("slash", *"zzz", "enter")
        await terminal.shows("Nothing matches the filter")
        await terminal.press("escape")
        await terminal.shows("swarm-0", "swarm-7")

    watch(source, script)


def test_letters_in_the_filter_are_no_commands() -> None:
    """Typing q or s into the filter neither quits nor sorts."""
    source = HandMadeSource([row("squid"), row("other")])

    async def script(terminal: Terminal) -> None:
        await terminal.shows("squid")
        await terminal.press("slash", *"sq")
        await terminal.shows("1 of 2 shown")
        assert terminal.app.is_running
        assert "worst first" in terminal.text

    watch(source, script)


def test_sort_goes_through_the_orders() -> None:
    """S takes the next order, and the first again after the last."""
    source = HandMadeSource([row("b", tasks_per_second=1.0), row("a", tasks_per_second=9.0)])

    async def script(terminal: Terminal) -> None:
        await terminal.shows("worst first")
        assert " b " in terminal.lines[3]
        await terminal.press("s")
        await terminal.shows("by swarm")
        assert " a " in terminal.lines[3]
        for order in ("least budget first", "fastest burn first", "busiest first", "slowest first", "worst first"):
            await terminal.press("s")
            await terminal.shows(order)

    watch(source, script)


def test_enter_opens_the_swarm_and_escape_goes_back() -> None:
    """The page of the swarm under the cursor comes up, kept up to date, and Escape leads back."""
    source = HandMadeSource([row("analyzer")], [page("analyzer")])

    async def script(terminal: Terminal) -> None:
        await terminal.shows("analyzer")
        await terminal.press("enter")
        await terminal.shows("▲ firing  swarm analyzer  1.2.0", "throttled by its budget policy", "12.3 tasks/s")
        source.pages["analyzer"] = page("analyzer", tasks_per_second=77.0)
        await terminal.shows("77 tasks/s")
        await terminal.press("escape")
        await terminal.shows("worst first")

    watch(source, script)


@pytest.mark.parametrize(
    ("key", "texts"),
    [
        ("1", ["trap", "1.5%", "up to  100ms           70", "target 100ms", "who has to act"]),
        ("2", ["98 of 100 tasks succeeded.", "budget left", "-18%", "19.7x of 6x page", "⠤"]),
        ("3", ["max_memory_mb", "75%  48 MiB of 64 MiB (peak of one task)", "hit 5 times", "no limit"]),
        ("4", ["page_6h", "fires above 6x", "It burns 19 times faster than allowed over 30 s."]),
        ("5", ["analyze_code  after 4ms  blame: guest", "it divided by zero", "trace " + "ef" * 16]),
        ("6", ["warning", "a line of the guest's log"]),
        ("7", ["analyze_code", "bytes -> bytes", "buffer", "  period: 1h"]),
    ],
    ids=["summary", "objectives", "limits", "alerts", "failures", "log", "contract"],
)
def test_each_section_shows_its_part(key: str, texts: list[str]) -> None:
    """The number of a section shows it."""
    source = HandMadeSource([row("analyzer")], [page("analyzer")])

    async def script(terminal: Terminal) -> None:
        await terminal.shows("analyzer")
        await terminal.press("enter", key)
        await terminal.shows(*texts)

    watch(source, script, size=(100, 50))


def test_sections_turn_and_scroll() -> None:
    """Right and left turn through the sections in a circle; what is longer than the screen scrolls."""
    source = HandMadeSource(
        [row("analyzer")], [page("analyzer", contract_text="\n".join(f"line {n}" for n in range(99)))]
    )

    async def script(terminal: Terminal) -> None:
        await terminal.shows("analyzer")
        await terminal.press("enter", "left")
        await terminal.shows("line 0")
        await terminal.press("end")
        await terminal.shows("line 98")
        await terminal.press("home")
        await terminal.shows("line 0")
        await terminal.press("pagedown")
        await terminal.hides("line 0\n")
        await terminal.press("right")
        await terminal.shows("throttled by its budget policy")

    watch(source, script)


def test_a_swarm_that_is_gone_says_so() -> None:
    """A swarm that is unloaded while its page is open is said to be gone, and is shown again when it is back."""
    source = HandMadeSource([row("analyzer")], [page("analyzer")])

    async def script(terminal: Terminal) -> None:
        await terminal.shows("analyzer")
        await terminal.press("enter")
        await terminal.shows("▲ firing  swarm analyzer")
        gone = source.pages.pop("analyzer")
        await terminal.shows("analyzer is not loaded (any more).")
        source.pages["analyzer"] = gone
        await terminal.shows("▲ firing  swarm analyzer")

    watch(source, script)


def test_a_source_that_goes_away_is_stale_and_recovers() -> None:
    """Its last rows stay, marked with since when and why; they are live again once it answers."""
    source = HandMadeSource([row("analyzer")])

    async def script(terminal: Terminal) -> None:
        await terminal.shows("analyzer", "live")
        source.failure = BoardError("http://there does not answer: connection refused")
        await terminal.shows("STALE since", "http://there does not answer")
        assert "analyzer" in terminal.text
        source.failure = None
        await terminal.hides("STALE")
        assert "live, every" in terminal.text

    watch(source, script, size=(120, 24))


def test_a_source_that_never_answered_is_waited_for() -> None:
    """Without a first answer the view says why, and shows the rows as soon as they come."""
    source = HandMadeSource([row("analyzer")])
    source.failure = RuntimeError("a mistake\nin the [b]source[/b]")

    async def script(terminal: Terminal) -> None:
        await terminal.shows("NO ANSWER", "RuntimeError: a mistake in the [b]source[/b]")
        source.failure = None
        await terminal.shows("analyzer")

    watch(source, script)


def test_a_source_that_hangs_does_not_stop_the_keys() -> None:
    """While a question is under way, keys work, and quitting does not wait for it."""
    hanging, release = threading.Event(), threading.Event()

    class HangingSource(HandMadeSource):
        def overview(self) -> Overview:
            if self.asked:
                hanging.set()
                release.wait(60)
            return super().overview()

    source = HangingSource([row("analyzer"), row("other")])

    async def script(terminal: Terminal) -> None:
        await terminal.shows("analyzer")
        await terminal.until(hanging.is_set)
        await terminal.press("down", "s", "question_mark")
        await terminal.shows("states, the worst first")
        await terminal.press("escape", "q")
        await terminal.until(lambda: not terminal.app.is_running)

    try:
        watch(source, script)
    finally:
        release.set()


def test_hostile_text_is_shown_as_text() -> None:
    """Markup, terminal control and reordering characters in any text of a board stand there, and do nothing."""
    hostile_page = page(
        HOSTILE,
        description=HOSTILE,
        enforcement_reason=HOSTILE,
        capabilities=(HOSTILE,),
        version=HOSTILE,
        outcomes={HOSTILE: 3},
        contract_text=f"a: {HOSTILE}\n",
        state=HOSTILE,
        enforcement=HOSTILE,
    )
    source = HandMadeSource(
        [row(HOSTILE, objective=HOSTILE, sentence=HOSTILE, state=HOSTILE, version=HOSTILE)], [hostile_page]
    )

    async def script(terminal: Terminal) -> None:
        await terminal.shows("[red]x[/] \\x1b[31m\\x07\\u202e{}")
        for key in ("enter", *"1234567"):
            await terminal.press(key)
            await terminal.shows("[red]x[/]")
            assert not any(character in terminal.text for character in "\x1b\x07\u202e")

    watch(source, script, size=(160, 50))


def test_help_explains_keys_and_states() -> None:
    """The question mark shows help, also over a swarm, and Escape returns to where it was asked for."""
    source = HandMadeSource([row("analyzer")], [page("analyzer")])

    async def script(terminal: Terminal) -> None:
        await terminal.shows("analyzer")
        await terminal.press("enter", "question_mark")
        await terminal.shows("columns", "called insufficient_data in the reference")
        await terminal.press("escape")
        await terminal.shows("swarm analyzer")

    watch(source, script, size=(80, 40))


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_quits(key: str) -> None:
    """Q and Ctrl-C end the view, with status 0 and its thread gone."""
    source = HandMadeSource([row("analyzer")])

    async def script(terminal: Terminal) -> None:
        await terminal.shows("analyzer")
        await terminal.press(key)
        await terminal.until(lambda: not terminal.app.is_running)
        assert terminal.app.return_code == 0

    watch(source, script)
    assert not any(thread.name == "infrafabric-top" for thread in threading.enumerate())


def test_nothing_loaded_is_said() -> None:
    """An empty board is no error."""

    async def script(terminal: Terminal) -> None:
        await terminal.shows("No swarm is loaded.", "0 swarms")
        await terminal.press("enter", "down", "end", "s")
        assert terminal.app.is_running

    watch(HandMadeSource(), script)


def test_ten_thousand_rows_stay_quick_to_move_in() -> None:
    """Only what is in sight is drawn; the last row is a key away."""
    source = HandMadeSource([row(f"swarm-{number}") for number in range(10_000)])

    async def script(terminal: Terminal) -> None:
        await terminal.shows("swarm-0 ")
        await terminal.press("end")
        await terminal.shows("swarm-9999")
        await terminal.press("pageup", "home")
        await terminal.shows("swarm-0 ")

    watch(source, script, interval_seconds=5.0)


def test_a_file_is_asked_once_and_again_on_r() -> None:
    """What cannot change is not polled; R looks again."""
    source = HandMadeSource([row("analyzer")], is_live=False)

    async def script(terminal: Terminal) -> None:
        await terminal.shows("analyzer", "a file: nothing will change")
        await terminal.pilot.pause(0.3)
        assert source.asked == 1
        await terminal.press("r")
        await terminal.until(lambda: source.asked == 2)

    watch(source, script)
