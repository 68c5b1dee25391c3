"""Advice about contracts that are valid: promises nobody can keep or measure, and modules that do not fit.

`lint` judges a contract; `advise` puts the advice beside what was found in its file, with lines and columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from infrafabric.contract import advice_rules as rules
from infrafabric.contract.lint_objectives import first, judge_objectives
from infrafabric.contract.problems import Problems, join, nearest, shown
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from infrafabric.contract.files import CheckedContract
    from infrafabric.contract.module_facts import ExportFacts, ModuleFacts
    from infrafabric.contract.service_contract import ServiceContract
    from infrafabric.contract.tasks import TaskContract
    from infrafabric.errors import Problem

_MIB = 1024 * 1024


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
    judge_objectives(contract, problems, written)
    _judge_grants(contract, problems, known_capabilities, written)
    if module is not None:
        _judge_module(contract, module, problems)
    return tuple(problem for problem in problems.found if problem.rule not in ignore)


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
            first(written, "resource_limits.max_log_bytes_per_second", "permissions.log"),
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
