"""The command ``infrafabric``: its global options, and the table of its commands."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAM = "infrafabric"

#: What a shell sets to ask for completions; see `infrafabric.cli.completion_command`.
COMPLETE_VARIABLE = "_INFRAFABRIC_COMPLETE"

#: Every command: its module, which holds it as ``command``, and what the list of commands says of it.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run_command", "Run one task of a module, or of a contract's, and print its output."),
    "inspect": ("inspect_command", "Show what a module is, wants and offers, without running it."),
    "contract": ("contract", "Write, check and compare service contracts."),
    "serve": ("serve_command", "Serve swarms over HTTP, with their dashboard."),
    "dashboard": ("dashboard_command", "Show a board in the browser: of a file, or of a running server."),
    "slo": ("slo", "See how swarms keep their objectives, and try contracts on past events."),
    "top": ("top_command", "Watch swarms and their objectives in the terminal."),
    "demo": ("demo_command", "Start a server with swarms at work, to look around in."),
    "bench": ("bench_command", "Measure what a task of a swarm costs."),
    "doctor": ("doctor_command", "Check that this machine runs swarms well."),
    "completion": ("completion_command", "Print the script that completes commands in your shell."),
}

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Session:
    """What holds for one command line."""

    def __init__(self) -> None:
        self.debug = False


def _set_debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's call
    if value:
        context.ensure_object(Session).debug = True


def debug_option() -> click.Option:
    """``--debug``, which every command takes as well, because it is thought of last."""
    return click.Option(
        ["--debug"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_set_debug,
        help="Show the traceback of an error.",
    )


class Command(click.Command):
    """A command of `app`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.append(debug_option())


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used, and listed without that."""

    def __init__(self, *arguments: Any, lazy: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lazy = dict(lazy)

    @property
    def short_helps(self) -> dict[str, str]:
        """What the list of commands says of each."""
        return {name: short_help for name, (_, short_help) in self._lazy.items()}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; without a command, the help is what was meant."""
        return super().parse_args(ctx, args if args or ctx.resilient_parsing else ["--help"])

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands in the order of the table: the first is what a newcomer needs first."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import a command; None when there is none of that name."""
        if cmd_name not in self._lazy:
            return None
        command: click.Command = import_module(f"infrafabric.cli.{self._lazy[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """The list in ``--help``."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.short_helps.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name where there is no such command."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            import difflib  # noqa: PLC0415 - only mistakes need it

            near = difflib.get_close_matches(args[0], self._lazy, n=1)
            known = f"did you mean {near[0]}" if near else f"there are {', '.join(self._lazy)}"
            ctx.fail(f"no command is called '{args[0]}'; {known}")


def _print_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - as above
    if not value or context.resilient_parsing:
        return
    import platform  # noqa: PLC0415 - --help does not need it
    from importlib.metadata import version  # noqa: PLC0415 - slow to import

    import infrafabric  # noqa: PLC0415 - as above

    python = f"{platform.python_implementation()} {platform.python_version()}"
    click.echo(f"infrafabric {infrafabric.__version__} (wasmtime {version('wasmtime')}, {python})")
    context.exit()


app = LazyGroup(
    name=PROGRAM,
    lazy=COMMANDS,
    no_args_is_help=False,
    context_settings=_CONTEXT,
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Show the versions of infrafabric, its engine and Python.",
        ),
        debug_option(),
    ],
    help="""Run untrusted WebAssembly swarms under a service contract.

Results go to stdout, everything else to stderr. The exit status is 0 for success, 2 for a mistake in the command
line or in a task's name or parameters, 3 for a contract and 4 for a module that cannot be used, 10 to 15 for what the
guest did wrong, 20 to 24 for a task that was cancelled or refused, 70 for a mistake of infrafabric itself, and 130
for Ctrl-C.""",
)
