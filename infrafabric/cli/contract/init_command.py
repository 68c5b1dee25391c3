"""``infrafabric contract init``: a contract to start from, made of what the fields say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from infrafabric.cli.app import Command
from infrafabric.cli.contract.text_file import file_options, put
from infrafabric.contract.problems import Problems

if TYPE_CHECKING:
    from pathlib import Path


def _swarm_id(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    from infrafabric.contract.texts import FILE_SWARM_ID  # noqa: PLC0415 - not for --help

    problems = Problems()
    FILE_SWARM_ID.read(value, "swarm_id", problems)
    if problems.found:
        raise click.BadParameter(problems.found[0].message)
    return value


@click.command(
    "init",
    cls=Command,
    short_help="Write a contract to start from, every field explained.",
    epilog="""\b
Examples:
  infrafabric contract init
  infrafabric contract init analyzer-swarm -o analyzer.yaml""",
)
@click.argument("swarm_id", default="my-swarm", callback=_swarm_id)
@file_options
def command(*, swarm_id: str, file: Path | None, force: bool) -> int:
    """Write a contract for SWARM_ID to start from: the fields that people change, and all others in comments.

    Each field has its meaning and range above it, and its default as its value. `suggest` starts from a module.
    """
    from infrafabric.cli.contract.commented import commented_start  # noqa: PLC0415 - not for --help

    put(commented_start(swarm_id), file, force=force)
    return 0
