"""Which swarm and task a span or a measurement is about, with a bound on how many different ones there are.

An SDK keeps memory for every set of attributes it ever saw, and a caller may ask for a task of any name.
"""

from __future__ import annotations

from typing import Final

from infrafabric.telemetry.otel import instruments as names

#: OpenTelemetry's own limit of attribute sets for one instrument; not every SDK keeps it.
MAX_SERIES: Final = 2000


class Series:
    """The attributes of one swarm's task, made once."""

    __slots__ = ("_by_outcome", "of_span")

    def __init__(self, swarm_id: str, task_name: str, version: str) -> None:
        self.of_span = {names.SWARM: swarm_id, names.TASK: task_name, names.VERSION: version}
        self._by_outcome: dict[str, dict[str, str]] = {}

    def ended(self, outcome: str) -> dict[str, str]:
        """The attributes of a duration."""
        known = self._by_outcome.get(outcome)
        if known is None:
            known = {names.SWARM: self.of_span[names.SWARM], names.TASK: self.of_span[names.TASK]}
            if outcome != "success":
                known[names.ERROR] = outcome
            self._by_outcome[outcome] = known
        return known


class SeriesBook:
    """Names the series of this process; beyond `MAX_SERIES` of swarm and task, new ones share one name."""

    def __init__(self, most: int = MAX_SERIES) -> None:
        self._most = most
        self._known: set[tuple[str, str]] = set()

    def series(self, swarm_id: str, task_name: str | None, version: str) -> Series:
        """The series of a task; None stands for all that the swarm does not have."""
        if task_name is None:
            task_name = names.OTHER
        pair = (swarm_id, task_name)
        if pair not in self._known:
            if len(self._known) >= self._most:
                return Series(names.OTHER, names.OTHER, version)
            self._known.add(pair)
        return Series(swarm_id, task_name, version)
