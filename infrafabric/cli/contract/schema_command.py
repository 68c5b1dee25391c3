"""``infrafabric contract schema``: what editors complete and check contracts by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from infrafabric.cli.app import Command
from infrafabric.cli.contract.text_file import file_options, put

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    "schema",
    cls=Command,
    short_help="Print the JSON Schema of contracts, for editors.",
    epilog="""\b
Examples:
  infrafabric contract schema -o service-contract.schema.json""",
)
@file_options
def command(*, file: Path | None, force: bool) -> int:
    """Print the JSON Schema (2020-12) of contracts, for editors and other tools.

    It says what one file's form can be. Rules beyond that, as how a contract fits its module, are for lint.
    """
    from infrafabric.contract.schema import schema_text  # noqa: PLC0415 - not for --help

    put(schema_text(), file, force=force)
    return 0
