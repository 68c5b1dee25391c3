"""Past events under targets of your choice: which alerts they would have fired, and when.

The clock of an SLO engine is turned from event to event, so a replay says what the engine would have said. Estimating
from totals was rejected: whether an alert fires depends on how failures lie together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from infrafabric.telemetry.slo.alerts import AlertState
from infrafabric.telemetry.slo.engine import SloEngine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infrafabric.errors import Blame, Outcome
    from infrafabric.telemetry.slo.alerts import StateChange
    from infrafabric.telemetry.slo.objectives import ObjectiveTargets
    from infrafabric.telemetry.slo.snapshot import SloSnapshot

#: Alerts are judged this often, as the exported rules are.
STEP_SECONDS: Final = 30
_NS: Final = 10**9


@attrs.frozen
class PastEvent:
    """A task that ended ``at`` (epoch seconds). ``blame`` is None where it is the outcome's usual one."""

    at: float
    outcome: Outcome
    latency_seconds: float = 0.0
    blame: Blame | None = None


@attrs.frozen(kw_only=True)
class FiredAlert:
    """An alert that would have fired. Times are epoch seconds; ``cleared_at`` is None when it still fires at the end.

    ``alert`` is the name of a tier, or ``exhausted`` for a budget that is gone, which has no severity.
    ``budget_remaining_ratio`` is what was left of the budget when it fired.
    """

    objective: str
    alert: str
    severity: str | None
    fired_at: float
    cleared_at: float | None
    budget_remaining_ratio: float


@attrs.frozen(kw_only=True)
class Replay:
    """What would have happened. ``end`` has every number at the last event."""

    targets: ObjectiveTargets
    events: int
    began_at: float
    ended_at: float
    alerts: tuple[FiredAlert, ...]
    changes: tuple[StateChange, ...]
    end: SloSnapshot

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        changes = [attrs.asdict(change) for change in self.changes]
        for change in changes:
            del change["subject"]
            change |= {side: change[side].value for side in ("previous", "current")}
        return {
            "events": self.events,
            "began_at": self.began_at,
            "ended_at": self.ended_at,
            "targets": attrs.asdict(self.targets),
            "alerts": [attrs.asdict(alert) for alert in self.alerts],
            "changes": changes,
            "end": self.end.to_dict(),
        }


def replay(targets: ObjectiveTargets, events: Sequence[PastEvent], *, subject: str = "replay") -> Replay:
    """Play the events, in whatever order they come. `ValueError` when there are none."""
    if not events:
        raise ValueError("there is no event to replay")
    ordered = sorted(events, key=lambda event: event.at)
    player = _Player(targets, ordered[0].at, subject)
    for event in ordered:
        player.play(event)
    return player.finish(len(ordered), ordered[-1].at)


class _Player:
    """An engine with a clock to turn."""

    def __init__(self, targets: ObjectiveTargets, began_at: float, subject: str) -> None:
        self._targets = targets
        self._began_at = began_at
        self._now_ns = 0
        self._next_ns = STEP_SECONDS * _NS
        self._changes: list[StateChange] = []
        self._open: dict[tuple[str, str], FiredAlert] = {}
        self._alerts: list[FiredAlert] = []
        self._engine = SloEngine(
            targets,
            lambda: self._now_ns,
            lambda: self._began_at + self._now_ns / _NS,
            subject=subject,
            asleep_ns=lambda: 0,
        )
        self._engine.alerts.subscribe(self._changes.append)

    def play(self, event: PastEvent) -> None:
        """Turn the clock to the event, judging on the way, and count it."""
        self._turn(round((event.at - self._began_at) * _NS))
        self._engine.record(event.outcome, round(event.latency_seconds * _NS), self._now_ns, blame=event.blame)

    def finish(self, events: int, ended_at: float) -> Replay:
        """Judge once more."""
        self._judge()
        end = self._engine.snapshot()
        return Replay(
            targets=self._targets,
            events=events,
            began_at=self._began_at,
            ended_at=ended_at,
            alerts=tuple(sorted((*self._alerts, *self._open.values()), key=lambda alert: alert.fired_at)),
            changes=tuple(self._changes),
            end=end,
        )

    def _turn(self, to_ns: int) -> None:
        quiet_ns = self._now_ns + self._targets.period_seconds * _NS + 2 * STEP_SECONDS * _NS
        while self._next_ns <= to_ns:
            if self._next_ns > quiet_ns:  # every window has been empty for a while: nothing changes any more
                self._next_ns += (to_ns - self._next_ns) // (STEP_SECONDS * _NS) * STEP_SECONDS * _NS
                quiet_ns = to_ns
            self._now_ns = self._next_ns
            self._next_ns += STEP_SECONDS * _NS
            self._judge()
        self._now_ns = max(self._now_ns, to_ns)

    def _judge(self) -> None:
        for change in self._engine.evaluate():
            worst = AlertState.FIRING if change.tier is not None else AlertState.EXHAUSTED
            key = change.objective, change.tier or AlertState.EXHAUSTED.value
            if change.current is worst:
                remaining = self._engine.snapshot().objective(change.objective).budget.remaining_ratio
                self._open[key] = FiredAlert(
                    objective=change.objective,
                    alert=key[1],
                    severity=change.severity,
                    fired_at=change.at,
                    cleared_at=None,
                    budget_remaining_ratio=remaining,
                )
            elif change.previous is worst:
                self._alerts.append(attrs.evolve(self._open.pop(key), cleared_at=change.at))
