"""``infrafabric slo report``: every number there is, for programs and for later; or a page for people, to be kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infrafabric.cli.app import Command
from infrafabric.cli.console import say
from infrafabric.cli.output import FORMATS, print_result
from infrafabric.cli.slo.source import Source, source_options
from infrafabric.cli.token_option import read_token, token_option
from infrafabric.errors import escape

if TYPE_CHECKING:
    from rich.console import RenderableType

    from infrafabric.board.records import Board


def _format_or_page(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | Path | None:
    """One of the formats, or a file whose name ends in ``.html``."""
    if text is None or text in FORMATS:
        return text
    if text.lower().endswith(".html"):
        return Path(text)
    raise click.BadParameter(f"expected {', '.join(FORMATS)}, or a file that ends in .html; got '{escape(text, 100)}'")


@click.command(
    "report",
    cls=Command,
    short_help="Print every number of every objective, or write a page of them.",
    epilog="""\b
Examples:
  infrafabric slo report --state-dir slo -o json > report.json
  infrafabric slo report --state-dir slo -o json | jq '.swarms.analyzer.objectives.availability.sli'
  infrafabric slo report --state-dir slo -o slo.html
  infrafabric slo report --board http://127.0.0.1:8080 -o slo.html""",
)
@source_options
@click.option("--board", metavar="SOURCE", help="For a page: a board's file, or the address of a running server.")
@token_option
@click.option(
    "-o",
    "--output",
    metavar=f"[{'|'.join(FORMATS)}|FILE.html]",
    callback=_format_or_page,
    help="How to show it: json and yaml have every number, FILE.html is a page with charts.  "
    "[default: table on a terminal, else json]",
)
def command(*, source: Source, board: str | None, token_file: Path | None, output: str | Path | None) -> int:
    """Print every number of every objective, or write a page of them.

    The other commands read the JSON again: --snapshot report.json shows how things stood when it was written.

    The page is one file that needs no network: charts of budgets and burn rates, every alert with its reason. Of
    --board, it also has limits, failures, logs and contracts; a history and a snapshot do not know them.
    """
    if isinstance(output, Path):
        return _write_page(source, board, token_file, output)
    if board is not None:
        raise click.UsageError("a board is reported as a page: add -o FILE.html")
    snapshots = source.snapshots()
    report = {"swarms": {snapshot.subject: snapshot.to_dict() for snapshot in snapshots}}
    print_result(report, lambda: _table(snapshots), output)
    return 0


def _table(snapshots: list[Any]) -> RenderableType:
    from infrafabric.cli.slo.health import rows  # noqa: PLC0415 - not for --help
    from infrafabric.cli.slo.tables import report_tables  # noqa: PLC0415 - rich is slow to import

    return report_tables(rows(snapshots), snapshots)


def _write_page(source: Source, board: str | None, token_file: Path | None, path: Path) -> int:
    from infrafabric.dashboard.missing import missing_extra  # noqa: PLC0415 - not for --help

    if missing := missing_extra():
        raise click.UsageError(missing)
    from infrafabric.dashboard.report import write_report  # noqa: PLC0415 - as above

    found = _board_of(source) if board is None else _opened(board, source, token_file)
    name = escape(str(path), 300)
    try:
        write_report(found, path)
    except OSError as error:
        raise click.UsageError(f"cannot write '{name}': {error.strerror or error}") from None
    say("note", f"wrote {name}")
    return 0


def _opened(board: str, source: Source, token_file: Path | None) -> Board:
    if source.state_dir is not None or source.report is not None:
        raise click.UsageError("say where the numbers come from: one of --state-dir, --snapshot and --board")
    if source.swarm is not None or source.contracts:
        raise click.UsageError("--swarm and --contract do not go with --board, which is shown whole")
    from infrafabric.board.sources import open_source  # noqa: PLC0415 - not for --help

    return open_source(board, read_token(token_file)).board()


def _board_of(source: Source) -> Board:
    from infrafabric.board.history import Told, board_of_histories  # noqa: PLC0415 - not for --help

    known = [Told(told.snapshot, told.course() if told.course is not None else None) for told in source.told()]
    place = source.state_dir if source.state_dir is not None else source.report
    return board_of_histories(known, escape(Path(str(place)).name or str(place), 200))
