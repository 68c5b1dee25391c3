"""How well a swarm must serve: its targets, and the share of events that must meet them over a period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.contract import rules
from infrafabric.contract.data import MAX_EXACT_INT
from infrafabric.contract.fields import Looser, field
from infrafabric.contract.kinds import Number
from infrafabric.contract.problems import Problems, join, shown
from infrafabric.contract.record import Record
from infrafabric.contract.texts import PERIOD, PERIOD_SECONDS_MAX, PERIOD_SECONDS_MIN, period_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

_LATENCY = Number(minimum=0, above=True, maximum=MAX_EXACT_INT, unit="milliseconds")
_THROUGHPUT = Number(minimum=0, above=True, maximum=MAX_EXACT_INT, unit="tasks per second")
#: 100 percent has no error budget and 0 percent no meaning, so both are outside.
_OBJECTIVE = Number(minimum=0, above=True, maximum=100, below=True, unit="percent")


@attrs.frozen(kw_only=True, eq=False)
class ServiceObjectives(Record):
    """The service level objectives of one swarm (``slos`` in a contract)."""

    target_latency_ms: float = field(
        _LATENCY,
        "A successful task is fast enough when it takes at most this long.",
        enforced_by="telemetry",
        broken="the task is bad for the latency objective",
        default=100,
        looser="up",
    )
    target_throughput_rps: float = field(
        _THROUGHPUT,
        "Tasks the swarm serves in a second, as far as they are offered.",
        enforced_by="telemetry",
        broken="the slice of 10 seconds is bad for the throughput objective",
        default=10,
        looser="down",
    )
    target_availability_percent: float = field(
        _OBJECTIVE,
        "Share of tasks that must not fail by the guest's fault.",
        enforced_by="telemetry",
        broken="the availability objective burns its budget",
        default=99.9,
        looser="down",
    )
    latency_objective_percent: float = field(
        _OBJECTIVE,
        "Share of successful tasks that must meet target_latency_ms.",
        enforced_by="telemetry",
        broken="the latency objective burns its budget",
        default=99,
        looser="down",
    )
    throughput_objective_percent: float = field(
        _OBJECTIVE,
        "Share of busy slices of 10 seconds that must meet target_throughput_rps.",
        enforced_by="telemetry",
        broken="the throughput objective burns its budget",
        default=99,
        looser="down",
    )
    period: str = field(
        PERIOD,
        "The rolling period over which the objectives are judged, from 1h to 90d.",
        enforced_by="telemetry",
        default="30d",
    )

    @classmethod
    def cross_check(cls, values: Mapping[str, Any], path: str, problems: Problems) -> None:
        """A period is from one hour to ninety days, in whatever unit."""
        period = values.get("period")
        if period is not None and not PERIOD_SECONDS_MIN <= period_seconds(period) <= PERIOD_SECONDS_MAX:
            at = join(path, "period")
            problems.add(rules.BAD_NUMBER, at, f"expected a period from 1h to 90d, got {shown(period)}")

    @property
    def period_seconds(self) -> int:
        """How long ``period`` is."""
        return period_seconds(self.period)


def _own(kind: Number, doc: str, *, looser: Looser, example: float) -> Any:
    """A field of `TaskObjectives`."""
    return field(
        attrs.evolve(kind, nullable=True),
        f"{doc} Null: as in the swarm's slos.",
        enforced_by="telemetry",
        broken="the task's own objective burns its budget",
        default=None,
        looser=looser,
        examples=(example,),
    )


@attrs.frozen(kw_only=True, eq=False)
class TaskObjectives(Record):
    """How well one task must serve (``tasks.<name>.slos``), counted beside the swarm's objectives.

    What is left open is as in the swarm's ``slos``; the period always is.
    """

    target_latency_ms: float | None = _own(
        _LATENCY, "The task is fast enough when it takes at most this long.", looser="up", example=50
    )
    target_throughput_rps: float | None = _own(
        _THROUGHPUT, "Runs of this task served in a second, as far as they are offered.", looser="down", example=5
    )
    target_availability_percent: float | None = _own(
        _OBJECTIVE, "Share of its runs that must not fail by the guest's fault.", looser="down", example=99.5
    )
    latency_objective_percent: float | None = _own(
        _OBJECTIVE, "Share of its successful runs that must meet target_latency_ms.", looser="down", example=95
    )
    throughput_objective_percent: float | None = _own(
        _OBJECTIVE, "Share of busy slices of 10 seconds that must meet its throughput.", looser="down", example=95
    )

    def over(self, slos: ServiceObjectives) -> ServiceObjectives:
        """The task's objectives: its own where it has them, else the swarm's."""
        return slos.evolve(**{name: value for name, value in self.items() if value is not None})
