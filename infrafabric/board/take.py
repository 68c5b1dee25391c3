"""Taking the board of a live chassis: everything is read from what the chassis and its SLO engines already hold.

Nothing is computed twice and nothing is cached: an overview of a thousand swarms is a thousand outlines. A thread
that keeps a finished board up to date was rejected: it would work whether or not anybody looks.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from infrafabric.board.objectives import row_sentence, worst_first
from infrafabric.board.page import swarm_page
from infrafabric.board.records import ACTIVITY_POINTS, FORMAT, Board, Overview, OverviewRow
from infrafabric.chassis.started import STARTED_AT, program_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.board.records import SwarmPage
    from infrafabric.chassis import IFChassis
    from infrafabric.chassis.swarm import LoadedSwarm
    from infrafabric.telemetry import SloEngine, SloOutline

_NO_ACTIVITY: Final = (0.0,) * ACTIVITY_POINTS


def overview_of(chassis: IFChassis) -> Overview:
    """Every objective of every loaded swarm, worst first."""
    return _overview(chassis.swarm_runtimes)


def _overview(swarms: dict[str, LoadedSwarm]) -> Overview:
    rows: list[OverviewRow] = []
    tasks_per_second = 0.0
    for swarm in swarms.values():
        for task_name, engine in ((None, swarm.slo), *swarm.task_slos.items()):
            outline = engine.outline()
            activity = tuple(rate or 0.0 for rate in outline.activity.tasks_per_second) or _NO_ACTIVITY
            if task_name is None:
                tasks_per_second += activity[-1]
            rows.extend(_rows(swarm, task_name, engine, outline, activity))
    rows.sort(key=worst_first)
    return Overview(
        format=FORMAT,
        taken_at=time.time(),
        started_at=STARTED_AT,
        program=program_name(),
        swarms=len(swarms),
        tasks_per_second=tasks_per_second,
        rows=tuple(rows),
    )


def page_of(chassis: IFChassis, swarm_id: str) -> SwarmPage | None:
    """All there is to see of one swarm; None when it is not loaded."""
    swarm = chassis.swarm_runtimes.get(swarm_id)
    return None if swarm is None else swarm_page(swarm)


def board_of(chassis: IFChassis) -> Board:
    """The overview, and the page of each swarm."""
    swarms = chassis.swarm_runtimes
    overview = _overview(swarms)
    pages = {swarm_id: swarm_page(swarm) for swarm_id, swarm in swarms.items()}
    return Board(format=FORMAT, taken_at=overview.taken_at, overview=overview, pages=pages)


def _rows(
    swarm: LoadedSwarm, task_name: str | None, engine: SloEngine, outline: SloOutline, activity: tuple[float, ...]
) -> Iterator[OverviewRow]:
    policy, gate, percentiles = swarm.policy, swarm.gate, outline.percentiles
    for objective in outline.objectives:
        yield OverviewRow(
            swarm_id=swarm.swarm_id,
            task=task_name,
            version=swarm.contract.version,
            objective=objective.name,
            state=objective.state.value,
            enforcement="closed" if policy is None else policy.state.value,
            objective_ratio=objective.objective_ratio,
            target=objective.target,
            sli=objective.sli,
            budget_remaining_ratio=objective.budget_remaining_ratio,
            burn_rate=objective.burn_rate,
            seconds_to_exhaustion=objective.seconds_to_exhaustion,
            tasks_per_second=activity[-1],
            p50_seconds=percentiles.p50_seconds,
            p95_seconds=percentiles.p95_seconds,
            p99_seconds=percentiles.p99_seconds,
            running=gate.running,
            queued=gate.queued,
            activity=activity,
            sentence=row_sentence(objective.name, objective.state, engine.snapshot),
        )
