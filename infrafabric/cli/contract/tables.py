"""What the commands of contracts show on a terminal. Text of a contract is escaped wherever it is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from infrafabric.contract.frozen import thaw
from infrafabric.contract.problems import shown
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from infrafabric.cli.contract.comparing import Compared
    from infrafabric.contract.changes import Change
    from infrafabric.contract.defaults import Provenance

_MAX_VALUE = 200


def fields_table(rows: Sequence[Provenance]) -> RenderableType:
    """Every field with its value and origin; what the file itself says stands out."""
    table = _table("field", "value", "from")
    table.columns[0].no_wrap = table.columns[2].no_wrap = True
    for row in rows:
        value = escape(json.dumps(thaw(row.value), ensure_ascii=False), _MAX_VALUE)
        table.add_row(
            Text(row.path),
            Text(value, style="bold" if row.origin == "contract" else ""),
            Text(_origin(row), style="dim" if row.origin == "built-in" else ""),
        )
    return table


def _origin(row: Provenance) -> str:
    if row.origin == "contract":
        return f"line {row.where.partition(':')[0]}"
    return escape(row.where, 200) or "built-in default"


def comparison_table(compared: Sequence[Compared]) -> RenderableType:
    """Each comparison: its changes, and what they ask of the version."""
    return Group(*(part for one in compared for part in (_changes(one), _verdict(one))))


def _changes(one: Compared) -> RenderableType:
    title = Text(escape(one.name, 200), style="bold")
    if not one.diff.changes:
        return title
    table = _table("change", "from -> to", "hurts", "bump")
    table.columns[0].no_wrap = True
    table.title, table.title_justify = title, "left"
    for change in one.diff.changes:
        table.add_row(*_row(change))
    return table


def _row(change: Change) -> tuple[Text, ...]:
    return (
        Text(change.rule.id, style="red" if change.breaking else ""),
        Text(f"{change.path}: {shown(change.old)} -> {shown(change.new)}"),
        Text(change.rule.hurts.value, style="dim" if change.rule.hurts == "nobody" else ""),
        Text(str(change.rule.bump)),
    )


def _verdict(one: Compared) -> Text:
    diff = one.diff
    if diff.problem is not None:
        return Text("too small: ", style="red").append(f"{diff.problem.message}; {diff.problem.fix}", style="default")
    versions = f"{diff.old_version} -> {diff.new_version}"
    if not diff.changes:
        return Text(f"no changes ({versions})", style="green")
    return Text("fits: ", style="green").append(f"needs a {diff.required} bump, and has it ({versions})", "default")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
