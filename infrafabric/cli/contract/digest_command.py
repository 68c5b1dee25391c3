"""``infrafabric contract digest``: one digest for one meaning, whatever the format of the file."""

from __future__ import annotations

from pathlib import Path

import click

from infrafabric.cli.app import Command
from infrafabric.cli.output import print_data
from infrafabric.cli.target import read_contract
from infrafabric.errors import escape


@click.command(
    "digest",
    cls=Command,
    short_help="Print the digests of contracts.",
    epilog="""\b
Examples:
  infrafabric contract digest analyzer.yaml
  infrafabric contract digest -o json contracts/*.yaml""",
)
@click.argument("paths", metavar="FILES...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "output_format",
    type=click.Choice(("text", "json", "yaml")),
    default="text",
    help="How to print them.  [default: text, as sha256sum does]",
)
def command(*, paths: tuple[Path, ...], output_format: str) -> int:
    """Print the SHA-256 of each contract's canonical form: RFC 8785 JSON, defaults filled in, without created_at.

    Contracts that promise the same have one digest, whatever their format, layout and comments.
    """
    digests = [(str(path), read_contract(path).require().digest) for path in paths]
    if output_format == "text":
        for name, digest in digests:
            click.echo(f"{digest}  {escape(name, 300)}")
    else:
        print_data([{"file": name, "digest": digest} for name, digest in digests], output_format)
    return 0
