"""`board_of_histories`: a board made of what was counted, where there is no chassis to ask.

A history knows objectives and endings, not the contract, the limits or the logs. What it does not know stays empty,
and the pages say that it is not known.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import attrs

from infrafabric.board.records import (
    FORMAT,
    Board,
    BurnSeries,
    LatencyBin,
    ObjectivePage,
    Overview,
    OverviewRow,
    Point,
    SwarmPage,
)
from infrafabric.errors import Blame, Outcome
from infrafabric.telemetry import AlertState, explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infrafabric.telemetry import CoursePoint, SloCourse, SloSnapshot
    from infrafabric.telemetry.slo.snapshot import ObjectiveSnapshot

_SENTENCES: Final = {
    "state": "state",
    "sli": "sli",
    "budget": "budget.remaining_ratio",
    "exhaustion": "seconds_to_exhaustion",
}
_ORDER: Final = {state.value: place for place, state in enumerate(AlertState)}
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
    rows = sorted((row for one in known for row in _rows(one)), key=_worst_first)
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
        tasks_per_second=sum(_rate(one) for one in known if one.task is None),
        rows=tuple(rows),
    )
    pages = {swarm_id: _page(swarm_id, found) for swarm_id, found in swarms.items()}
    return Board(format=FORMAT, taken_at=taken_at, overview=overview, pages=pages)


def _rate(told: Told) -> float:
    activity = told.course.activity if told.course is not None else ()
    return (activity[-1].value or 0.0) if activity else 0.0


def _rows(told: Told) -> Iterator[OverviewRow]:
    snapshot, course = told.snapshot, told.course
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
            tasks_per_second=_rate(told),
            p50_seconds=snapshot.percentiles.p50_seconds,
            p95_seconds=snapshot.percentiles.p95_seconds,
            p99_seconds=snapshot.percentiles.p99_seconds,
            running=0,
            queued=0,
            activity=tuple(point.value or 0.0 for point in course.activity) if course is not None else (),
            sentence=explain(snapshot, f"{objective.name}.state").sentence,
        )


def _burn_rate(objective: ObjectiveSnapshot) -> float | None:
    fastest = objective.alerts[0] if objective.alerts else None
    return None if fastest is None or not objective.total_events else fastest.long_burn_rate


def _worst_first(row: OverviewRow) -> tuple[int, str, str, str]:
    return (-_ORDER[row.state], row.swarm_id, row.task or "", row.objective)


def _page(swarm_id: str, told: list[Told]) -> SwarmPage:
    """The first of ``told`` is the swarm's own where there is one; its tasks follow."""
    snapshot, course = told[0].snapshot, told[0].course
    outcomes = _outcomes(snapshot)
    blames: Counter[str] = Counter()
    for code, tasks in outcomes.items():
        blames[_BLAMES.get(code, Blame.HOST).value] += tasks
    percentiles = snapshot.percentiles
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
        state=max((one.snapshot.state.value for one in told), key=_ORDER.__getitem__),
        enforcement=snapshot.enforcement,
        enforcement_reason="",
        running=0,
        queued=0,
        tasks_per_second=_rate(told[0]),
        outcomes=outcomes,
        blames=dict(blames),
        latency_target_seconds=latency.target if latency is not None else None,
        p50_seconds=percentiles.p50_seconds,
        p95_seconds=percentiles.p95_seconds,
        p99_seconds=percentiles.p99_seconds,
        latency=tuple(LatencyBin(up_to_seconds=seconds, tasks=tasks) for seconds, tasks in course.latency)
        if course is not None
        else (),
        activity=_points(course.activity) if course is not None else (),
        objectives=tuple(page for one in told for page in _objectives(one)),
        limits=(),
        tasks=(),
        failures=(),
        logs=(),
        contract={},
        contract_text="",
    )


def _objectives(told: Told) -> Iterator[ObjectivePage]:
    snapshot = told.snapshot
    numbers = snapshot.to_dict()["objectives"]
    courses = {course.name: course for course in told.course.objectives} if told.course is not None else {}
    for objective in snapshot.objectives:
        name, course = objective.name, courses.get(objective.name)
        yield ObjectivePage(
            name=name,
            task=told.task,
            state=objective.state.value,
            period_seconds=snapshot.period_seconds,
            numbers=numbers[name],
            sentences={key: explain(snapshot, f"{name}.{number}").sentence for key, number in _SENTENCES.items()},
            alerts={alert.name: _reason(snapshot, f"{name}.alerts.{alert.name}") for alert in objective.alerts},
            budget=_points(course.budget) if course is not None else (),
            burn=tuple(
                BurnSeries(
                    window=burn.window, severity=burn.severity, threshold=burn.factor, points=_points(burn.points)
                )
                for burn in (course.burn if course is not None else ())
            ),
        )


def _reason(snapshot: SloSnapshot, alert: str) -> str:
    numbers = ("state", "long_burn_rate", "short_burn_rate")
    return " ".join(explain(snapshot, f"{alert}.{number}").sentence for number in numbers)


def _points(points: Iterable[CoursePoint]) -> tuple[Point, ...]:
    return tuple(Point(at=point.at, value=point.value) for point in points)


def _outcomes(snapshot: SloSnapshot) -> dict[str, int]:
    """How tasks ended over the period."""
    available = next((objective for objective in snapshot.objectives if objective.name == "availability"), None)
    good = {"success": available.raw.good_events} if available is not None else {}
    endings = (*snapshot.failures, *snapshot.excluded, *snapshot.refused)
    return good | {ending.name: ending.events for ending in endings if ending.events}
