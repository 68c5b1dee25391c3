"""Where a board comes from: a chassis of this process, a file, or a running server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from infrafabric.board import files
from infrafabric.board.server import ServerSource
from infrafabric.errors import escape

if TYPE_CHECKING:
    import os

    from infrafabric.board.records import Board, Overview, SwarmPage
    from infrafabric.chassis import IFChassis

__all__ = ["BoardSource", "FileSource", "LiveSource", "ServerSource", "open_source"]


class BoardSource(Protocol):
    """What a view asks. Any thread may; `BoardError` when it cannot answer now."""

    @property
    def name(self) -> str:
        """Where the board comes from, for people: "this process", a file's name, a server's address."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether asking again can give another answer."""
        ...

    def overview(self) -> Overview:
        """Every objective, worst first."""
        ...

    def swarm(self, swarm_id: str) -> SwarmPage | None:
        """All there is of one swarm; None when it is not loaded."""
        ...

    def board(self) -> Board:
        """Everything, to be kept."""
        ...


class LiveSource:
    """The board of a chassis of this process. The chassis may come and go; the source does not close it."""

    name = "this process"
    is_live = True

    def __init__(self, chassis: IFChassis) -> None:
        from infrafabric.board import take  # noqa: PLC0415 - files and servers need no engine

        self._chassis = chassis
        self._take = take

    def overview(self) -> Overview:
        """Every objective, worst first."""
        return self._take.overview_of(self._chassis)

    def swarm(self, swarm_id: str) -> SwarmPage | None:
        """All there is of one swarm; None when it is not loaded."""
        return self._take.page_of(self._chassis, swarm_id)

    def board(self) -> Board:
        """Everything, to be kept."""
        return self._take.board_of(self._chassis)


class FileSource:
    """The board in a file, read once when it is opened. `BoardError` when it cannot be."""

    is_live = False

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = escape(Path(path).name, 200)
        self._board = files.read(path)

    def overview(self) -> Overview:
        """Every objective, worst first."""
        return self._board.overview

    def swarm(self, swarm_id: str) -> SwarmPage | None:
        """All there is of one swarm; None when the file has none of that id."""
        return self._board.pages.get(swarm_id)

    def board(self) -> Board:
        """Everything."""
        return self._board


def open_source(text: str, token: str | None = None) -> BoardSource:
    """The source that a person names: a server by its address (``http://`` or ``https://``), else a file by its path.

    ``token`` is sent to a server only. `BoardError` when there is no board there.
    """
    if text.lower().startswith(("http://", "https://")):
        return ServerSource(text, token)
    return FileSource(text)
