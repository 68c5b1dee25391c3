"""Two contracts side by side, as `diff` and `breaking` tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.cli.output import print_result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from infrafabric.contract.diff import ContractDiff


@attrs.frozen
class Compared:
    """One comparison and the name it goes by."""

    name: str
    diff: ContractDiff

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {"file": self.name, **self.diff.to_dict()}


def print_comparisons(compared: Sequence[Compared], data: Any, output_format: str | None) -> None:
    """Print the comparisons: ``data`` into a pipe, a table of each on a terminal."""
    print_result(data, lambda: _table(compared), output_format)


def _table(compared: Sequence[Compared]) -> RenderableType:
    from infrafabric.cli.contract.tables import comparison_table  # noqa: PLC0415 - rich is slow to import

    return comparison_table(compared)
