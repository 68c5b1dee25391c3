"""``--set NAME=VALUE``: the objectives of a contract, changed for a replay. The contract itself checks the values."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import click

from infrafabric.errors import ContractValidationError, escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infrafabric.contract import ServiceContract
    from infrafabric.telemetry import ObjectiveTargets

#: Short names for the fields of ``slos``.
SHORT = {
    "target": "target_availability_percent",
    "latency": "target_latency_ms",
    "latency-objective": "latency_objective_percent",
    "throughput": "target_throughput_rps",
    "throughput-objective": "throughput_objective_percent",
    "period": "period",
}


def targets_with(contract: ServiceContract, task: str | None, settings: Sequence[str]) -> ObjectiveTargets:
    """The targets of the contract, or of a task with its own, after the changes. `click.UsageError` for a bad one."""
    from infrafabric.chassis.objectives import targets  # noqa: PLC0415 - not for --help

    own = contract.tasks[task].slos if task is not None and task in contract.tasks else None
    slos = contract.slos if own is None else own.over(contract.slos)
    for setting in settings:
        name, _, text = setting.partition("=")
        try:
            slos = slos.evolve(**{_field(name, slos): _value(name, text)})
        except ContractValidationError as error:
            raise click.UsageError(f"--set {escape(setting, 100)}: {error.problems[0].message}") from None
    return targets(contract.evolve(slos=slos))


def _field(name: str, slos: Any) -> str:
    known = SHORT.get(name, name)
    if known not in slos.to_dict():
        names = [*SHORT, *slos.to_dict()]
        near = difflib.get_close_matches(name, names, n=1)
        meant = f"did you mean {near[0]}" if near else f"there are {', '.join(dict.fromkeys(names))}"
        raise click.UsageError(f"--set {escape(name, 100)}: there is no such objective; {meant}")
    return known


def _value(name: str, text: str) -> float | str:
    if name == "period":
        return text
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        raise click.UsageError(f"--set {escape(name, 100)}={escape(text, 100)}: expected a number") from None
