"""The report as a file: whole, by itself, and with a policy that allows only what it brought."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING

from infrafabric.board.plain import to_dict
from infrafabric.dashboard.report import render_report, write_report
from tests.dashboard.boards import board, hostile, page

if TYPE_CHECKING:
    from pathlib import Path

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def _digests(parts: list[str]) -> set[str]:
    return {f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'" for part in parts}


def test_the_policy_allows_exactly_what_is_in_it() -> None:
    """The digests are those of its scripts and styles, and nothing can be loaded."""
    text = render_report(hostile())
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert found is not None
    policy = dict(part.strip().split(" ", 1) for part in found[1].replace("&#39;", "'").split(";"))
    assert set(policy["script-src"].split()) == _digests(_SCRIPT.findall(text))
    assert set(policy["style-src"].split()) == _digests(_STYLE.findall(text))
    assert (policy["default-src"], policy["form-action"]) == ("'none'", "'none'")
    assert len(_SCRIPT.findall(text)) == 2
    assert not re.findall(r"<link|src=\"(?!data:)|@import", _SCRIPT.sub("", text))


def test_its_data_is_the_board() -> None:
    """A program reads it back whatever it holds; no text in it can end the element."""
    text = render_report(hostile())
    found = re.search(r'<script type="application/json" id="board-data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    assert "<" not in found[1]
    assert json.loads(found[1]) == to_dict(hostile())


def test_it_is_written(tmp_path: Path) -> None:
    """As UTF-8, also over what was there."""
    path = tmp_path / "slo.html"
    path.write_text("old" * 1_000_000)
    write_report(board(page()), path)
    assert path.read_text(encoding="utf-8") == render_report(board(page()))


def test_a_lone_surrogate_does_not_stop_it(tmp_path: Path) -> None:
    """JSON can carry what UTF-8 cannot; it is shown as an escape."""
    path = tmp_path / "slo.html"
    write_report(board(page(description="half \ud83d of a pair")), path)
    assert "half \\ud83d of a pair" in path.read_text(encoding="utf-8")
