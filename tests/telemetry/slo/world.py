"""A world with clocks to turn, and a recount of its events that knows nothing of rings."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import attrs

from infrafabric.errors import Blame, Outcome
from infrafabric.telemetry.slo.engine import SloEngine
from infrafabric.telemetry.slo.objectives import ObjectiveTargets

if TYPE_CHECKING:
    from infrafabric.telemetry.slo.alerts import Minimums, StateChange
    from infrafabric.telemetry.slo.burn import BurnPlan, Window
    from infrafabric.telemetry.slo.snapshot import SloSnapshot

NS = 10**9
SLICE_NS = 10 * NS
#: A wall clock at which no bucket of any period begins.
EPOCH = 1_750_000_123


class World:
    """Three clocks, an engine that reads them, and every event it was told of."""

    def __init__(self, targets: ObjectiveTargets | None = None, *, minimums: Minimums | None = None) -> None:
        self.mono_ns = 5_000 * NS
        self.wall_ns = EPOCH * NS
        self.asleep_ns = 0
        self.targets = targets or ObjectiveTargets()
        self.minimums = minimums
        self.changes: list[StateChange] = []
        self.engine = self.start()

    def start(self) -> SloEngine:
        """A new engine on these clocks, as after a restart."""
        self.engine = SloEngine(
            self.targets,
            lambda: self.mono_ns,
            lambda: self.wall_ns / NS,
            subject="swarm",
            minimums=self.minimums,
            asleep_ns=lambda: self.asleep_ns,
        )
        self.engine.alerts.subscribe(self.changes.append)
        return self.engine

    def pass_ns(self, nanoseconds: int) -> None:
        """Let time pass."""
        self.mono_ns += nanoseconds
        self.wall_ns += nanoseconds

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""
        self.pass_ns(round(seconds * NS))

    def sleep_seconds(self, seconds: int) -> None:
        """Put the machine to sleep: the monotonic clock stands still."""
        self.wall_ns += seconds * NS
        self.asleep_ns += seconds * NS

    def step_wall_seconds(self, seconds: int) -> None:
        """Step the wall clock, as NTP or an operator does."""
        self.wall_ns += seconds * NS

    def record(
        self, outcome: Outcome = Outcome.SUCCESS, latency_ms: float = 1, times: int = 1, blame: Blame | None = None
    ) -> None:
        """Record an ending."""
        for _ in range(times):
            self.engine.record(outcome, round(latency_ms * 1e6), blame=blame)

    def snapshot(self) -> SloSnapshot:
        """The engine's snapshot now."""
        return self.engine.snapshot()


@attrs.define
class Event:
    """One thing that happened at ``at`` on a time line that starts at the wall clock's first reading."""

    at: int
    kind: str
    excluded: bool


@attrs.define
class Recount:
    """The naive truth: a list of events, counted again for every question.

    ``now`` is the time line: it starts at the wall clock's first reading and takes up all time that passes, asleep or
    awake. Exclusions are (start, end) on it, an end of None is still open.
    """

    now: int = EPOCH * NS
    events: list[Event] = attrs.Factory(list)
    exclusions: list[tuple[int, int | None]] = attrs.Factory(list)

    @property
    def excluding(self) -> bool:
        """True while an exclusion is open."""
        return bool(self.exclusions) and self.exclusions[-1][1] is None

    def record(self, outcome: Outcome, latency_ms: float, target_ms: float, blame: Blame | None) -> None:
        """Log what an ending means for each objective."""
        kinds = []
        if outcome is Outcome.SUCCESS:
            kinds = ["good", "fast" if latency_ms <= target_ms else "slow", "ended"]
        elif outcome.blame is Blame.GUEST and blame in {None, Blame.GUEST}:
            kinds = ["bad", "ended"]
        elif outcome is Outcome.BUSY:
            kinds = ["busy"]
        self.events += [Event(self.now, kind, self.excluding) for kind in kinds]

    def counts(self, plan: BurnPlan, window: Window, target_rps: float) -> dict[str, tuple[int, int, int, int]]:
        """Raw good, raw bad, adjusted good, adjusted bad of each objective in a window."""
        width = Fraction(plan.period_ns, plan.units_per_period) * plan.rings[window.ring].step
        start = (self.now // width - window.buckets + 1) * width
        inside = [event for event in self.events if event.at >= start]
        return {
            "availability": _pairs(inside, "good", "bad"),
            "latency": _pairs(inside, "fast", "slow"),
            "throughput": _pairs([event for event in self.slices(target_rps) if event.at >= start], "met", "missed"),
        }

    def slices(self, target_rps: float) -> list[Event]:
        """The slices that are over and were not idle, placed in their last nanosecond."""
        numbers = {event.at // SLICE_NS for event in self.events if event.kind in {"ended", "busy"}}
        found = []
        for number in sorted(numbers):
            start, end = number * SLICE_NS, (number + 1) * SLICE_NS
            if end > self.now:
                continue
            kinds = [event.kind for event in self.events if start <= event.at < end]
            served = kinds.count("ended")
            offered = served + kinds.count("busy")
            met = served >= offered or served >= Fraction(str(target_rps)) * 10
            excluded = any(begin < end and (stop is None or stop > start) for begin, stop in self.exclusions)
            found.append(Event(end - 1, "met" if met else "missed", excluded))
        return found


def _pairs(events: list[Event], good: str, bad: str) -> tuple[int, int, int, int]:
    raw = [sum(event.kind == kind for event in events) for kind in (good, bad)]
    adjusted = [sum(event.kind == kind and not event.excluded for event in events) for kind in (good, bad)]
    return raw[0], raw[1], adjusted[0], adjusted[1]
