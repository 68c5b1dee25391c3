"""What a module offers a caller, told from its bytes alone: no code is compiled, no engine is made.

`describe` plans exports with the function that `Program` plans them with, so that ``inspect`` says before loading what
is true after it. Loading the module and asking the program was the alternative: it would compile
untrusted code only to list its names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from infrafabric.engine.abi import Fit, fits
from infrafabric.engine.exports import Allocator, Function, plan_exports
from infrafabric.engine.imports import Grants, ImportVerdict, verdicts

if TYPE_CHECKING:
    from infrafabric.wasm import Export, ModuleInfo


@attrs.frozen
class TaskDescription:
    """An export that can be called as a task: which conventions fit, and why the others do not."""

    function: Function
    fits: tuple[Fit, ...]


@attrs.frozen
class OtherExport:
    """An exported function that is no task, and why. Names are the module's own text."""

    export: Export
    reason: str


@attrs.frozen(kw_only=True)
class ModuleDescription:
    """Everything that can be said of a module before it is loaded. A component has imports and tasks unknown to us."""

    info: ModuleInfo
    imports: tuple[ImportVerdict, ...]
    tasks: tuple[TaskDescription, ...]
    others: tuple[OtherExport, ...]
    initializers: tuple[Function, ...]
    allocator: Allocator | None


def describe(info: ModuleInfo, grants: Grants | None = None) -> ModuleDescription:
    """Describe a module under ``grants`` (None: those of a contract that says nothing)."""
    plan = plan_exports(info)
    has_memory = info.exported_memory() is not None
    return ModuleDescription(
        info=info,
        imports=verdicts(info, grants or Grants()),
        tasks=tuple(
            TaskDescription(function, fits(function, has_memory=has_memory)) for function in plan.tasks.values()
        ),
        others=tuple(
            OtherExport(export, plan.others[export.name]) for export in info.exports if export.name in plan.others
        ),
        initializers=plan.initializers,
        allocator=plan.allocator,
    )
