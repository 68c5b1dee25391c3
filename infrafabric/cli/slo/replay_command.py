"""``infrafabric slo replay``: what a contract would have said of events that are past."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infrafabric.cli.app import Command
from infrafabric.cli.output import output_option, print_result
from infrafabric.cli.slo.settings import targets_with
from infrafabric.errors import escape

if TYPE_CHECKING:
    from rich.console import RenderableType

    from infrafabric.contract import ServiceContract


@click.command(
    "replay",
    cls=Command,
    short_help="Say which alerts past events would have fired.",
    epilog="""\b
Examples:
  infrafabric slo replay events.jsonl --contract analyzer.yaml
  infrafabric slo replay events.jsonl --set target=99.95 --set period=7d
  infrafabric slo replay witness.jsonl --contract new.yaml --swarm analyzer -o table""",
)
@click.argument("events_path", metavar="EVENTS", type=click.Path(path_type=Path))
@click.option(
    "--contract", "contract_path", metavar="FILE", type=click.Path(path_type=Path), help="Judge by this contract."
)
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="Change an objective: target, latency (ms), latency-objective, throughput (a second), throughput-objective, "
    "period; or a field of slos by its name. May be given again.",
)
@click.option("--swarm", metavar="ID", help="Only events of this swarm.  [default: the contract's]")
@click.option("--task", metavar="NAME", help="Only events of this task, and its own objectives where it has any.")
@output_option("How to show it.  [default: table on a terminal, else json]")
def command(
    *,
    events_path: Path,
    contract_path: Path | None,
    settings: tuple[str, ...],
    swarm: str | None,
    task: str | None,
    output_format: str | None,
) -> int:
    """Say which alerts past events would have fired, and when: judge a contract before it ships.

    EVENTS has one JSON object on each line: "at" (epoch seconds, or RFC 3339), "outcome" (success, trap ...) and
    "latency_seconds"; "blame", "swarm_id" and "task_name" may stand beside. What the logger infrafabric.witness writes
    is taken as it is. Without a contract the default objectives hold: 99.9 % available, 99 % within 100 ms, over 30d.
    """
    from infrafabric.cli.slo.events import read_events  # noqa: PLC0415 - not for --help
    from infrafabric.telemetry.slo.replay import replay  # noqa: PLC0415 - as above

    contract = _contract(contract_path, swarm)
    targets = targets_with(contract, task, settings)
    wanted = swarm or (contract.swarm_id if contract_path is not None else None)
    events = read_events(events_path, wanted, task)
    replayed = replay(targets, events, subject=escape(wanted or contract.swarm_id, 100))
    print_result(replayed.to_dict(), lambda: _table(replayed), output_format)
    return 0


def _contract(path: Path | None, swarm: str | None) -> ServiceContract:
    from infrafabric.cli.target import read_contract  # noqa: PLC0415 - not for --help
    from infrafabric.contract import ServiceContract  # noqa: PLC0415 - as above

    return ServiceContract(swarm or "replay") if path is None else read_contract(path).require()


def _table(replayed: Any) -> RenderableType:
    from infrafabric.cli.slo.tables import replay_tables  # noqa: PLC0415 - rich is slow to import

    return replay_tables(replayed)
