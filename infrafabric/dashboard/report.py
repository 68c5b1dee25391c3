"""`write_report`: a board as one HTML file that needs no server, no network and no other file.

The same templates and scripts as the pages, written into the file. Its policy allows exactly these, by digest, so
that the file can be attached to a ticket and opened by anybody.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from infrafabric.board.files import to_text
from infrafabric.dashboard.pages import Place, assets, environment
from infrafabric.dashboard.views import Filter

if TYPE_CHECKING:
    import os

    from infrafabric.board.records import Board

_STYLES: Final = ("vendor/uPlot.min.css", "dashboard.css")
_FIRST_SCRIPT: Final = "theme.js"
_LAST_SCRIPTS: Final = ("vendor/uPlot.iife.min.js", "charts.js", "dashboard.js")
#: What would end the element that the text stands in, or begin a comment there.
_ENDS: Final = re.compile(r"</(?:script|style)|<!--", re.IGNORECASE)
#: Written as an escape of JSON, so that no text can end the element around it.
_UNSAFE: Final = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def write_report(board: Board, path: str | os.PathLike[str]) -> None:
    """Write the report of ``board`` to a file. OSError when it cannot be written."""
    Path(path).write_text(render_report(board), encoding="utf-8", errors="backslashreplace", newline="\n")


def render_report(board: Board) -> str:
    """The report as HTML. Its element ``board-data`` holds the board's JSON."""
    styles = [_inline(name) for name in _STYLES]
    first, last = _inline(_FIRST_SCRIPT), Markup("\n").join(_inline(name) for name in _LAST_SCRIPTS)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_digest(first)} {_digest(last)}",
            f"style-src {' '.join(map(_digest, styles))}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return (
        environment()
        .get_template("report.html")
        .render(
            place=Place(root="", source="report", is_live=False, in_report=True),
            board=board,
            wanted=Filter(),
            policy=policy,
            styles=styles,
            scripts=[first],
            last_script=last,
            data=Markup(to_text(board).decode().translate(_UNSAFE)),  # noqa: S704 - nothing in it can end the element
        )
    )


def _inline(name: str) -> Markup:
    text = assets()[name].content.decode()
    if _ENDS.search(text):
        raise AssertionError(f"{name} cannot be written into a page: it would end its element")
    return Markup(text)  # noqa: S704 - a file of this package


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
