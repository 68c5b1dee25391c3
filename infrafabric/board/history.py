"""`board_of_histories`: a board made of what was counted, where there is no chassis to ask.

A history knows objectives and endings, not the contract, the limits or the logs. What it does not know stays empty,
and the pages say that it is not known. A chassis that runs nothing, made to hold the histories, was rejected: its
limits and contracts would be invented.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import attrs

from infrafabric.board.objectives import (
    STATE_ORDER,
    latency_bins,
    objective_pages,
    points,
    row_sentence,
    tasks_per_second,
    worst_first,
)
from infrafabric.board.records import FORMAT, Board, Overview, OverviewRow, SwarmPage
from infrafabric.errors import Blame, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from infrafabric.board.records import Point
    from infrafabric.telemetry import SloCourse, SloSnapshot
    from infrafabric.telemetry.slo.snapshot import ObjectiveSnapshot

_BLAMES: Final = {outcome.code: outcome.blame for outcome in Outcome}


@attrs.frozen
class Told:
    """What is known of one subject: its numbers, and how they went over time where that was kept."""

    snapshot: SloSnapshot
    course: SloCourse | None

    @property
    def swarm_id(self) -> str:
        """The swarm of the subject."""
        return self.snapshot.subject.partition("/")[0]

    @property
    def task(self) -> str | None:
        """The task of the subject, where it is one."""
        return self.snapshot.subject.partition("/")[2] or None


def board_of_histories(told: Iterable[Told], program: str) -> Board:
    """The board of these subjects. ``program`` says where they come from."""
    known = list(told)
    rows = sorted((row for one in known for row in _rows(one)), key=worst_first)
    swarms: dict[str, list[Told]] = {}
    for one in sorted(known, key=lambda one: one.task or ""):
        swarms.setdefault(one.swarm_id, []).append(one)
    taken_at = max((one.snapshot.taken_at for one in known), default=0.0)
    overview = Overview(
        format=FORMAT,
        taken_at=taken_at,
        started_at=0.0,
        program=program,
        swarms=len(swarms),
        tasks_per_second=sum(tasks_per_second(_activity(one)) for one in known if one.task is None),
        rows=tuple(rows),
    )
    pages = {swarm_id: _page(swarm_id, found) for swarm_id, found in swarms.items()}
    return Board(format=FORMAT, taken_at=taken_at, overview=overview, pages=pages)


def _activity(told: Told) -> tuple[Point, ...]:
    return points(told.course.activity) if told.course is not None else ()


def _rows(told: Told) -> Iterator[OverviewRow]:
    snapshot, activity = told.snapshot, _activity(told)
    for objective in snapshot.objectives:
        yield OverviewRow(
            swarm_id=told.swarm_id,
            task=told.task,
            version="",
            objective=objective.name,
            state=objective.state.value,
            enforcement=snapshot.enforcement,
            objective_ratio=objective.objective_ratio,
            target=objective.target,
            sli=objective.sli,
            budget_remaining_ratio=objective.budget.remaining_ratio,
            burn_rate=_burn_rate(objective),
            seconds_to_exhaustion=objective.seconds_to_exhaustion,
            tasks_per_second=tasks_per_second(activity),
            p50_seconds=snapshot.percentiles.p50_seconds,
            p95_seconds=snapshot.percentiles.p95_seconds,
            p99_seconds=snapshot.percentiles.p99_seconds,
            running=0,
            queued=0,
            activity=tuple(point.value or 0.0 for point in activity),
            sentence=row_sentence(objective.name, objective.state, lambda: snapshot),
        )


def _burn_rate(objective: ObjectiveSnapshot) -> float | None:
    """That of the fastest alert's long window; None without an event in it, or without an alert."""
    if not objective.alerts:
        return None
    window = next(window for window in objective.burn_rates if window.name == objective.alerts[0].long)
    return window.burn_rate if window.good_events or window.bad_events else None


def _page(swarm_id: str, told: list[Told]) -> SwarmPage:
    """The page of a swarm. The first of ``told`` is its own where there is one; its tasks follow."""
    snapshot, course, activity = told[0].snapshot, told[0].course, _activity(told[0])
    own = [one for one in told if one.task is None] or told
    outcomes, percentiles = _outcomes(snapshot), snapshot.percentiles
    latency = next((objective for objective in snapshot.objectives if objective.name == "latency"), None)
    return SwarmPage(
        format=FORMAT,
        taken_at=snapshot.taken_at,
        swarm_id=swarm_id,
        version="",
        description="",
        digest="",
        module_sha256="",
        loaded_at=0.0,
        uptime_seconds=0.0,
        capabilities=(),
        state=max((one.snapshot.state.value for one in own), key=STATE_ORDER.__getitem__),
        enforcement=snapshot.enforcement,
        enforcement_reason="",
        running=0,
        queued=0,
        tasks_per_second=tasks_per_second(activity),
        outcomes=outcomes,
        blames=_blames(outcomes),
        latency_target_seconds=latency.target if latency is not None else None,
        p50_seconds=percentiles.p50_seconds,
        p95_seconds=percentiles.p95_seconds,
        p99_seconds=percentiles.p99_seconds,
        latency=latency_bins(course) if course is not None else (),
        activity=activity,
        objectives=tuple(page for one in told for page in objective_pages(one.task, one.snapshot, one.course)),
        limits=(),
        tasks=(),
        failures=(),
        logs=(),
        contract={},
        contract_text="",
    )


def _outcomes(snapshot: SloSnapshot) -> dict[str, int]:
    """How tasks ended over the period."""
    available = next((objective for objective in snapshot.objectives if objective.name == "availability"), None)
    good = {"success": available.raw.good_events} if available is not None else {}
    endings = (*snapshot.failures, *snapshot.excluded, *snapshot.refused)
    return good | {ending.name: ending.events for ending in endings if ending.events}


def _blames(outcomes: Mapping[str, int]) -> dict[str, int]:
    """The failed tasks by who has to act."""
    blames: Counter[str] = Counter()
    for code, tasks in outcomes.items():
        blames[_BLAMES.get(code, Blame.HOST).value] += tasks
    del blames[Blame.NOBODY.value]
    return dict(sorted(blames.items()))
