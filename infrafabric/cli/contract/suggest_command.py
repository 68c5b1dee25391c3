"""``infrafabric contract suggest``: the smallest contract that lets a module load and run, a reason on every line."""

from __future__ import annotations

from pathlib import Path

import click

from infrafabric.cli.app import Command
from infrafabric.cli.contract.text_file import file_options, put
from infrafabric.cli.target import read_module_file
from infrafabric.errors import ModuleError, escape


@click.command(
    "suggest",
    cls=Command,
    short_help="Write the smallest contract for a module, saying why for each line.",
    epilog="""\b
Examples:
  infrafabric contract suggest analyzer.wasm
  infrafabric contract suggest analyzer.wasm -o analyzer.yaml""",
)
@click.argument("module_path", metavar="MODULE", type=click.Path(path_type=Path))
@file_options
def command(*, module_path: Path, file: Path | None, force: bool) -> int:
    """Write the smallest contract that lets MODULE load and run, with the reason above each line.

    It is told from the module's bytes; nothing is run. How much it uses, and what its answers mean, no bytes say:
    those fields have the safe defaults. A module that no contract could let load ends with status 4 and the reason.
    """
    from infrafabric.cli.contract.suggesting import suggest  # noqa: PLC0415 - loads the engine

    module = read_module_file(module_path)
    try:
        text = suggest(module, module_path, None if file is None else file.parent)
    except ModuleError as error:
        error.args = (f"'{escape(str(module_path), 200)}': {error.args[0]}", *error.args[1:])
        raise
    put(text, file, force=force)
    return 0
