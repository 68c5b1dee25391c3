"""What the board says of objectives, from what their SLO engine says: their pages, and the order of their rows.

A chassis that runs and a history of one that has ended are read alike: both are a snapshot, and a course where one was
kept. Two readers were rejected: they would come to say different things of the same numbers.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from infrafabric.board.records import BurnSeries, LatencyBin, ObjectivePage, Point
from infrafabric.telemetry import AlertState, explain, state_sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from infrafabric.board.records import OverviewRow
    from infrafabric.telemetry import CoursePoint, SloCourse, SloSnapshot

#: The names of `ObjectivePage.sentences`, and the number that each explains; of the burn rate, the fastest alert's.
_SENTENCES: Final = {
    "state": "state",
    "sli": "sli",
    "budget": "budget.remaining_ratio",
    "exhaustion": "seconds_to_exhaustion",
}

#: States by how much they matter to whoever is on duty, the worst last.
STATE_ORDER: Final = {state.value: place for place, state in enumerate(AlertState)}

#: Objectives in these states say when their budget will be gone.
_BURNING: Final = frozenset({AlertState.RECOVERING, AlertState.INCREASING, AlertState.FIRING, AlertState.EXHAUSTED})


def worst_first(row: OverviewRow) -> tuple[int, bool, int, str, str, str]:
    """The order of rows: by state, then those that are held back, then by the budget left; then by name.

    By tenths of the budget: rows that trade places whenever a task ends cannot be read.
    """
    tenths = math.ceil(10 * row.budget_remaining_ratio)
    held_back = row.enforcement != "closed"
    return (-STATE_ORDER[row.state], not held_back, tenths, row.swarm_id, row.task or "", row.objective)


def row_sentence(name: str, state: AlertState, snapshot: Callable[[], SloSnapshot]) -> str:
    """The state of an objective in words, and when its budget will be gone if something burns it."""
    said = state_sentence(name, state)
    if state not in _BURNING:  # a quiet objective, as most are, needs no snapshot for that
        return said
    return f"{said} {explain(snapshot(), f'{name}.seconds_to_exhaustion').sentence}"


def objective_pages(task_name: str | None, snapshot: SloSnapshot, course: SloCourse | None) -> Iterator[ObjectivePage]:
    """The page of each objective of a swarm, or of its task of that name; without a course, charts have no points."""
    numbers = snapshot.to_dict()["objectives"]
    courses = {past.name: past for past in course.objectives} if course is not None else {}
    for objective in snapshot.objectives:
        name, past = objective.name, courses.get(objective.name)
        sentences = {key: explain(snapshot, f"{name}.{number}").sentence for key, number in _SENTENCES.items()}
        if objective.alerts:
            fastest = objective.alerts[0].long
            sentences["burn_rate"] = explain(snapshot, f"{name}.burn_rates.{fastest}.burn_rate").sentence
        yield ObjectivePage(
            name=name,
            task=task_name,
            state=objective.state.value,
            period_seconds=snapshot.period_seconds,
            numbers=_plain(numbers[name]),
            sentences=sentences,
            alerts={alert.name: _reason(snapshot, name, alert.name) for alert in objective.alerts},
            budget=points(past.budget) if past is not None else (),
            burn=tuple(
                BurnSeries(
                    window=burn.window, severity=burn.severity, threshold=burn.factor, points=points(burn.points)
                )
                for burn in (past.burn if past is not None else ())
            ),
        )


def points(course: Iterable[CoursePoint]) -> tuple[Point, ...]:
    """The points of a chart."""
    return tuple(Point(at=point.at, value=point.value) for point in course)


def latency_bins(course: SloCourse) -> tuple[LatencyBin, ...]:
    """How long the successful tasks of the last hour took."""
    return tuple(LatencyBin(up_to_seconds=seconds, tasks=tasks) for seconds, tasks in course.latency)


def tasks_per_second(activity: tuple[Point, ...]) -> float:
    """The rate of the last minute; 0 where nobody watched."""
    return (activity[-1].value or 0.0) if activity else 0.0


def _reason(snapshot: SloSnapshot, objective: str, alert: str) -> str:
    """Why an alert is in its state: what the state means, and its two burn rates."""
    numbers = ("state", "long_burn_rate", "short_burn_rate")
    return " ".join(explain(snapshot, f"{objective}.alerts.{alert}.{number}").sentence for number in numbers)


def _plain(value: Any) -> Any:
    """Data as JSON has them: tuples are lists there."""
    return json.loads(json.dumps(value))
