"""The budget policy's states, on a clock that the test turns."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from infrafabric.chassis.policy import EnforcementChange, Pass, Policy, PolicyState, Turned
from infrafabric.contract import Enforcement
from infrafabric.errors import Blame, Outcome
from infrafabric.telemetry import AlertState, ObjectiveTargets, SloEngine, StateChange
from infrafabric.testing import FakeClock

_CALLERS = [
    (Outcome.INVALID_PARAMS, Blame.CALLER),
    (Outcome.CANCELLED, Blame.CALLER),
    (Outcome.TIMEOUT, Blame.CALLER),
    (Outcome.BUSY, Blame.OPERATOR),
    (Outcome.RATE_LIMITED, Blame.OPERATOR),
    (Outcome.HOST_EXHAUSTED, Blame.OPERATOR),
    (Outcome.INTERNAL, Blame.HOST),
]


class World:
    """A policy, its clock, and every change it told."""

    def __init__(self, **terms: Any) -> None:
        self.clock = FakeClock()
        self.changes: list[EnforcementChange] = []
        self.policy = Policy(
            Enforcement(retry_after_seconds=30, **terms),
            "s",
            self.changes.append,
            clock_ns=self.clock,
            wall_clock=lambda: self.clock.now_ns / 1e9,
        )

    def run(self, outcome: Outcome = Outcome.SUCCESS, blame: Blame | None = None) -> Pass | Turned:
        """Let one task in and end it at once; what it was let in as, or turned away with."""
        answer = self.policy.admit()
        if isinstance(answer, Pass):
            self.policy.ended(answer, outcome, outcome.blame if blame is None else blame)
        return answer

    def trap(self) -> Pass | Turned:
        """Run a task that traps."""
        return self.run(Outcome.TRAP)

    def budget(self, current: AlertState, objective: str = "availability") -> None:
        """Tell of an objective's new state."""
        self.policy.slo_changed(
            StateChange(
                number=1,
                at=0.0,
                subject="s",
                objective=objective,
                tier=None,
                severity=None,
                previous=AlertState.INACTIVE,
                current=current,
                long_burn_rate=None,
                short_burn_rate=None,
            )
        )

    @property
    def state(self) -> str:
        """The state it is in."""
        return self.policy.state.value

    @property
    def path(self) -> list[str]:
        """The states it went through."""
        return [change.current.value for change in self.changes]


def test_so_many_failures_in_a_row_shut_it_off_and_one_fewer_does_not() -> None:
    """Two failures, a success, and two more leave it open; the third in a row does not."""
    world = World(on_consecutive_failures=3)
    for outcome in (Outcome.TRAP, Outcome.TIMEOUT, Outcome.SUCCESS, Outcome.TRAP, Outcome.GUEST_ERROR):
        assert world.run(outcome) is Pass.FREE
    assert world.state == "closed"
    assert world.trap() is Pass.FREE
    assert world.state == "quarantined"
    assert world.changes[0].reason == "3 failures in a row, the last one trap"
    turned = world.run()
    assert isinstance(turned, Turned)
    assert turned.retry_after_seconds == 30


@pytest.mark.parametrize(("outcome", "blame"), _CALLERS, ids=lambda value: str(getattr(value, "value", value)))
def test_what_is_not_the_guests_fault_counts_neither_way(outcome: Outcome, blame: Blame) -> None:
    """It neither adds to the failures in a row nor ends the row."""
    world = World(on_consecutive_failures=2)
    world.trap()
    for _ in range(10):
        world.run(outcome, blame)
    assert world.state == "closed"
    world.trap()
    assert world.state == "quarantined"


def test_it_is_tried_again_with_one_task_not_before_its_time() -> None:
    """A moment before the time it is still shut; then one task gets in, and its success opens it."""
    world = World(on_consecutive_failures=1)
    world.trap()
    world.clock.advance(seconds=30, ns=-1)
    assert isinstance(world.policy.admit(), Turned)
    world.clock.advance(ns=1)
    assert world.policy.admit() is Pass.PROBE
    second = world.policy.admit()
    assert isinstance(second, Turned)
    assert second.state is PolicyState.HALF_OPEN
    assert 0 < second.retry_after_seconds <= 1
    world.policy.ended(Pass.PROBE, Outcome.SUCCESS, Blame.NOBODY)
    assert world.run() is Pass.FREE
    assert world.path == ["quarantined", "half_open", "closed"]
    assert [change.number for change in world.changes] == [1, 2, 3]


def test_a_probe_that_fails_shuts_it_off_for_as_long_again() -> None:
    """The time begins anew with the probe's end."""
    world = World(on_consecutive_failures=1)
    world.trap()
    world.clock.advance(seconds=31)
    assert world.trap() is Pass.PROBE
    world.clock.advance(seconds=29.9)
    assert isinstance(world.run(), Turned)
    world.clock.advance(seconds=0.1)
    assert world.run() is Pass.PROBE
    assert world.path == ["quarantined", "half_open", "quarantined", "half_open", "closed"]


@pytest.mark.parametrize("outcome", [None, Outcome.CANCELLED, Outcome.INTERNAL], ids=str)
def test_a_probe_that_says_nothing_leaves_its_place_to_the_next(outcome: Outcome | None) -> None:
    """Refused later on, cancelled, or ended by our own fault: the next task is the probe."""
    world = World(on_consecutive_failures=1)
    world.trap()
    world.clock.advance(seconds=30)
    assert world.policy.admit() is Pass.PROBE
    if outcome is None:
        world.policy.give_back(Pass.PROBE)
    else:
        world.policy.ended(Pass.PROBE, outcome, outcome.blame)
    assert world.state == "half_open"
    assert world.run() is Pass.PROBE
    assert world.state == "closed"


def test_tasks_from_before_a_quarantine_neither_open_nor_extend_it() -> None:
    """What was let in before says nothing of now; but a task that still waits is turned away."""
    world = World(on_consecutive_failures=1)
    early = [world.policy.admit() for _ in range(3)]
    world.trap()
    turned = world.policy.still(Pass.FREE)
    assert turned is not None
    assert turned.retry_after_seconds == 30
    world.clock.advance(seconds=30)
    assert world.policy.admit() is Pass.PROBE
    for passed, outcome in zip(early, (Outcome.SUCCESS, Outcome.TRAP, Outcome.SUCCESS), strict=True):
        assert passed is Pass.FREE
        world.policy.ended(passed, outcome, outcome.blame)
    assert world.state == "half_open"
    assert world.policy.still(Pass.PROBE) is None


def test_a_spent_budget_quarantines_and_again_at_each_further_failure() -> None:
    """After a probe succeeded it is open, with no failure left to spend."""
    world = World(on_exhausted="quarantine")
    for _ in range(5):
        world.trap()
    assert world.state == "closed"
    world.budget(AlertState.EXHAUSTED)
    assert world.state == "quarantined"
    assert world.changes[0].reason == "the error budget of availability is spent"
    world.budget(AlertState.EXHAUSTED, "latency")
    assert world.path == ["quarantined"]
    world.clock.advance(seconds=30)
    world.run()
    world.run()
    assert world.state == "closed"
    world.trap()
    assert world.changes[-1].reason == "a failure (trap) while the error budget of availability and latency is spent"
    world.clock.advance(seconds=30)
    world.run()
    for objective in ("availability", "latency"):
        world.budget(AlertState.INACTIVE, objective)
    world.trap()
    assert world.state == "closed"


def test_a_spent_budget_throttles_to_one_task_an_interval_until_it_has_room() -> None:
    """The first one may come at once, the next after retry_after_seconds, failures or not."""
    world = World(on_exhausted="throttle")
    world.budget(AlertState.EXHAUSTED)
    assert world.trap() is Pass.TURN
    turned = world.run()
    assert isinstance(turned, Turned)
    assert (turned.state, turned.retry_after_seconds) == (PolicyState.THROTTLED, 30)
    world.clock.advance(seconds=30)
    assert world.policy.admit() is Pass.TURN
    world.policy.give_back(Pass.TURN)
    assert world.trap() is Pass.TURN
    world.budget(AlertState.FIRING)
    assert world.run() is Pass.FREE
    assert world.path == ["throttled", "closed"]


def test_a_throttled_swarm_that_fails_in_a_row_is_quarantined_and_comes_back_throttled() -> None:
    """Both rules of a contract hold at once."""
    world = World(on_exhausted="throttle", on_consecutive_failures=2)
    world.budget(AlertState.EXHAUSTED)
    for _ in range(2):
        world.trap()
        world.clock.advance(seconds=30)
    world.run()
    assert world.path == ["throttled", "quarantined", "half_open", "throttled"]
    world.budget(AlertState.INACTIVE)
    assert world.path[-1] == "closed"


@pytest.mark.parametrize(
    ("mode", "state"), [("throttle", "throttled"), ("quarantine", "closed"), ("observe", "closed")]
)
def test_a_budget_spent_before_the_load_is_known_at_the_load(mode: str, state: str) -> None:
    """Throttling goes on; a quarantine waits for the next failure, because the load was somebody's decision."""
    engine = SloEngine(ObjectiveTargets())
    for _ in range(20):
        engine.record(Outcome.TRAP)
    engine.evaluate()
    world = World(on_exhausted=mode, on_consecutive_failures=10)
    world.policy.watch(engine)
    assert world.state == state
    world.policy.watch(engine)
    world.trap()
    assert (world.state == "quarantined") == (mode == "quarantine")
    world.policy.unwatch()
    world.policy.unwatch()


def test_what_it_is_now_is_plain_data() -> None:
    """State, reason, since when, how long yet, failures in a row and changes."""
    world = World(on_consecutive_failures=1)
    world.clock.advance(seconds=5)
    world.trap()
    world.clock.advance(seconds=10)
    assert world.policy.to_dict() == {
        "state": "quarantined",
        "reason": "1 failures in a row, the last one trap",
        "since": 5.0,
        "retry_in_seconds": 20.0,
        "consecutive_failures": 1,
        "changes": 1,
    }


def test_among_threads_there_is_one_probe() -> None:
    """Of many threads that come at once, one is let in."""
    world = World(on_consecutive_failures=1)
    world.trap()
    world.clock.advance(seconds=30)
    answers: list[Pass | Turned] = []
    start = threading.Barrier(8)

    def come() -> None:
        start.wait()
        answers.append(world.policy.admit())

    threads = [threading.Thread(target=come) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(Pass.PROBE) == 1
    assert world.path == ["quarantined", "half_open"]
