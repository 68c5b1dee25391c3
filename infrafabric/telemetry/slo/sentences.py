"""What each number of a snapshot means: the lines of every record, by where the record stands in the snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infrafabric.telemetry.slo import objective_sentences as objective
from infrafabric.telemetry.slo import swarm_sentences as swarm

if TYPE_CHECKING:
    from infrafabric.telemetry.slo.line import Line

#: What an objective calls good and bad.
GOOD: Final = {
    "availability": "succeeded",
    "latency": "ended within the target",
    "throughput": "served all that was offered, or the target",
}
BAD: Final = {
    "availability": "failed by the guest's own fault",
    "latency": "took longer than the target",
    "throughput": "served less than the target while tasks were turned away as busy",
}
#: What a state says, after the name of what is in it.
STATES: Final = {
    "unreachable": "can never fire: no error ratio exceeds its factor times the budget",
    "no_data": "has seen no event",
    "insufficient_data": "has seen too few events, or too few bad ones, to judge",
    "inactive": "is quiet: nothing burns too fast",
    "recovering": "has burnt too fast over a long window, but no longer does over the short one",
    "increasing": "burns too fast over a short window, but not yet over the long one",
    "firing": "burns too fast, over a long window and over the short one",
    "exhausted": "has no error budget left in this period",
}

#: Lines by the record they belong to.
GROUPS: Final[dict[str, dict[str, Line]]] = {
    "snapshot": swarm.SNAPSHOT,
    "snapshot.coverage": swarm.COVERAGE,
    "snapshot.percentiles": swarm.PERCENTILES,
    "snapshot.failures": swarm.ending("the guest is to blame, so each burns the availability budget"),
    "snapshot.excluded": swarm.ending("the guest is not to blame, so none burns a budget"),
    "snapshot.refused": swarm.ending("the operator's limits turned them away, which burns no availability budget"),
    "snapshot.exclusions": swarm.EXCLUSION,
    "objective": objective.OBJECTIVE,
    "objective.budget": objective.BUDGET,
    "objective.raw": objective.RAW,
    "objective.burn_rates": objective.BURN,
    "objective.alerts": objective.ALERT,
    "objective.dropped": objective.DROPPED,
}

#: Numbers that no event changes, and that therefore have no window, by the record they belong to.
UNCOUNTED: Final[dict[str, frozenset[str]]] = {
    "snapshot": frozenset({"taken_at", "period_seconds"}),
    "snapshot.percentiles": frozenset({"window_seconds"}),
    "snapshot.exclusions": frozenset(swarm.EXCLUSION),
    "objective": frozenset({"objective_ratio", "target", "since"}),
    "objective.budget": frozenset({"ratio"}),
    "objective.burn_rates": frozenset({"seconds", "bucket_seconds", "threshold"}),
    "objective.alerts": frozenset(objective.ALERT) - {"state", "long_burn_rate", "short_burn_rate"},
    "objective.dropped": frozenset(objective.DROPPED),
}
