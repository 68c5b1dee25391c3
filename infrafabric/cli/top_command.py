"""``infrafabric top``: the board in a terminal, live; in a pipe, one table."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import click

from infrafabric.cli.app import Command
from infrafabric.cli.console import is_terminal
from infrafabric.cli.output import output_option, print_data
from infrafabric.cli.token_option import TOKEN_VARIABLE, read_token, token_option
from infrafabric.cli.units import parse_duration
from infrafabric.errors import BoardError, escape

if TYPE_CHECKING:
    from pathlib import Path

    from infrafabric.board.sources import BoardSource

DEFAULT_SOURCE: Final = "http://127.0.0.1:8080"
_INTERVAL_SECONDS: Final = (0.2, 3600.0)


def _interval(_context: click.Context, _parameter: click.Parameter, text: str) -> float:
    low, high = _INTERVAL_SECONDS
    try:
        seconds = float(parse_duration(text))
    except ValueError as error:
        raise click.BadParameter(f"expected {error}, got '{escape(text, 40)}'") from None
    if not low <= seconds <= high:
        raise click.BadParameter(f"{escape(text, 40)} is {seconds:,g} s; expected from {low:g} s to {high:g} s")
    return seconds


@click.command(
    "top",
    cls=Command,
    short_help="Watch swarms and their objectives in the terminal.",
    epilog="""\b
Examples:
  infrafabric top
  infrafabric top https://swarms.example --token-file token
  infrafabric top board.json
  infrafabric top | head -3""",
)
@click.argument("source_text", metavar="[SOURCE]", default=DEFAULT_SOURCE)
@token_option
@click.option(
    "--interval",
    "interval_seconds",
    metavar="DURATION",
    default="2s",
    callback=_interval,
    show_default=True,
    help="How often to ask a server.",
)
@output_option("Print the overview once, and end.  [default: live on a terminal, else table]")
def command(*, source_text: str, token_file: Path | None, interval_seconds: float, output_format: str | None) -> int:
    """Watch every objective of every swarm, the worst first.

    SOURCE is the address of a server (`infrafabric serve`; by default http://127.0.0.1:8080) or a file that holds a
    board. Enter opens a swarm: budget and burn over time, use against every limit, alerts, failures, its log, its
    contract. ? lists the keys. A server that goes away is said to be stale, and shown again when it is back.

    Where stdout is no terminal, or with -o, the overview is printed once.
    """
    from infrafabric.board.sources import open_source  # noqa: PLC0415 - not for --help

    token = read_token(token_file)
    source = open_source(source_text, token)
    if output_format is None and _can_draw():
        from infrafabric.top import run_top  # noqa: PLC0415 - as above

        run_top(source, interval_seconds=interval_seconds)
        return 0
    try:
        _print_once(source, output_format or "table")
    except BoardError as error:
        if source_text == DEFAULT_SOURCE and "does not answer" in str(error):
            error.add_note("`infrafabric demo` starts one to look around in")
        elif token is None and "HTTP 401" in str(error):
            error.add_note(f"--token-file and {TOKEN_VARIABLE} do")
        raise
    return 0


def _can_draw() -> bool:
    """Whether there is a terminal to draw on, and one to take keys from."""
    return is_terminal(sys.stdout) and is_terminal(sys.stdin) and os.environ.get("TERM") not in {"dumb", "unknown"}


def _print_once(source: BoardSource, output_format: str) -> None:
    overview = source.overview()
    if output_format == "table":
        from infrafabric.top import snapshot_text  # noqa: PLC0415 - as above

        click.echo(snapshot_text(overview, source.name))
    else:
        from infrafabric.board.plain import to_dict  # noqa: PLC0415 - as above

        print_data(to_dict(overview), output_format)
