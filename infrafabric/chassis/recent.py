"""The last failures of a swarm: kept for whoever looks, in fixed memory, at no cost to tasks that succeed.

Two rings, because refusals come in floods: a thousand calls over the rate must not push out the trap that somebody is
looking for. Keeping whole results was rejected: they hold outputs, and logs beyond any bound that matters here.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

import attrs

from infrafabric.errors import Outcome, escape

if TYPE_CHECKING:
    from infrafabric.chassis.results import TaskResult
    from infrafabric.errors import Blame

#: So many failures of tasks that ran are remembered, and so many of tasks that were turned away.
FAILURES_KEPT: Final = 50
#: A message, and a task's name, are cut at so many characters.
_MESSAGE_CHARACTERS: Final = 1024
_NAME_CHARACTERS: Final = 200
#: Ways in which a task is turned away before any guest code ran.
TURNED_AWAY: Final = frozenset(
    outcome for outcome in Outcome if outcome.refused or outcome in {Outcome.INVALID_PARAMS, Outcome.UNKNOWN_TASK}
)


@attrs.frozen(kw_only=True)
class RecentFailure:
    """A task that did not succeed. ``at`` is epoch seconds; ``trace_id`` is None where its span was not recorded."""

    at: float
    task_name: str
    outcome: Outcome
    blame: Blame
    message: str
    execution_seconds: float
    trace_id: str | None


class RecentFailures:
    """The last failures of one swarm id, through its replacements. Any thread may call."""

    __slots__ = ("_lock", "_ran", "_turned_away")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ran: deque[RecentFailure] | None = None  # most swarms never fail
        self._turned_away: deque[RecentFailure] | None = None

    def add(self, result: TaskResult, trace_id: str | None) -> None:
        """Remember a result that is no success."""
        failure = RecentFailure(
            at=time.time(),
            task_name=escape(result.task_name, _NAME_CHARACTERS),
            outcome=result.outcome,
            blame=result.blame,
            message=escape(str(result.error), _MESSAGE_CHARACTERS),
            execution_seconds=result.execution_time_seconds,
            trace_id=trace_id,
        )
        with self._lock:
            if failure.outcome in TURNED_AWAY:
                self._turned_away = _appended(self._turned_away, failure)
            else:
                self._ran = _appended(self._ran, failure)

    def newest_first(self) -> list[RecentFailure]:
        """All that are remembered."""
        with self._lock:
            found = [*(self._ran or ()), *(self._turned_away or ())]
        return sorted(found, key=lambda failure: failure.at, reverse=True)


def _appended(ring: deque[RecentFailure] | None, failure: RecentFailure) -> deque[RecentFailure]:
    ring = deque(maxlen=FAILURES_KEPT) if ring is None else ring
    ring.append(failure)
    return ring
