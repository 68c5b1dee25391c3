"""The witness: one JSON record for each thing that happens to a swarm, on the logger ``infrafabric.witness``.

Events: ``loaded``, ``load_failed``, ``replaced``, ``unloaded``, ``task_ended``, ``limit_hit``, ``slo_state_changed``,
``enforcement_changed``, and ``slo_history_set_aside``, ``slo_history_unreadable``, ``slo_history_not_saved`` where a
state folder is kept. Every record has ``event``, ``swarm_id`` and ``at`` (epoch seconds); levels are INFO for what was
asked for, WARNING for failures and limits.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

from infrafabric.errors import Blame, Outcome

if TYPE_CHECKING:
    from infrafabric.chassis.results import TaskResult

LOGGER = logging.getLogger("infrafabric.witness")

#: Outcomes that are a contract's limit doing its work.
LIMITS = frozenset(
    {
        Outcome.TIMEOUT,
        Outcome.MEMORY_EXCEEDED,
        Outcome.FUEL_EXHAUSTED,
        Outcome.RATE_LIMITED,
        Outcome.BUSY,
        Outcome.HOST_EXHAUSTED,
        Outcome.QUARANTINED,
    }
)


class Witness:
    """Writes the records, when it is enabled and somebody listens."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled

    def listens(self) -> bool:
        """Whether what was asked for is written, too."""
        return self.enabled and LOGGER.isEnabledFor(logging.INFO)

    def event(self, event: str, swarm_id: str, *, level: int = logging.INFO, **facts: Any) -> None:
        """Write one record."""
        if self.enabled and LOGGER.isEnabledFor(level):
            record = {"event": event, "swarm_id": swarm_id, "at": time.time(), **facts}
            LOGGER.log(level, "%s", json.dumps(record, ensure_ascii=True, default=str))

    def task_ended(self, result: TaskResult) -> None:
        """Write how a task ended, and which limit ended it."""
        if not self.enabled:
            return
        limit = result.outcome in LIMITS
        if not limit and not LOGGER.isEnabledFor(logging.INFO):
            return
        facts: dict[str, Any] = {
            "task_name": result.task_name,
            "status": result.status,
            "execution_time_seconds": result.execution_time_seconds,
        }
        if result.blame is not Blame.NOBODY:
            facts["blame"] = result.blame.value
            facts["error"] = str(result.error)
        if limit:
            self.event("limit_hit", result.swarm_id, level=logging.WARNING, **facts)
        self.event("task_ended", result.swarm_id, **facts)
