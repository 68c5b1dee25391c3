"""``infrafabric contract export``: a contract's objectives for the tools that watch them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from infrafabric.cli.app import Command
from infrafabric.cli.console import say
from infrafabric.cli.contract.text_file import file_options, put
from infrafabric.cli.target import read_contract
from infrafabric.errors import escape

if TYPE_CHECKING:
    from infrafabric.contract import ServiceContract
    from infrafabric.telemetry.export.subject import Export, ExportSubject

#: The names of `infrafabric.telemetry.export.formats.FORMATS`, which --help does not load.
FORMAT_NAMES = ("prometheus", "grafana", "openslo", "sloth", "pyrra")
#: The status when ``--strict`` finds that something would be lost.
LOSSY = 1


@click.command(
    "export",
    cls=Command,
    short_help="Write a contract's objectives for Prometheus, Grafana and others.",
    epilog="""\b
Examples:
  infrafabric contract export analyzer.yaml --to prometheus -o analyzer-rules.yml
  infrafabric contract export analyzer.yaml --to grafana -o analyzer-dashboard.json
  infrafabric contract export analyzer.yaml --to openslo --strict""",
)
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "format_name",
    type=click.Choice(FORMAT_NAMES),
    required=True,
    help="prometheus: rules with alerts; grafana: a dashboard; openslo: OpenSLO v1; sloth: prometheus/v1; "
    "pyrra: pyrra.dev/v1alpha1.",
)
@click.option("--strict", is_flag=True, help="Write nothing, and end with status 1, where the format loses a meaning.")
@file_options
def command(*, path: Path, format_name: str, strict: bool, file: Path | None, force: bool) -> int:
    """Write the objectives of a contract, and of its tasks that have their own, in another tool's language.

    All formats count the metric infrafabric.slo.events, as a Prometheus server has it of a program with infrafabric's
    telemetry. What a format cannot say is told on stderr, one line for each meaning that is lost.
    """
    export = export_contract(read_contract(path).require(), format_name)
    for loss in export.losses:
        say("error" if strict else "warning", escape(loss, 1000))
    if strict and export.losses:
        count = f"{len(export.losses)} meaning{'' if len(export.losses) == 1 else 's'}"
        say("error", f"--to {format_name} would lose {count}; without --strict it is written all the same")
        return LOSSY
    put(export_text(export, format_name), file, force=force)
    return 0


def export_contract(contract: ServiceContract, format_name: str) -> Export:
    """The contract's objectives in a format of `FORMAT_NAMES`."""
    from infrafabric.telemetry.export.formats import FORMATS  # noqa: PLC0415 - not for --help

    return FORMATS[format_name](subjects_of(contract))


def subjects_of(contract: ServiceContract) -> list[ExportSubject]:
    """The swarm, then each of its tasks that has objectives of its own."""
    from infrafabric.chassis.objectives import targets  # noqa: PLC0415 - not for --help
    from infrafabric.telemetry.export.subject import ExportSubject  # noqa: PLC0415 - as above

    names = [None, *(name for name, task in contract.tasks.items() if task.slos is not None)]
    return [ExportSubject(contract.swarm_id, targets(contract, name), name) for name in names]


def export_text(export: Export, format_name: str) -> str:
    """The documents as the tool reads them: YAML, or JSON for Grafana."""
    from infrafabric.contract.writing import dump_json, dump_yaml  # noqa: PLC0415 - not for --help

    if format_name == "grafana":
        return "".join(dump_json(document) for document in export.documents)
    return "---\n".join(dump_yaml(document) for document in export.documents)
