"""`run_top` shows a board in a terminal, live; `snapshot_text` once, as plain text.

Textual is imported only where a terminal is drawn on: the snapshot in a pipe needs no extra.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from infrafabric.errors import InfraFabricError
from infrafabric.top.snapshot import snapshot_text

if TYPE_CHECKING:
    from infrafabric.board.sources import BoardSource

__all__ = ["TopUnavailableError", "run_top", "snapshot_text"]


class TopUnavailableError(InfraFabricError, RuntimeError):
    """The terminal view needs a library that is not installed."""

    code: ClassVar[str] = "top_unavailable"
    exit_code: ClassVar[int] = 2


def run_top(source: BoardSource, *, interval_seconds: float = 2.0) -> None:
    """Show ``source`` until somebody quits. Raises `TopUnavailableError` where Textual is not installed."""
    try:
        from infrafabric.top.app import TopApp  # noqa: PLC0415 - as the docstring says
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "textual":
            raise
        raise TopUnavailableError(
            "textual is not installed; install with: pip install 'infrafabric[tui]', or print once with -o table"
        ) from None
    TopApp(source, interval_seconds=interval_seconds).run()
