"""Advice about objectives: whether they can be met, missed and alerted on at all. See `lint`."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import attrs

from infrafabric.contract import advice_rules as rules
from infrafabric.contract.alert_tiers import ALERT_TIERS, SLICE_SECONDS, AlertTier, budget_of
from infrafabric.contract.problems import Problems, join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from infrafabric.contract.objectives import ServiceObjectives
    from infrafabric.contract.resource_limits import ResourceLimits
    from infrafabric.contract.service_contract import ServiceContract

#: Objective, the field of its percentage, and how many seconds one of its events lasts.
_OBJECTIVES = (
    ("availability", "target_availability_percent", 0),
    ("latency", "latency_objective_percent", 0),
    ("throughput", "throughput_objective_percent", SLICE_SECONDS),
)
_LIMITS = "resource_limits"


@attrs.frozen(kw_only=True, eq=False)
class _Scope:
    """Objectives to judge: those of the swarm, or of one task. Only the ``own`` fields are its to answer for."""

    path: str
    slos: ServiceObjectives
    own: frozenset[str]


def judge_objectives(contract: ServiceContract, problems: Problems, written: Callable[[str], bool]) -> None:
    """Add the advice about the objectives of the swarm, and about those that tasks have of their own."""
    for scope in _scopes(contract):
        _judge_targets(scope, contract.resource_limits, problems, written)
        for objective in _OBJECTIVES:
            _judge_alerts(scope, *objective, problems, written)
    _judge_period(contract.slos.period_seconds, problems)


def _scopes(contract: ServiceContract) -> Iterator[_Scope]:
    yield _Scope(path="slos", slos=contract.slos, own=frozenset(contract.slos))
    for name, task in contract.tasks.items():
        if task.slos is not None:
            own = frozenset(field for field, value in task.slos.items() if value is not None)
            yield _Scope(path=join(join("tasks", name), "slos"), slos=task.slos.over(contract.slos), own=own)


def _judge_targets(scope: _Scope, limits: ResourceLimits, problems: Problems, written: Callable[[str], bool]) -> None:
    slos = scope.slos
    limit_ms = limits.max_execution_time_seconds * 1000
    path = f"{scope.path}.target_latency_ms"
    if "target_latency_ms" in scope.own and slos.target_latency_ms > limit_ms:
        limit = f"{_LIMITS}.max_execution_time_seconds"
        message = (
            f"a target of {slos.target_latency_ms:,} ms can never be missed: tasks are ended after {limit_ms:,g} ms"
        )
        problems.add(rules.LATENCY_ABOVE_LIMIT, first(written, path, limit), message, f"lower {path}, or raise {limit}")
    path = f"{scope.path}.target_throughput_rps"
    rate = limits.max_api_calls_per_second
    if "target_throughput_rps" in scope.own and slos.target_throughput_rps > rate:
        limit = f"{_LIMITS}.max_api_calls_per_second"
        message = f"{slos.target_throughput_rps:,} tasks a second are promised, {rate:,} admitted"
        problems.add(
            rules.THROUGHPUT_ABOVE_RATE, first(written, path, limit), message, f"raise {limit}, or lower {path}"
        )


def _judge_alerts(
    scope: _Scope, name: str, field: str, event_seconds: int, problems: Problems, written: Callable[[str], bool]
) -> None:
    budget = budget_of(scope.slos[field])
    unreachable = [tier for tier in ALERT_TIERS if not tier.can_fire(budget)]
    if unreachable and field in scope.own:
        _add_unreachable(scope, field, unreachable, problems)
    period, rate = scope.slos.period_seconds, Fraction(scope.slos.target_throughput_rps)
    few = [
        tier
        for tier in ALERT_TIERS
        if tier.can_fire(budget)
        and tier.is_watched(period, event_seconds)
        and _expected(tier, period, rate, event_seconds) < tier.events_for_one(budget)
    ]
    if few and scope.own & {field, "target_throughput_rps"}:
        count = float(_expected(few[0], period, rate, event_seconds))
        what = f"slices of {event_seconds} s" if event_seconds else "tasks"
        paths = [f"{scope.path}.{key}" for key in ("target_throughput_rps", field) if key in scope.own]
        problems.add(
            rules.FEW_EVENTS,
            first(written, *paths),
            f"at {float(rate):g} tasks a second, one failure alone exceeds the {name} alerts: {_names(few)} "
            f"(a window of {float(few[0].long_seconds(period)):,g} s then holds about {count:,.3g} {what})",
            f"choose a longer slos.period or a lower {scope.path}.{field}, or expect alerts from the second failure on",
        )


def _add_unreachable(scope: _Scope, field: str, unreachable: list[AlertTier], problems: Problems) -> None:
    percent = scope.slos[field]
    pages = [tier for tier in ALERT_TIERS if tier.severity == "page"]
    nobody = set(pages) <= set(unreachable)
    wanted = pages[-1] if nobody else unreachable[0]
    problems.add(
        rules.ALERT_UNREACHABLE,
        f"{scope.path}.{field}",
        f"a total outage burns the budget of {percent:g} % only {_short(1 / budget_of(percent))} times as fast as "
        f"allowed; {_names(unreachable)} can never fire{', so nobody is ever paged' if nobody else ''}",
        f"set an objective of at least {math.ceil(100 * (100 - 100 / wanted.factor)) / 100:g}",
        severity="error" if nobody else None,
    )


def _judge_period(period: int, problems: Problems) -> None:
    missing = []
    for events, event_seconds in (("availability and latency", 0), ("throughput", SLICE_SECONDS)):
        dropped = [tier for tier in ALERT_TIERS if not tier.is_watched(period, event_seconds)]
        if dropped:
            missing.append(f"{events} lack {_names(dropped)}")
    if missing:
        message = f"its alert windows are too short to count in: {' and '.join(missing)}"
        problems.add(rules.PERIOD_TOO_SHORT, "slos.period", message, "choose a period of 3d or longer")


def _expected(tier: AlertTier, period: int, rate: Fraction, event_seconds: int) -> Fraction:
    """How many events the tier's long window holds when exactly the promised throughput is asked for."""
    seconds = tier.long_seconds(period)
    return seconds / event_seconds if event_seconds else seconds * rate


def first(written: Callable[[str], bool], *paths: str) -> str:
    """The first of the paths that is written, else the first."""
    return next((path for path in paths if written(path)), paths[0])


def _names(tiers: Iterable[AlertTier]) -> str:
    names = [f"the {tier.severity} at {_short(tier.factor)}x" for tier in tiers]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _short(number: Fraction) -> str:
    return f"{float(number):.4g}"
