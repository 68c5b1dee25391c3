"""``infrafabric slo explain``: a number in a sentence, with its formula and what went into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from infrafabric.cli.app import Command
from infrafabric.cli.output import output_option, print_result
from infrafabric.cli.slo.source import Source, source_options
from infrafabric.errors import escape

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command(
    "explain",
    cls=Command,
    short_help="Say what a number means, and how it came about.",
    epilog="""\b
Examples:
  infrafabric slo explain availability.budget.remaining_ratio --state-dir slo
  infrafabric slo explain latency.alerts.page_1h.state --state-dir slo --swarm analyzer -o table
  infrafabric slo explain failures.trap --snapshot report.json""",
)
@click.argument("number")
@source_options
@output_option("How to show it.  [default: table on a terminal, else json]")
def command(*, number: str, source: Source, output_format: str | None) -> int:
    """Say what a number means: one sentence, its formula, what went into it and the window it was counted over.

    NUMBER is its path in what `slo report` prints, such as availability.sli; `objectives.` may be left out.
    """
    from infrafabric.telemetry import explain  # noqa: PLC0415 - not for --help

    snapshots = source.snapshots()
    found: list[dict[str, Any]] = []
    refusals: list[LookupError] = []
    for snapshot in snapshots:
        try:
            found.append({"subject": snapshot.subject, **explain(snapshot, number).to_dict()})
        except LookupError as error:  # another swarm may have it: not every one has every objective and window
            refusals.append(error)
    if not found:
        raise click.UsageError(escape(str(refusals[0].args[0]), 1000))
    print_result(found, lambda: _table(found), output_format)
    return 0


def _table(found: list[dict[str, Any]]) -> RenderableType:
    from infrafabric.cli.slo.tables import explanation_tables  # noqa: PLC0415 - rich is slow to import

    return explanation_tables(found)
