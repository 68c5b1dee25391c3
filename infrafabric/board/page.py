"""The page of one swarm, from the swarm itself and the SLO engines that measure it."""

from __future__ import annotations

import json
import time
from itertools import islice, starmap
from typing import TYPE_CHECKING, Final

from infrafabric.board.limits import Seen, uses
from infrafabric.board.objectives import latency_bins, objective_pages, points, tasks_per_second
from infrafabric.board.plain import printable
from infrafabric.board.records import FORMAT, FailureLine, LogLine, ObjectivePage, SwarmPage, TaskLine
from infrafabric.engine.abi import fits
from infrafabric.engine.guestlog import LEVEL_NAMES, LEVELS
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.chassis.swarm import LoadedSwarm
    from infrafabric.engine import Function
    from infrafabric.telemetry import SloCourse, SloSnapshot

_NAME_CHARACTERS: Final = 200
#: A module may export twenty thousand functions; nobody reads so many.
TASKS_SHOWN: Final = 500
_LEVEL_NAMES: Final = dict(zip(LEVELS, LEVEL_NAMES, strict=True))


def swarm_page(swarm: LoadedSwarm) -> SwarmPage:
    """All there is to see of a loaded swarm."""
    contract, policy = swarm.contract, swarm.policy
    enforcement = {"state": "closed", "reason": ""} if policy is None else policy.to_dict()
    snapshot, course = swarm.slo.snapshot(enforcement=enforcement["state"]), swarm.slo.course()
    outcomes, totals = swarm.counts()
    activity = points(course.activity)
    rate = tasks_per_second(activity)
    longest_seconds = course.latency[-1][0] if course.latency else None
    return SwarmPage(
        format=FORMAT,
        taken_at=time.time(),
        swarm_id=swarm.swarm_id,
        version=contract.version,
        description=printable(contract.description),
        digest=contract.digest,
        module_sha256=swarm.runtime.program.info.sha256,
        loaded_at=swarm.loaded_at,
        uptime_seconds=swarm.uptime_seconds,
        capabilities=tuple(contract.capabilities),
        state=snapshot.state.value,
        enforcement=enforcement["state"],
        enforcement_reason="" if enforcement["state"] == "closed" else enforcement["reason"],
        running=swarm.gate.running,
        queued=swarm.gate.queued,
        tasks_per_second=rate,
        outcomes=dict(sorted(outcomes.items())),
        blames=swarm.blames(),
        latency_target_seconds=contract.slos.target_latency_ms / 1000,
        p50_seconds=snapshot.percentiles.p50_seconds,
        p95_seconds=snapshot.percentiles.p95_seconds,
        p99_seconds=snapshot.percentiles.p99_seconds,
        latency=latency_bins(course),
        activity=activity,
        objectives=tuple(_objectives(swarm, snapshot, course)),
        limits=uses(Seen(swarm, contract.resource_limits, outcomes, totals, rate, longest_seconds)),
        tasks=tuple(_tasks(swarm)),
        failures=tuple(_failures(swarm)),
        logs=tuple(_logs(swarm)),
        contract=json.loads(contract.to_json()),
        contract_text=contract.to_yaml(),
    )


def _objectives(swarm: LoadedSwarm, snapshot: SloSnapshot, course: SloCourse) -> Iterator[ObjectivePage]:
    """The swarm's own objectives, then those of its tasks."""
    yield from objective_pages(None, snapshot, course)
    for task_name, engine in swarm.task_slos.items():
        yield from objective_pages(task_name, engine.snapshot(), engine.course())


def _tasks(swarm: LoadedSwarm) -> Iterator[TaskLine]:
    """What can be called: the tasks of the contract first, then the module's, which may have thousands."""
    program, promised = swarm.runtime.program, swarm.contract.tasks
    for name in islice({**promised, **program.tasks}, TASKS_SHOWN):
        function, terms = swarm.named(program.tasks[name]), promised.get(name)
        asked = None if terms is None else terms.abi
        fitting = tuple(fit.abi for fit in fits(function, has_memory=program.memory_name is not None) if fit.possible)
        yield TaskLine(
            name=escape(function.name, _NAME_CHARACTERS),
            signature=_signature(function),
            calling_conventions=fitting if asked is None else (asked,),
        )


def _signature(function: Function) -> str:
    types = function.type.params
    names = function.parameter_names or ("",) * len(types)
    takes = ", ".join(starmap(_parameter, zip(names, types, strict=True)))
    return f"({takes}) -> {', '.join(function.type.results) or 'nothing'}"


def _parameter(name: str, kind: str) -> str:
    return f"{escape(name, _NAME_CHARACTERS)}: {kind}" if name else kind


def _failures(swarm: LoadedSwarm) -> Iterator[FailureLine]:
    for failure in swarm.recent.newest_first():
        yield FailureLine(
            at=failure.at,
            task=failure.task_name,
            outcome=failure.outcome.code,
            blame=failure.blame.value,
            message=failure.message,
            execution_seconds=failure.execution_seconds,
            trace_id=failure.trace_id,
        )


def _logs(swarm: LoadedSwarm) -> Iterator[LogLine]:
    for level, text, created in reversed(swarm.runtime.log.last()):
        yield LogLine(at=created, level=_LEVEL_NAMES[level], text=text)
