"""What an operator sees of a chassis: an `Overview` with a row for each objective, and a `SwarmPage` for each swarm.

Everything that shows a chassis (the web pages, the terminal view, the report, the server's JSON) shows these records
and computes nothing of its own, so they cannot disagree.

Each public name is imported from its home when it is first used: reading a board from a file needs no engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infrafabric.board.files import from_text, read, save, to_text
    from infrafabric.board.plain import from_dict, to_dict
    from infrafabric.board.records import (
        Board,
        BurnSeries,
        FailureLine,
        LatencyBin,
        LimitUse,
        LogLine,
        ObjectivePage,
        Overview,
        OverviewRow,
        Point,
        SwarmPage,
        TaskLine,
    )
    from infrafabric.board.server import ServerSource
    from infrafabric.board.sources import BoardSource, FileSource, LiveSource, open_source
    from infrafabric.board.take import board_of, overview_of, page_of

#: Where each public name lives, below this package.
_HOMES = {
    "Board": "records",
    "BoardSource": "sources",
    "BurnSeries": "records",
    "FailureLine": "records",
    "FileSource": "sources",
    "LatencyBin": "records",
    "LimitUse": "records",
    "LiveSource": "sources",
    "LogLine": "records",
    "ObjectivePage": "records",
    "Overview": "records",
    "OverviewRow": "records",
    "Point": "records",
    "ServerSource": "server",
    "SwarmPage": "records",
    "TaskLine": "records",
    "board_of": "take",
    "from_dict": "plain",
    "from_text": "files",
    "open_source": "sources",
    "overview_of": "take",
    "page_of": "take",
    "read": "files",
    "save": "files",
    "to_dict": "plain",
    "to_text": "files",
}

__all__ = [
    "Board",
    "BoardSource",
    "BurnSeries",
    "FailureLine",
    "FileSource",
    "LatencyBin",
    "LimitUse",
    "LiveSource",
    "LogLine",
    "ObjectivePage",
    "Overview",
    "OverviewRow",
    "Point",
    "ServerSource",
    "SwarmPage",
    "TaskLine",
    "board_of",
    "from_dict",
    "from_text",
    "open_source",
    "overview_of",
    "page_of",
    "read",
    "save",
    "to_dict",
    "to_text",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home, once."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - bare Python has not loaded it

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})
