"""What ``GET`` says of swarms: the list, one of them, its objectives. Plain data, taken from the chassis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infrafabric.engine.abi import fits
from infrafabric.errors import escape

if TYPE_CHECKING:
    from infrafabric.chassis import IFChassis
    from infrafabric.chassis.swarm import LoadedSwarm
    from infrafabric.engine import Function
    from infrafabric.server.deployment import Deployment


def swarms(chassis: IFChassis) -> dict[str, Any]:
    """Every loaded swarm in few words, in load order."""
    return {"swarms": [_brief(swarm) for swarm in chassis.swarm_runtimes.values()]}


def _brief(swarm: LoadedSwarm) -> dict[str, Any]:
    contract = swarm.contract
    return {
        "swarm_id": swarm.swarm_id,
        "version": contract.version,
        "description": contract.description or "",
        "capabilities": list(contract.capabilities),
        "tasks": sorted(task_names(swarm)),
    }


def task_names(swarm: LoadedSwarm) -> list[str]:
    """The tasks of a swarm, in the order of its exports; all of them can be shown and addressed."""
    return list(swarm.runtime.program.tasks)


def swarm(chassis: IFChassis, deployment: Deployment | None, swarm_id: str) -> dict[str, Any] | None:
    """All there is to know of a loaded swarm before a task is sent to it; None when it is not loaded."""
    found = chassis.swarm_runtimes.get(swarm_id)
    if found is None:
        return None
    contract = found.contract
    return {
        "swarm_id": swarm_id,
        "version": contract.version,
        "description": contract.description or "",
        "digest": contract.digest,
        "contract": contract.to_dict(),
        "tasks": [_task(found, function) for function in found.runtime.program.tasks.values()],
        "stats": found.stats(),
        "reload_error": deployment.reload_error(swarm_id) if deployment is not None else None,
    }


def _task(swarm: LoadedSwarm, function: Function) -> dict[str, Any]:
    terms = swarm.contract.tasks.get(function.name)
    conventions = fits(function, has_memory=swarm.runtime.program.info.exported_memory() is not None)
    names = terms.parameter_names if terms is not None else None
    return {
        "name": function.name,
        "shown_name": escape(function.name, 200),
        "signature": str(function.type),
        "calling_conventions": [terms.abi]
        if terms is not None and terms.abi is not None
        else [fit.abi for fit in conventions if fit.possible],
        "parameter_names": list(names or function.parameter_names or ()),
        "returns": terms.returns if terms is not None else "auto",
        "params": terms.to_dict()["params"] if terms is not None else None,
    }


def slo(chassis: IFChassis, swarm_id: str) -> dict[str, Any] | None:
    """How a loaded swarm does against its objectives; None when it is not loaded."""
    snapshot = chassis.slo(swarm_id)
    return snapshot.to_dict() if snapshot is not None else None
