"""`SloEngine`: the service level objectives of one swarm, measured as its tasks end.

.. code-block:: python

    engine = SloEngine(ObjectiveTargets(target_availability_percent=99.5), subject="analyzer")
    engine.record(Outcome.SUCCESS, latency_ns=1_200_000)
    engine.snapshot().objective("availability").budget.remaining_ratio

One lock guards integers only: arithmetic, observers and files wait for nobody and nobody waits for them. A queue to a
thread that counts was rejected: it is slower than the lock, and what it holds is lost with the process.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.telemetry.slo import reading
from infrafabric.telemetry.slo.alerts import AlertBook, Minimums, ObjectiveRules, StateChange
from infrafabric.telemetry.slo.ledger import FAILURES, Ledger
from infrafabric.telemetry.slo.objectives import OBJECTIVES, ObjectiveTargets
from infrafabric.telemetry.slo.timeline import Timeline, machine_asleep_ns

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infrafabric.errors import Blame, Outcome
    from infrafabric.telemetry.slo.course import SloCourse
    from infrafabric.telemetry.slo.explain import Explanation
    from infrafabric.telemetry.slo.ledger import WindowCounts
    from infrafabric.telemetry.slo.outline import SloOutline
    from infrafabric.telemetry.slo.snapshot import SloSnapshot


@attrs.frozen
class HistoryPoint:
    """Events of one bucket. ``start`` is epoch seconds; the last bucket is still running."""

    start: float
    good_events: int
    bad_events: int


class SloEngine:
    """Counts, judges and explains. Any thread may call any method at any time.

    ``clock_ns`` is monotonic and places events; ``wall_clock`` gives epoch seconds and only names times, so stepping it
    moves nothing; ``asleep_ns`` is how long the machine has slept. ``subject`` names the swarm in events and sentences.
    """

    def __init__(
        self,
        targets: ObjectiveTargets,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        wall_clock: Callable[[], float] = time.time,
        *,
        subject: str = "swarm",
        minimums: Minimums | None = None,
        asleep_ns: Callable[[], int] = machine_asleep_ns,
    ) -> None:
        self.subject = subject
        self._clock_ns = clock_ns
        self._wall_clock = wall_clock
        self._asleep_ns = asleep_ns
        self._lock = threading.Lock()
        self._save_lock = threading.Lock()
        self._ledger = Ledger(targets, Timeline(clock_ns(), wall_clock, asleep_ns))
        #: States of the alerts; ``alerts.subscribe(observer)`` tells of every `StateChange`.
        self.alerts = AlertBook(_rules(self._ledger), minimums or Minimums(), wall_clock())
        self._saved = self._marker()
        self._saved_ns = self._ledger.timeline.last_ns

    @property
    def targets(self) -> ObjectiveTargets:
        """What is promised."""
        return self._ledger.targets

    def record(
        self, outcome: Outcome, latency_ns: int = 0, now_ns: int | None = None, *, blame: Blame | None = None
    ) -> None:
        """Count how one task ended, for every objective at once.

        ``latency_ns`` matters for successes. ``now_ns`` is a reading of ``clock_ns`` that the caller has at hand; one
        from before the running bucket counts into that bucket. ``blame`` says who is to blame where it is not the
        outcome's usual one: a timeout that the caller's own shorter limit caused burns nothing.
        """
        if now_ns is None:
            now_ns = self._clock_ns()
        with self._lock:
            self._ledger.record(outcome, latency_ns, now_ns, blame)

    def evaluate(self, now_ns: int | None = None) -> tuple[StateChange, ...]:
        """Judge every alert now and tell the observers what changed. Call it every few seconds."""
        with self._lock:
            changes = self._judge(now_ns)[1]
        self.alerts.tell(changes)
        return tuple(changes)

    def snapshot(self, now_ns: int | None = None, *, enforcement: str = "closed") -> SloSnapshot:
        """Every number now. Judges the alerts, too. ``enforcement`` is what somebody else makes of them."""
        with self._lock:
            windows, changes = self._judge(now_ns)
            taken = reading.take(self._ledger, self.alerts, windows, self._wall_clock())
        self.alerts.tell(changes)
        return reading.snapshot_of(taken, self.subject, enforcement)

    def outline(self) -> SloOutline:
        """The few numbers of a list of many swarms; judges the alerts, as `snapshot` does."""
        from infrafabric.telemetry.slo import activity, outline  # noqa: PLC0415 - many programs list nothing

        with self._lock:
            windows, changes = self._judge(None)
            ledger = self._ledger
            objectives = outline.objectives(ledger, self.alerts, windows)
            busy = activity.activity(ledger)
            latencies = [] if ledger.latency is None else ledger.latency.counts()
        self.alerts.tell(changes)
        return outline.SloOutline(objectives=objectives, percentiles=reading.percentiles(latencies), activity=busy)

    def explain(self, number: str, snapshot: SloSnapshot | None = None) -> Explanation:
        """What a number means, such as ``availability.budget.remaining_ratio``, now or in a snapshot taken before.

        `LookupError` suggests what may have been meant.
        """
        from infrafabric.telemetry.slo.explain import explain  # noqa: PLC0415 - most programs never ask

        return explain(self.snapshot() if snapshot is None else snapshot, number)

    def totals(self) -> dict[str, tuple[int, int]]:
        """Good and bad events of each objective since its history began; they never fall."""
        with self._lock:
            counts = list(self._ledger.counts)
            names = [objective.name for objective in self._ledger.objectives]
        return {
            name: (counts[2 * place], counts[2 * place + 1]) for place, name in enumerate(OBJECTIVES) if name in names
        }

    def refusals(self) -> dict[str, int]:
        """Tasks refused since the history began, by reason; they never fall."""
        with self._lock:
            counts = list(self._ledger.ending_counts)
        return {outcome.value: counts[place] for place, outcome in enumerate(FAILURES) if outcome.refused}

    def history(self, objective: str, window: str) -> tuple[HistoryPoint, ...]:
        """Good and bad events of each bucket of a window, oldest first, exclusions counted too.

        `LookupError` when there is no such objective or window (``1h``: the names of `SloSnapshot` burn rates).
        """
        with self._lock:
            self._ledger.advance(self._clock_ns())
            return tuple(HistoryPoint(*point) for point in self._ledger.history(objective, window))

    def course(self) -> SloCourse:
        """How everything went over time, for charts."""
        from infrafabric.telemetry.slo import course  # noqa: PLC0415 - many programs draw nothing

        with self._lock:
            self._ledger.advance(self._clock_ns())
            past = course.past(self._ledger, self.alerts, self._wall_clock())
        return past.course()

    def exclude(self, start: float | None, end: float | None, *, reason: str, author: str) -> int:
        """Keep the events between two times (epoch seconds) from burning; gives the exclusion's number.

        ``start`` None is now; ``end`` None lasts until `end_exclusion`. Past, present and future are all accepted; what
        is past is excluded outward to whole buckets. `ValueError` says what is wrong with the times or texts.
        """
        with self._lock:
            ledger = self._ledger
            ledger.advance(self._clock_ns())
            number = ledger.exclude(start, end, reason, author)
            ledger.advance(self._clock_ns())
        return number

    def end_exclusion(self, number: int) -> None:
        """End a running exclusion now. `LookupError` when there is none, `ValueError` when it is not running."""
        with self._lock:
            ledger = self._ledger
            now = ledger.advance(self._clock_ns())
            ledger.exclusions.end(number, self._wall_clock(), now, ledger.row())

    def withdraw_exclusion(self, number: int) -> None:
        """Let the events of an exclusion burn after all. `LookupError` when there is none of that number."""
        with self._lock:
            self._ledger.exclusions.withdraw(number)

    def retarget(self, targets: ObjectiveTargets) -> None:
        """Go on under another contract, with the history as it was judged; a new objective starts empty."""
        with self._lock:
            old = self._ledger
            old.advance(self._clock_ns())
            fresh = Ledger(targets, old.timeline)
            fresh.restore(old.dump())
            self._ledger = fresh
            self.alerts.follow(_rules(fresh), self._wall_clock())

    @property
    def is_empty(self) -> bool:
        """True until the first record, or until a history was loaded: there is nothing to judge."""
        return self._ledger.rings is None

    @property
    def dirty(self) -> bool:
        """True when `save` would keep something that the last one did not."""
        with self._lock:
            aged = self._ledger.timeline.last_ns - self._saved_ns >= self._ledger.plan.period_ns // 720
            return self._marker() != self._saved or (aged and self._ledger.rings is not None)

    def save(self, path: str | Path) -> None:
        """Write the history to a file, whole or not at all, durably. `OSError` leaves the old file in place."""
        from infrafabric.telemetry.slo.store import write_state  # noqa: PLC0415 - many programs never save

        with self._save_lock:
            with self._lock:
                saved_ns = self._ledger.advance(self._clock_ns())
                marker, state = self._marker(), self._dump()
            write_state(path, state)
            with self._lock:
                self._saved, self._saved_ns = marker, saved_ns

    def load(self, path: str | Path) -> bool:
        """Go on from a saved history; False when there is no file. Time since the save becomes a hole in `Coverage`.

        `SloStateError` when the file cannot be used: it is then moved aside and this engine is as it was. `ValueError`
        when something was recorded, excluded or loaded already.
        """
        from infrafabric.telemetry.slo.store import read_state, refuse, sweep  # noqa: PLC0415 - as in `save`

        with self._lock:
            if self._ledger.rings is not None or self._ledger.exclusions:
                raise ValueError(f"{self.subject} has a history already; load a saved one before the first record")
            sweep(path)
            try:
                state = read_state(path)
                if state is None:
                    return False
                self._restore(state)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                raise refuse(path, error) from error
        return True

    def _judge(self, now_ns: int | None) -> tuple[list[WindowCounts], list[StateChange]]:
        self._ledger.advance(self._clock_ns() if now_ns is None else now_ns)
        windows = self._ledger.windows()
        return windows, self.alerts.update(windows, self.subject, self._wall_clock)

    def _marker(self) -> tuple[object, ...]:
        """Differs whenever there is something new to save."""
        ledger = self._ledger
        return (*ledger.counts, *ledger.ending_counts, ledger.exclusions.version, self.alerts.changes, ledger.targets)

    def _dump(self) -> dict[str, Any]:
        line = self._ledger.timeline
        return {
            "subject": self.subject,
            "targets": attrs.asdict(self.targets),
            "saved_ns": line.last_ns,
            "saved_wall": self._wall_clock(),
            "started_ns": line.started_ns,
            "holes": [list(hole) for hole in line.holes],
            "ledger": self._ledger.dump(),
            "alerts": self.alerts.dump(),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        """Build everything anew from the state; only then put it in place."""
        if state["subject"] != self.subject:
            raise ValueError(f"it is the history of {state['subject']!r}, not of {self.subject!r}")
        now_ns = self._clock_ns()
        line = Timeline(now_ns, self._wall_clock, self._asleep_ns)
        line.resume(
            now_ns,
            saved_ns=int(state["saved_ns"]),
            saved_wall=float(state["saved_wall"]),
            started_ns=int(state["started_ns"]),
            holes=state["holes"],
        )
        ledger = Ledger(self.targets, line)
        ledger.restore(state["ledger"])
        self.alerts.restore(state["alerts"])
        self._ledger = ledger


def _rules(ledger: Ledger) -> list[ObjectiveRules]:
    return [ObjectiveRules(objective, 2 * place, ledger.plan) for place, objective in enumerate(ledger.objectives)]
