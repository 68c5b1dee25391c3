"""The overview as plain text, and what it does not need."""

from __future__ import annotations

import subprocess
import sys

from infrafabric.top import snapshot_text
from tests.top.boards import healthy_to_worst, overview, row


def test_is_a_table_of_text_with_the_worst_first() -> None:
    """A headline, the titles and a line for each objective; nothing in it is a colour."""
    text = snapshot_text(overview(*healthy_to_worst()), "http://127.0.0.1:8080")
    lines = text.splitlines()
    assert "up 2m5s, 8 swarms, 28 tasks/s, 1 exhausted, 1 firing" in lines[0]
    assert lines[0].endswith("from http://127.0.0.1:8080")
    titles = "state swarm objective kept of left burn gone in /s p50 p95 p99"
    assert lines[2].split() == titles.split()
    assert lines[3].split()[:4] == ["✖", "exhausted", "swarm-0", "availability"]
    assert len(lines) == 3 + 8
    assert "\x1b" not in text
    assert max(map(len, lines[1:])) <= 132


def test_hostile_names_are_text() -> None:
    """Control characters of a name are escaped."""
    text = snapshot_text(overview(row("a\x1b[2Jb\nc")), "s\x07")
    assert "a\\x1b[2Jb\\nc" in text
    assert "s\\x07" in text
    assert text.count("\n") == 3


def test_an_empty_board_says_so() -> None:
    """Nothing loaded is told in words."""
    assert snapshot_text(overview(), "x").endswith("no swarm is loaded")


def test_needs_no_textual() -> None:
    """The table can be made where Textual cannot be imported."""
    code = "import sys; sys.modules['textual'] = None; from infrafabric.top import snapshot_text; print('made')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "made\n"
