"""``infrafabric contract diff``: what changed from one contract to another, and whom it hurts."""

from __future__ import annotations

from pathlib import Path

import click

from infrafabric.cli.app import Command
from infrafabric.cli.contract.comparing import Compared, print_comparisons
from infrafabric.cli.output import output_option
from infrafabric.cli.target import read_contract


@click.command(
    "diff",
    cls=Command,
    short_help="Compare two contracts: what changed, and whom it hurts.",
    epilog="""\b
Examples:
  infrafabric contract diff old.yaml new.yaml
  infrafabric contract diff deployed.json analyzer.yaml -o json | jq .required_bump""",
)
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@output_option("How to show it.  [default: table on a terminal, else json]")
def command(*, old: Path, new: Path, output_format: str | None) -> int:
    """Compare two contracts, whatever their formats: every change, whom it hurts, and the bump it needs.

    The exit status is 0 whatever changed; `breaking` is the one that fails.
    """
    from infrafabric.contract.diff import diff  # noqa: PLC0415 - not for --help

    compared = Compared(f"{old} -> {new}", diff(read_contract(old).require(), read_contract(new).require()))
    print_comparisons([compared], compared.diff.to_dict(), output_format)
    return 0
