"""Advice about contracts that are valid: promises nobody can keep or measure, and modules that do not fit.

`lint` judges a contract; `advise` puts the advice beside what was found in its file, with lines and columns.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from infrafabric.contract import advice_rules as rules
from infrafabric.contract.alert_tiers import ALERT_TIERS, SLICE_SECONDS, AlertTier, budget_of
from infrafabric.contract.problems import Problems, join, nearest, shown
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from fractions import Fraction

    from infrafabric.contract.files import CheckedContract
    from infrafabric.contract.module_facts import ExportFacts, ModuleFacts
    from infrafabric.contract.service_contract import ServiceContract
    from infrafabric.contract.tasks import TaskContract
    from infrafabric.errors import Problem

_MIB = 1024 * 1024
#: Objective, the field of its percentage, and how many seconds one of its events lasts.
_OBJECTIVES = (
    ("availability", "target_availability_percent", 0),
    ("latency", "latency_objective_percent", 0),
    ("throughput", "throughput_objective_percent", SLICE_SECONDS),
)


def advise(
    checked: CheckedContract,
    *,
    known_capabilities: Collection[str] = (),
    module: ModuleFacts | None = None,
    ignore: Collection[str] = (),
) -> CheckedContract:
    """What was found in a file, with the advice about its contract, located. See `lint`."""
    if checked.contract is None or checked.document is None:
        return checked
    written = checked.document.is_written
    advice = lint(
        checked.contract, known_capabilities=known_capabilities, module=module, ignore=ignore, written=written
    )
    return attrs.evolve(checked, problems=checked.document.locate(advice))


def lint(
    contract: ServiceContract,
    *,
    known_capabilities: Collection[str] = (),
    module: ModuleFacts | None = None,
    ignore: Collection[str] = (),
    written: Callable[[str], bool] = lambda _path: True,
) -> tuple[Problem, ...]:
    """The advice about a valid contract, most of it with severity "warning"; what keeps it from loading is an "error".

    ``known_capabilities`` are those of a registry; without any, capabilities are not judged. ``module`` is judged
    against the contract when given. ``ignore`` holds ids of rules to leave out. Of two fields that do not go together
    the one that is ``written`` is named.
    """
    problems = Problems()
    _judge_targets(contract, problems, written)
    _judge_alerts(contract, problems, written)
    _judge_grants(contract, problems, known_capabilities, written)
    if module is not None:
        _judge_module(contract, module, problems)
    return tuple(problem for problem in problems.found if problem.rule not in ignore)


def _judge_targets(contract: ServiceContract, problems: Problems, written: Callable[[str], bool]) -> None:
    limits, slos = contract.resource_limits, contract.slos
    limit_ms = limits.max_execution_time_seconds * 1000
    if slos.target_latency_ms > limit_ms:
        problems.add(
            rules.LATENCY_ABOVE_LIMIT,
            _first(written, "slos.target_latency_ms", "resource_limits.max_execution_time_seconds"),
            f"a target of {slos.target_latency_ms:,} ms can never be missed: tasks are ended after {limit_ms:,g} ms",
            "lower slos.target_latency_ms, or raise resource_limits.max_execution_time_seconds",
        )
    if slos.target_throughput_rps > limits.max_api_calls_per_second:
        problems.add(
            rules.THROUGHPUT_ABOVE_RATE,
            _first(written, "slos.target_throughput_rps", "resource_limits.max_api_calls_per_second"),
            f"{slos.target_throughput_rps:,} tasks a second are promised, {limits.max_api_calls_per_second:,} admitted",
            "raise resource_limits.max_api_calls_per_second, or lower slos.target_throughput_rps",
        )


def _judge_alerts(contract: ServiceContract, problems: Problems, written: Callable[[str], bool]) -> None:
    slos = contract.slos
    period = slos.period_seconds
    for name, field, event_seconds in _OBJECTIVES:
        percent = slos[field]
        budget = budget_of(percent)
        unreachable = [tier for tier in ALERT_TIERS if not tier.can_fire(budget)]
        if unreachable:
            pages = [tier for tier in ALERT_TIERS if tier.severity == "page"]
            nobody = set(pages) <= set(unreachable)
            fastest = unreachable[0].factor if not nobody else pages[-1].factor
            problems.add(
                rules.ALERT_UNREACHABLE,
                f"slos.{field}",
                f"a total outage burns the budget of {percent:g} % only {_short(1 / budget)} times as fast as allowed; "
                f"{_factors(unreachable)} can never fire{', so nobody is ever paged' if nobody else ''}",
                f"set an objective of at least {math.ceil(100 * (100 - 100 / fastest)) / 100:g}",
                severity="error" if nobody else None,
            )
        few = [
            tier
            for tier in ALERT_TIERS
            if tier not in unreachable and _has_few_events(contract, tier, budget, event_seconds)
        ]
        if few:
            problems.add(
                rules.FEW_EVENTS,
                _first(written, "slos.target_throughput_rps", f"slos.{field}"),
                f"at {slos.target_throughput_rps:g} tasks a second, one failure alone exceeds the {name} alerts: "
                f"{_factors(few)} ({_events(contract, few[0], event_seconds)})",
                f"choose a longer slos.period or a lower slos.{field}, or expect alerts only after a second failure",
            )
    _judge_period(period, problems, written)


def _judge_period(period: int, problems: Problems, written: Callable[[str], bool]) -> None:
    missing = []
    for events, event_seconds in (("availability and latency", 0), ("throughput", SLICE_SECONDS)):
        dropped = [tier for tier in ALERT_TIERS if not tier.is_watched(period, event_seconds)]
        if dropped:
            missing.append(f"{events} lack {_factors(dropped)}")
    if missing:
        message = f"its alert windows are too short to count in: {' and '.join(missing)}"
        problems.add(rules.PERIOD_TOO_SHORT, _first(written, "slos.period"), message, "choose a period of 3d or longer")


def _has_few_events(contract: ServiceContract, tier: AlertTier, budget: Fraction, event_seconds: int) -> bool:
    if not tier.is_watched(contract.slos.period_seconds, event_seconds):
        return False
    return _expected(contract, tier, event_seconds) < tier.events_for_one(budget)


def _expected(contract: ServiceContract, tier: AlertTier, event_seconds: int) -> float:
    """How many events the tier's long window holds when exactly the promised throughput is asked for."""
    seconds = float(tier.long_seconds(contract.slos.period_seconds))
    return seconds / event_seconds if event_seconds else seconds * contract.slos.target_throughput_rps


def _events(contract: ServiceContract, tier: AlertTier, event_seconds: int) -> str:
    seconds = float(tier.long_seconds(contract.slos.period_seconds))
    count = _expected(contract, tier, event_seconds)
    what = f"slices of {event_seconds} s" if event_seconds else "tasks"
    return f"its window of {seconds:,g} s then holds about {count:,.3g} {what}"


def _judge_grants(
    contract: ServiceContract, problems: Problems, known: Collection[str], written: Callable[[str], bool]
) -> None:
    for index, capability in enumerate(contract.capabilities):
        if known and capability not in known:
            meant = nearest(capability, known)
            message = f"{shown(capability)} is in no registry" + (f"; did you mean {meant}?" if meant else "")
            fix = f"write {meant}" if meant else "keep it if nobody has to find the swarm by a registered name"
            problems.add(rules.CAPABILITY_UNKNOWN, f"capabilities[{index}]", message, fix)
    if contract.permissions.log and contract.resource_limits.max_log_bytes_per_second == 0:
        problems.add(
            rules.LOG_IMPOSSIBLE,
            _first(written, "resource_limits.max_log_bytes_per_second", "permissions.log"),
            "the guest may log, and every record is dropped",
            "raise resource_limits.max_log_bytes_per_second, or set permissions.log to false",
        )
    if contract.module is not None and contract.module.sha256 is None:
        message = "any file of that name runs under this contract"
        problems.add(rules.MODULE_UNPINNED, "module", message, "add the file's sha256")


def _judge_module(contract: ServiceContract, module: ModuleFacts, problems: Problems) -> None:
    limits = contract.resource_limits
    if module.refusal:
        fix = "build another module: no contract can change this"
        problems.add(rules.MODULE_REFUSED, "module", module.refusal, fix)
        return
    for denied in module.denied_imports:
        problems.add(
            rules.IMPORT_DENIED, "permissions", f"the module imports {denied.name}: {denied.reason}", denied.fix
        )
    if module.memory_bytes > limits.max_memory_bytes:
        needed = -(-module.memory_bytes // _MIB)
        problems.add(
            rules.MEMORY_TOO_SMALL,
            "resource_limits.max_memory_mb",
            f"the module begins with {module.memory_bytes / _MIB:,.4g} MiB and gets {limits.max_memory_mb:,}",
            f"write {needed}",
        )
    if module.size_bytes > limits.max_module_bytes:
        problems.add(
            rules.MODULE_TOO_LARGE,
            "resource_limits.max_module_mb",
            f"the module has {module.size_bytes / _MIB:,.4g} MiB and may have {limits.max_module_mb:,}",
            f"write {-(-module.size_bytes // _MIB)}",
        )
    for name, task in contract.tasks.items():
        export = module.exports.get(name)
        if export is None:
            _add_missing(name, module.exports, problems)
        else:
            _judge_task(name, task, export, problems)


def _add_missing(name: str, exports: Iterable[str], problems: Problems) -> None:
    meant = nearest(name, exports)
    names = ", ".join(escape(export, 60) for export in list(exports)[:10]) or "none"
    message = "the module exports no such task" + (
        f"; did you mean {escape(meant, 60)}?" if meant else f"; it has {names}"
    )
    fix = f"rename it to {escape(meant, 60)}" if meant else "remove it, or export it from the module"
    problems.add(rules.TASK_NOT_EXPORTED, join("tasks", name), message, fix)


def _judge_task(name: str, task: TaskContract, export: ExportFacts, problems: Problems) -> None:
    path = join("tasks", name)
    if task.abi is not None and task.abi in export.unfit:
        fits = [abi for abi in ("buffer", "cstring", "lenptr", "scalar", "command") if abi not in export.unfit]
        problems.add(
            rules.ABI_IMPOSSIBLE,
            join(path, "abi"),
            f"{escape(export.signature, 120)} cannot be called by {task.abi}: {export.unfit[task.abi]}",
            f"choose {' or '.join(fits)}, or remove the line to have it detected" if fits else None,
        )
    elif task.abi == "scalar" and task.parameter_names and len(task.parameter_names) != export.parameter_count:
        problems.add(
            rules.PARAMETER_COUNT,
            join(path, "params"),
            f"it names {len(task.parameter_names)} parameters and {escape(export.signature, 120)} has "
            f"{export.parameter_count}",
            "name each parameter of the export once, in its order",
        )


def _first(written: Callable[[str], bool], *paths: str) -> str:
    return next((path for path in paths if written(path)), paths[0])


def _factors(tiers: Iterable[AlertTier]) -> str:
    names = [f"the {tier.severity} at {_short(tier.factor)}x" for tier in tiers]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _short(number: Fraction) -> str:
    return f"{float(number):.4g}"
