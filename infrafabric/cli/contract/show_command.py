"""``infrafabric contract show``: every field of a contract, and which line, or which default, its value is from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from infrafabric.cli.app import Command
from infrafabric.cli.output import output_option, print_result
from infrafabric.cli.target import read_contract
from infrafabric.contract.document import Document
from infrafabric.contract.fields import specs
from infrafabric.contract.frozen import thaw
from infrafabric.contract.problems import join
from infrafabric.contract.record import Record
from infrafabric.contract.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from infrafabric.contract.service_contract import ServiceContract

#: Where a value is from when no file or setting says it.
BUILT_IN = "built-in default"


@attrs.frozen
class Shown:
    """One field: its path in the contract, its plain value, and where that is from."""

    path: str
    value: Any
    origin: str


@click.command(
    "show",
    cls=Command,
    short_help="Show every field of a contract, and where its value is from.",
    epilog="""\b
Examples:
  infrafabric contract show analyzer.yaml
  infrafabric contract show analyzer.yaml -o json | jq '.contract.resource_limits'""",
)
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@output_option("How to show it.  [default: table on a terminal, else json]")
def command(*, path: Path, output_format: str | None) -> int:
    """Show every field of a contract as it holds, and where its value is from: a line of the file, or a default."""
    checked = read_contract(path)
    contract = checked.require()
    rows = list(shown_fields(contract, checked.document or Document(source=checked.source, format="yaml", data=None)))
    data = {
        "file": str(path),
        "digest": contract.digest,
        "contract": {**contract.to_dict(), "created_at": rfc3339(contract.created_at)},
        "origins": {row.path: row.origin for row in rows},
    }
    print_result(data, lambda: _table(rows), output_format)
    return 0


def shown_fields(
    contract: ServiceContract, document: Document, settings: Mapping[str, str] | None = None
) -> Iterator[Shown]:
    """Every field that holds one value, in the order of the reference. ``settings`` say whence defaults are."""
    for path, value in _leaves(contract, ""):
        if path == "created_at" and not document.is_written(path):
            yield Shown(path, None, "when it is loaded")
        else:
            plain = rfc3339(value) if path == "created_at" else thaw(value)
            yield Shown(path, plain, _origin(path, document, settings or {}))


def _leaves(record: Record, above: str) -> Iterator[tuple[str, Any]]:
    for name in specs(type(record)):
        value, path = record[name], join(above, name)
        if isinstance(value, Record):
            yield from _leaves(value, path)
        elif name == "tasks" and value:
            for task, promised in value.items():
                yield from _leaves(promised, join(path, task))
        else:
            yield path, value


def _origin(path: str, document: Document, settings: Mapping[str, str]) -> str:
    if not document.is_written(path):
        return settings.get(path, BUILT_IN)
    offset = document.offset_of(path, at_key=True)
    return f"line {document.source.place(offset or 0)[0]}"


def _table(rows: list[Shown]) -> RenderableType:
    from infrafabric.cli.contract.tables import fields_table  # noqa: PLC0415 - rich is slow to import

    return fields_table(rows)
