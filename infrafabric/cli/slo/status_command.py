"""``infrafabric slo status``: the worst first, and a status for whoever only wants to know whether it is well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from infrafabric.cli.app import Command
from infrafabric.cli.output import output_option, print_result
from infrafabric.cli.slo.source import Source, source_options

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command(
    "status",
    cls=Command,
    short_help="Show how swarms keep their objectives, the worst first.",
    epilog="""\b
Examples:
  infrafabric slo status --state-dir /var/lib/app/slo
  infrafabric slo status --state-dir slo --contract analyzer.yaml --swarm analyzer
  infrafabric slo report --state-dir slo | infrafabric slo status --snapshot -""",
)
@source_options
@output_option("How to show it.  [default: table on a terminal, else json]")
def command(*, source: Source, output_format: str | None) -> int:
    """Show how swarms keep their objectives, the worst first.

    The exit status is that of a monitoring plug-in: 0 healthy, 1 burning (an alert fires), 2 exhausted (a budget is
    gone), 3 no data, or none that could be read. A mistake in the command line is 2, too, and says so on stderr.
    """
    from infrafabric.cli.slo.health import health_of, rows, worst_of  # noqa: PLC0415 - not for --help

    snapshots = source.snapshots()
    found = rows(snapshots)
    print_result(found, lambda: _table(found), output_format)
    return int(worst_of(health_of(objective) for snapshot in snapshots for objective in snapshot.objectives))


def _table(found: list[dict[str, Any]]) -> RenderableType:
    from infrafabric.cli.slo.tables import status_tables  # noqa: PLC0415 - rich is slow to import

    return status_tables(found)
