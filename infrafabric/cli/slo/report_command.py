"""``infrafabric slo report``: every number there is, for programs and for later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from infrafabric.cli.app import Command
from infrafabric.cli.output import output_option, print_result
from infrafabric.cli.slo.source import Source, source_options

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command(
    "report",
    cls=Command,
    short_help="Print every number of every objective.",
    epilog="""\b
Examples:
  infrafabric slo report --state-dir slo -o json > report.json
  infrafabric slo report --state-dir slo -o json | jq '.swarms.analyzer.objectives.availability.sli'""",
)
@source_options
@output_option("How to show it: json and yaml have every number.  [default: table on a terminal, else json]")
def command(*, source: Source, output_format: str | None) -> int:
    """Print every number of every objective.

    The other commands read the JSON again: --snapshot report.json shows how things stood when it was written.
    """
    snapshots = source.snapshots()
    report = {"swarms": {snapshot.subject: snapshot.to_dict() for snapshot in snapshots}}
    print_result(report, lambda: _table(snapshots), output_format)
    return 0


def _table(snapshots: list[Any]) -> RenderableType:
    from infrafabric.cli.slo.health import rows  # noqa: PLC0415 - not for --help
    from infrafabric.cli.slo.tables import report_tables  # noqa: PLC0415 - rich is slow to import

    return report_tables(rows(snapshots), snapshots)
