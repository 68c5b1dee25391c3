"""``infrafabric completion``: the script that teaches a shell to complete this command line."""

from __future__ import annotations

import click

from infrafabric.cli.app import COMPLETE_VARIABLE, PROGRAM, Command, app


@click.command(
    "completion",
    cls=Command,
    short_help="Print the script that completes commands in your shell.",
    epilog="""\b
Examples:
  infrafabric completion bash > ~/.local/share/bash-completion/completions/infrafabric
  infrafabric completion zsh > "${fpath[1]}/_infrafabric"
  infrafabric completion fish > ~/.config/fish/completions/infrafabric.fish""",
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def command(shell: str) -> int:
    """Print the script that completes commands, flags, files and a module's tasks in SHELL.

    Write it where the shell looks for completions, once; new shells then have it.
    """
    from click import shell_completion  # noqa: PLC0415 - not for --help

    kinds = {"bash": shell_completion.BashComplete, "zsh": shell_completion.ZshComplete}
    kind = kinds.get(shell, shell_completion.FishComplete)
    click.echo(kind(app, {}, PROGRAM, COMPLETE_VARIABLE).source())
    return 0
