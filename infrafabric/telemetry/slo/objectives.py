"""What a swarm was promised, as exact integers: the objectives behind every SLO number.

Percentages arrive as the decimal text a person wrote (99.9) and become integer ratios (999/1000), because a
burn rate compared in binary fractions fires one event too early or too late. Taking the contract record itself
was rejected: the SLO engine then could not measure anything a contract does not describe, such as a replayed log.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

import attrs

#: Names of the objectives, in the order of every table.
OBJECTIVES: Final = ("availability", "latency", "throughput")

#: Length of a throughput slice: served is compared with offered over this time.
SLICE_NS: Final = 10 * 10**9

#: Shortest and longest SLO period, in seconds: one hour and ninety days.
PERIOD_SECONDS_MIN: Final = 3_600
PERIOD_SECONDS_MAX: Final = 90 * 86_400

_MAX_TARGET: Final = 1e12


def exact_ratio(number: float) -> tuple[int, int]:
    """Numerator and denominator of the decimal a person wrote.

    >>> exact_ratio(99.9)
    (999, 10)
    """
    return Decimal(str(number)).as_integer_ratio()


@attrs.frozen(kw_only=True)
class Objective:
    """One promise: which share of which events must be good.

    ``budget`` is the exact share that may be bad, as numerator and denominator. ``threshold`` is the latency
    target in seconds, the throughput target in tasks per second, or None. ``event`` says what is counted.
    """

    name: str
    objective_percent: float
    budget: tuple[int, int]
    threshold: float | None
    event: str
    minimum_bucket_ns: int = 0

    @property
    def budget_ratio(self) -> float:
        """The share of events that may be bad, > 0 and < 1."""
        return self.budget[0] / self.budget[1]

    @property
    def objective_ratio(self) -> float:
        """The share of events that must be good, > 0 and < 1."""
        return (self.budget[1] - self.budget[0]) / self.budget[1]


def _in_range(name: str, number: object, low: float, high: float, unit: str) -> None:
    """Refuse what is no finite number strictly between ``low`` and ``high``."""
    plain = isinstance(number, int | float) and not isinstance(number, bool)
    if not plain or not math.isfinite(number) or not low < number < high:  # type: ignore[arg-type,operator]
        raise ValueError(f"{name} is {number!r}; expected a number {unit} above {low:g} and below {high:g}")


@attrs.frozen(kw_only=True)
class ObjectiveTargets:
    """The ``slos`` of a contract as plain numbers; a target of None leaves its objective out.

    Percentages are > 0 and < 100 (100 % leaves no budget to burn), the period is a whole number of seconds from
    one hour to ninety days. `ValueError` names the field, the number and the range.
    """

    target_availability_percent: float | None = 99.9
    target_latency_ms: float | None = 100
    latency_objective_percent: float = 99
    target_throughput_rps: float | None = 10
    throughput_objective_percent: float = 99
    period_seconds: int = 30 * 86_400

    def __attrs_post_init__(self) -> None:
        for name in ("target_availability_percent", "latency_objective_percent", "throughput_objective_percent"):
            percent = getattr(self, name)
            if percent is not None or name != "target_availability_percent":
                _in_range(name, percent, 0, 100, "(percent)")
        for name, unit in (("target_latency_ms", "of milliseconds"), ("target_throughput_rps", "of tasks per second")):
            target = getattr(self, name)
            if target is not None:
                _in_range(name, target, 0, _MAX_TARGET, unit)
        period = self.period_seconds
        if type(period) is not int or not PERIOD_SECONDS_MIN <= period <= PERIOD_SECONDS_MAX:
            raise ValueError(
                f"period_seconds is {period!r}; expected a whole number of seconds from {PERIOD_SECONDS_MIN} "
                f"(1 hour) to {PERIOD_SECONDS_MAX} (90 days)"
            )
        if not self.objectives():
            raise ValueError("every target is None; expected at least one of availability, latency and throughput")

    def objectives(self) -> tuple[Objective, ...]:
        """The objectives that have a target, in the order of `OBJECTIVES`."""
        rows: tuple[tuple[str, float | None, float | None, str, int], ...] = (
            ("availability", self.target_availability_percent, None, "task", 0),
            ("latency", self.latency_objective_percent, self.target_latency_ms, "successful task", 0),
            ("throughput", self.throughput_objective_percent, self.target_throughput_rps, "10-second slice", SLICE_NS),
        )
        found = []
        for name, percent, threshold, event, minimum_bucket_ns in rows:
            if percent is None or (threshold is None and name != "availability"):
                continue
            good, whole = exact_ratio(percent)
            objective = Objective(
                name=name,
                objective_percent=percent,
                budget=exact_share(100 * whole - good, 100 * whole),
                threshold=threshold / 1000 if name == "latency" and threshold is not None else threshold,
                event=event,
                minimum_bucket_ns=minimum_bucket_ns,
            )
            found.append(objective)
        return tuple(found)

    @property
    def latency_target_ns(self) -> int:
        """The slowest latency that is still good, in whole nanoseconds; 0 without a latency target."""
        if self.target_latency_ms is None:
            return 0
        numerator, denominator = exact_ratio(self.target_latency_ms)
        return numerator * 10**6 // denominator

    @property
    def slice_target(self) -> tuple[int, int]:
        """Tasks that a slice must serve when that many are offered, as an exact ratio; (0, 1) without a target."""
        if self.target_throughput_rps is None:
            return 0, 1
        numerator, denominator = exact_ratio(self.target_throughput_rps)
        return exact_share(numerator * (SLICE_NS // 10**9), denominator)


def exact_share(numerator: int, denominator: int) -> tuple[int, int]:
    """The ratio in lowest terms, so that later products stay small integers."""
    divisor = math.gcd(numerator, denominator)
    return numerator // divisor, denominator // divisor
