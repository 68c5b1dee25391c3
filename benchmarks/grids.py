"""A grid of figures: what is turned on in its lines, for whom in its columns, and why in a note."""

from __future__ import annotations

from typing import Any

import attrs


@attrs.frozen
class Line:
    """One line: its name, a figure for each column (None: it could not be taken), and what is to be said of it."""

    name: str
    values: tuple[float | None, ...]
    note: str = ""


@attrs.frozen(kw_only=True)
class Grid:
    """Lines of figures under the same columns, all in ``unit``."""

    what: str
    unit: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return attrs.asdict(self)
