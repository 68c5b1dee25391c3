"""``infrafabric contract show``: every field of a contract, and which line, or which default, its value is from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from infrafabric.cli.app import Command
from infrafabric.cli.output import output_option, print_result
from infrafabric.cli.target import deployment_defaults, read_contract
from infrafabric.contract.times import rfc3339

if TYPE_CHECKING:
    from rich.console import RenderableType

    from infrafabric.contract.defaults import Provenance


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
    """Show every field of a contract as it holds here, and where its value is from.

    What the file says comes first, then IFCHASSIS_* variables, then the config file that IFCHASSIS_CONFIG names, then
    the built-in defaults. The digest is that of the contract as it holds.
    """
    from infrafabric.contract.defaults import provenance  # noqa: PLC0415 - not for --help

    checked = read_contract(path, deployment_defaults())
    contract = checked.require()
    rows = [_row(value) for value in provenance(checked)]
    data = {
        "file": str(path),
        "digest": contract.digest,
        "contract": {**contract.to_dict(), "created_at": rfc3339(contract.created_at)},
        "origins": {row.path: {"origin": row.origin, "where": row.where} for row in rows},
    }
    print_result(data, lambda: _table(rows), output_format)
    return 0


def _row(row: Provenance) -> Provenance:
    """Times as files write them; one that no file says is that of loading."""
    if row.path != "created_at":
        return row
    if row.origin == "contract":
        return attrs.evolve(row, value=rfc3339(row.value))
    return attrs.evolve(row, value=None, where="when it is loaded")


def _table(rows: list[Provenance]) -> RenderableType:
    from infrafabric.cli.contract.tables import fields_table  # noqa: PLC0415 - rich is slow to import

    return fields_table(rows)
