"""The budget policy of one swarm: who is let in while its budget is spent, or after it failed in a row.

.. code-block:: text

             failures in a row, or (quarantine) the budget spent
    closed ------------------------------------------------------> quarantined <---+
      ^  ^                                                             |           |
      |  | (throttle) the budget has room again                        | retry_after_seconds
      |  v                                                             v           |
      | throttled <------------- the probe succeeded ------------- half_open ------+
      +--------------------------------------------------------------'    the probe failed

The clock is asked when a task comes, so a quarantine needs no timer. Counting failures in a window of time was
rejected: the SLO engine does that, with a budget; what is left for this policy is "it does not work at all".
"""

from __future__ import annotations

import enum
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from infrafabric.errors import Blame, Outcome
from infrafabric.telemetry import AlertState

if TYPE_CHECKING:
    from collections.abc import Callable

    from infrafabric.contract import Enforcement
    from infrafabric.telemetry import SloEngine, StateChange

_NS = 1_000_000_000
#: While a probe runs, others are told to come back after this long, at most.
_PROBE_WAIT_SECONDS = 1.0


class PolicyState(enum.StrEnum):
    """What the policy does now."""

    CLOSED = "closed"
    THROTTLED = "throttled"
    QUARANTINED = "quarantined"
    HALF_OPEN = "half_open"


class Pass(enum.Enum):
    """What a task was let in as."""

    FREE = "free"
    #: The one task of a throttled swarm's interval.
    TURN = "turn"
    #: The one task that a quarantined swarm is tried with.
    PROBE = "probe"


class Turned(NamedTuple):
    """A task is turned away: in which state, why that came about, and when to come back."""

    state: PolicyState
    reason: str
    retry_after_seconds: float


@attrs.frozen(kw_only=True)
class EnforcementChange:
    """The policy of a swarm came into another state.

    ``number`` counts the changes since the swarm was loaded, ``at`` is epoch seconds; ``retry_after_seconds`` is how
    long a quarantine lasts, or the interval of a throttled swarm, else None.
    """

    number: int
    at: float
    swarm_id: str
    previous: PolicyState
    current: PolicyState
    reason: str
    retry_after_seconds: float | None

    def __str__(self) -> str:
        return f"{self.swarm_id}: enforcement went from {self.previous} to {self.current}: {self.reason}"


class Policy:
    """Lets tasks in and learns how they ended. Thread-safe; one for each loaded swarm that is not only observed.

    ``tell`` is called with every change, on the thread that caused it and outside of the lock.
    """

    def __init__(
        self,
        terms: Enforcement,
        swarm_id: str,
        tell: Callable[[EnforcementChange], None],
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.state = PolicyState.CLOSED
        #: Whether a failure must be judged at once: it may be the one that spends the budget.
        self.watches_budget = terms.on_exhausted != "observe"
        self._terms = terms
        self._swarm_id = swarm_id
        self._tell = tell
        self._clock_ns = clock_ns
        self._wall_clock = wall_clock
        self._interval_ns = int(terms.retry_after_seconds * _NS)
        self._lock = threading.Lock()
        self._reason = "loaded"
        self._since = wall_clock()
        self._changes = 0
        self._failures = 0
        self._exhausted: set[str] = set()
        self._probing = False
        #: When the next task may come: the end of a quarantine, or of a throttled swarm's interval.
        self._next_ns = 0
        self._unsubscribe: Callable[[], None] | None = None

    # --- letting in ----------------------------------------------------------------------------------

    def admit(self) -> Pass | Turned:
        """Whether a task may come in, and as what. Answer with `give_back` or `ended`."""
        if self.state is PolicyState.CLOSED:
            return Pass.FREE
        with self._lock:
            answer, change = self._admit(self._clock_ns())
        self._announce(change)
        return answer

    def _admit(self, now_ns: int) -> tuple[Pass | Turned, EnforcementChange | None]:
        change = None
        wait_seconds = max(0, self._next_ns - now_ns) / _NS
        if self.state is PolicyState.CLOSED:
            return Pass.FREE, None
        if self.state is PolicyState.THROTTLED:
            if wait_seconds:
                return Turned(self.state, self._reason, wait_seconds), None
            self._next_ns = now_ns + self._interval_ns
            return Pass.TURN, None
        if self.state is PolicyState.QUARANTINED:
            if wait_seconds:
                return Turned(self.state, self._reason, wait_seconds), None
            change = self._go(PolicyState.HALF_OPEN, "retry_after_seconds have passed")
        if self._probing:
            wait_seconds = min(_PROBE_WAIT_SECONDS, self._terms.retry_after_seconds)
            return Turned(self.state, "one task is being tried", wait_seconds), change
        self._probing = True
        return Pass.PROBE, change

    def still(self, passed: Pass) -> Turned | None:
        """For a task about to run, after its wait in the queue: why it is turned away after all, or None."""
        if passed is Pass.PROBE or self.state in {PolicyState.CLOSED, PolicyState.THROTTLED}:
            return None
        with self._lock:
            wait_seconds = max(0, self._next_ns - self._clock_ns()) / _NS
            return Turned(self.state, self._reason, wait_seconds or _PROBE_WAIT_SECONDS)

    def give_back(self, passed: Pass) -> None:
        """The task never ran: whoever comes next takes its place."""
        with self._lock:
            if passed is Pass.PROBE:
                self._probing = False
            elif passed is Pass.TURN and self.state is PolicyState.THROTTLED:
                self._next_ns = self._clock_ns()

    # --- learning ------------------------------------------------------------------------------------

    def ended(self, passed: Pass, outcome: Outcome, blame: Blame) -> None:
        """Learn how a task ended that ran. Only success and the guest's own failures count."""
        with self._lock:
            if passed is Pass.PROBE:
                self._probing = False
            change = None
            if outcome is Outcome.SUCCESS:
                change = self._succeeded(passed)
            elif blame is Blame.GUEST:
                change = self._failed(passed, outcome)
        self._announce(change)

    def _succeeded(self, passed: Pass) -> EnforcementChange | None:
        if self.state is PolicyState.HALF_OPEN:
            if passed is not Pass.PROBE:
                return None  # let in before the quarantine: it says nothing of now
            self._failures = 0
            return self._go(self._at_rest(), "the task it was tried with succeeded")
        if self.state is not PolicyState.QUARANTINED:
            self._failures = 0
        return None

    def _failed(self, passed: Pass, outcome: Outcome) -> EnforcementChange | None:
        if self.state is PolicyState.HALF_OPEN:
            if passed is not Pass.PROBE:
                return None
            return self._quarantine(f"the task it was tried with failed ({outcome.code})")
        if self.state is PolicyState.QUARANTINED:
            return None
        self._failures += 1
        limit = self._terms.on_consecutive_failures
        if limit is not None and self._failures >= limit:
            return self._quarantine(f"{self._failures} failures in a row, the last one {outcome.code}")
        if self._exhausted and self._terms.on_exhausted == "quarantine":
            return self._quarantine(f"a failure ({outcome.code}) while {self._spent()}")
        return None

    # --- the budget ----------------------------------------------------------------------------------

    def watch(self, slo: SloEngine) -> None:
        """Follow the budgets of the swarm's objectives from now on, until `unwatch`."""
        if not self.watches_budget:
            return
        self._unsubscribe = slo.alerts.subscribe(self.slo_changed)
        for objective in slo.snapshot().objectives:
            if objective.state is AlertState.EXHAUSTED:
                # Known from before the load, which was an operator's act: it is not shut off again for the past.
                self._budget(objective.name, spent=True, at_load=True)

    def unwatch(self) -> None:
        """The swarm is gone, or replaced. Idempotent."""
        unsubscribe, self._unsubscribe = self._unsubscribe, None
        if unsubscribe is not None:
            unsubscribe()

    def slo_changed(self, change: StateChange) -> None:
        """An alert of the swarm changed; only objectives as a whole matter."""
        if change.tier is None:
            self._budget(change.objective, spent=change.current is AlertState.EXHAUSTED, at_load=False)

    def _budget(self, objective: str, *, spent: bool, at_load: bool) -> None:
        with self._lock:
            known = objective in self._exhausted
            (self._exhausted.add if spent else self._exhausted.discard)(objective)
            change = None
            if self._terms.on_exhausted == "throttle" and self.state in {PolicyState.CLOSED, PolicyState.THROTTLED}:
                if self._at_rest() is not self.state:
                    change = self._go(self._at_rest(), self._spent() or "the error budget has room again")
                    self._next_ns = self._clock_ns()
            elif spent and not known and not at_load and self.state is PolicyState.CLOSED:
                change = self._quarantine(self._spent())
        self._announce(change)

    # --- what it is now ------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Plain data: ``state reason since retry_in_seconds consecutive_failures changes``."""
        with self._lock:
            waiting = self.state in {PolicyState.QUARANTINED, PolicyState.THROTTLED}
            left_ns = max(0, self._next_ns - self._clock_ns()) if waiting else 0
            return {
                "state": self.state.value,
                "reason": self._reason,
                "since": self._since,
                "retry_in_seconds": left_ns / _NS,
                "consecutive_failures": self._failures,
                "changes": self._changes,
            }

    def _spent(self) -> str:
        names = " and ".join(sorted(self._exhausted))
        return f"the error budget of {names} is spent" if names else ""

    def _at_rest(self) -> PolicyState:
        throttles = self._exhausted and self._terms.on_exhausted == "throttle"
        return PolicyState.THROTTLED if throttles else PolicyState.CLOSED

    def _quarantine(self, reason: str) -> EnforcementChange:
        self._next_ns = self._clock_ns() + self._interval_ns
        self._probing = False
        return self._go(PolicyState.QUARANTINED, reason)

    def _go(self, state: PolicyState, reason: str) -> EnforcementChange:
        previous, self.state = self.state, state
        self._reason, self._since = reason, self._wall_clock()
        self._changes += 1
        lasts = state in {PolicyState.QUARANTINED, PolicyState.THROTTLED}
        return EnforcementChange(
            number=self._changes,
            at=self._since,
            swarm_id=self._swarm_id,
            previous=previous,
            current=state,
            reason=reason,
            retry_after_seconds=self._terms.retry_after_seconds if lasts else None,
        )

    def _announce(self, change: EnforcementChange | None) -> None:
        if change is not None:
            self._tell(change)
