"""A task and its swarm's budget policy: whom it lets in, what it learns of a task's end, who leaves it unheard.

Functions, apart from the eight steps of a task: most contracts only observe, and have no policy to ask.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from infrafabric.chassis.policy import Pass, PolicyState
from infrafabric.chassis.refusal import turned_away
from infrafabric.errors import Blame

if TYPE_CHECKING:
    from infrafabric.chassis.policy import Policy
    from infrafabric.chassis.refusal import Refused
    from infrafabric.chassis.task import Task
    from infrafabric.errors import Outcome


def ask(task: Task, policy: Policy, *, wait: bool) -> float:
    """Ask the policy first: whom it turns away costs no rate. As `Task.admit_rate`."""
    answer = policy.admit()
    if isinstance(answer, Pass):
        task.passed = answer
        return 0.0
    seconds = answer.retry_after_seconds
    if wait and answer.state is PolicyState.THROTTLED and seconds < (task.deadline_ns - time.monotonic_ns()) / 1e9:
        return seconds
    raise turned_away(task.swarm, answer)


def turned_since(task: Task) -> Refused | None:
    """Why a task that was let in is turned away after all: the policy has changed its mind while it waited."""
    policy, passed = task.swarm.policy, task.passed
    turned = policy.still(passed) if policy is not None and passed is not None else None
    return None if turned is None else turned_away(task.swarm, turned)


def teach(task: Task, outcome: Outcome, blame: Blame | None) -> None:
    """Tell the policy how the task ended; a failure may be the one that spends the budget."""
    policy, passed, task.passed = task.swarm.policy, task.passed, None
    if policy is None or passed is None:
        return
    if blame is Blame.GUEST and policy.watches_budget:
        task.swarm.slo.evaluate()
    policy.ended(passed, outcome, outcome.blame if blame is None else blame)


def leave_unheard(task: Task) -> None:
    """A task of which the policy learns nothing leaves its place to the next."""
    passed, task.passed = task.passed, None
    if passed is not None and task.swarm.policy is not None:
        task.swarm.policy.give_back(passed)
