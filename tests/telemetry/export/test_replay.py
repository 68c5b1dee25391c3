"""The exported rules, evaluated by a real Prometheus, fire and clear when the SLO engine does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from infrafabric.errors import Outcome
from infrafabric.telemetry import ObjectiveTargets
from infrafabric.telemetry.export.subject import ExportSubject
from infrafabric.telemetry.export.tiers import EVALUATION_SECONDS, watched_tiers
from tests.telemetry.export.replaying import Event, replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_HOUR = 3600
_MINUTE = 60


def _only(name: str, **more: float) -> ObjectiveTargets:
    """Targets of one objective."""
    targets = {
        "availability": {"target_latency_ms": None, "target_throughput_rps": None},
        "latency": {"target_availability_percent": None, "target_throughput_rps": None},
        "throughput": {"target_availability_percent": None, "target_latency_ms": None},
    }[name]
    return ObjectiveTargets(**(targets | more))  # type: ignore[arg-type] # a table of keywords


def _steady(hours: float, every_seconds: float, fails: Callable[[float, int], bool]) -> Iterator[Event]:
    """A task every so often; ``fails`` says by time and number whether it does."""
    for number in range(int(hours * _HOUR / every_seconds)):
        at = number * every_seconds + 0.3
        yield Event(at, Outcome.TRAP if fails(at, number) else Outcome.SUCCESS)


def _creeping() -> Iterator[Event]:
    """Latency from 50 to 150 ms within two hours, spread by a fifth, then back to where it was."""
    for number in range(3 * _HOUR // 2):
        at = number * 2 + 0.3
        middle = 0.05 + 0.1 * at / (2 * _HOUR) if at < 2 * _HOUR else 0.05
        yield Event(at, Outcome.SUCCESS, middle * (0.8 + 0.4 * (number % 21) / 20))


def _overloaded() -> Iterator[Event]:
    """Three tasks a second are served where four come and ten are promised, for ten minutes of two hours."""
    for second in range(2 * _HOUR):
        for part in range(3):
            yield Event(second + part / 4 + 0.1)
        if 1800 <= second < 2400:
            yield Event(second + 0.9, Outcome.BUSY)


@attrs.frozen(kw_only=True)
class Incident:
    """What happens, to whom, and which alerts it has to fire."""

    targets: ObjectiveTargets
    events: Callable[[], Iterator[Event]]
    fires: set[str]
    restarts: tuple[float, ...] = ()


INCIDENTS = {
    "total outage": Incident(
        targets=_only("availability"),
        events=lambda: _steady(5, 2, lambda at, _: 2 * _HOUR <= at < 2 * _HOUR + 20 * _MINUTE),
        fires={"page_1h", "page_6h", "ticket_1d", "ticket_3d", "exhausted"},
    ),
    "total outage, and the process restarts in it": Incident(
        targets=_only("availability"),
        events=lambda: _steady(2, 2, lambda at, _: _HOUR <= at < _HOUR + 20 * _MINUTE),
        fires={"page_1h", "page_6h", "ticket_1d", "ticket_3d", "exhausted"},
        restarts=(_HOUR / 2, _HOUR + 5 * _MINUTE),
    ),
    "slow burn": Incident(  # 0.45 %: above three times the budget of 0.1 %, below six times
        targets=_only("availability", period_seconds=7 * 86_400),
        events=lambda: _steady(4, 1, lambda at, number: at > _HOUR and number % 222 == 0),
        fires={"ticket_5h36m", "ticket_16h48m", "exhausted"},
    ),
    "flapping": Incident(  # one minute of ten
        targets=_only("availability", target_availability_percent=99),
        events=lambda: _steady(3, 2, lambda at, _: at > _HOUR and at % 600 < 60),
        fires={"page_6h", "ticket_1d", "ticket_3d", "exhausted"},
    ),
    "low traffic": Incident(  # fewer than ten tasks in an hour: the fastest alert may not judge
        targets=_only("availability", target_availability_percent=99),
        events=lambda: _steady(8, 7 * _MINUTE, lambda at, _: 3 * _HOUR <= at < 4 * _HOUR),
        fires={"page_6h", "ticket_1d", "ticket_3d", "exhausted"},
    ),
    "one failure in little traffic": Incident(
        targets=_only("availability"),
        events=lambda: _steady(3, 3 * _MINUTE, lambda _, number: number == 30),
        fires=set(),
    ),
    "latency creep": Incident(
        targets=_only("latency"),
        events=_creeping,
        fires={"page_1h", "page_6h", "ticket_1d", "ticket_3d", "exhausted"},
    ),
    "overload": Incident(
        targets=_only("throughput"),
        events=_overloaded,
        fires={"page_1h", "page_6h", "ticket_1d", "ticket_3d", "exhausted"},
    ),
}


@pytest.mark.requires_tool("promtool")
@pytest.mark.parametrize("incident", INCIDENTS.values(), ids=INCIDENTS)
def test_the_exported_rules_agree_with_the_engine_within_one_evaluation(incident: Incident, tmp_path: Path) -> None:
    """At no time do the two say different things about an alert for longer than the step at which it is evaluated.

    That is 30 seconds, and a minute where the short window counts in buckets of a minute: tickets, at thirty days.
    """
    found = replay(tmp_path, incident.targets, incident.events(), restarts=incident.restarts)
    assert {tier for _, tier in found.alerts()} == incident.fires
    steps = {
        tier.name: tier.step_seconds
        for objective in incident.targets.objectives()
        for tier in watched_tiers(ExportSubject("replay", incident.targets), objective)
    }
    assert max(steps.values()) <= 2 * EVALUATION_SECONDS
    for alert in found.alerts():
        shown = alert, found.spans(alert), found.spans(alert, theirs=True)
        assert found.longest_disagreement(alert) <= steps.get(alert[1], EVALUATION_SECONDS), shown
        # An alert that only one side fired for a step would pass above.
        assert len(found.spans(alert)) == len(found.spans(alert, theirs=True)), shown
