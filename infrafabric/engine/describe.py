"""What a module offers a caller, told from its bytes alone: no code is compiled, no engine is made.

`describe` plans exports as `Program` does when it loads them, so that ``inspect`` says before loading what is true
after it; a test holds the two together. Loading the module and asking the program was the alternative: it would compile
untrusted code only to list its names.
"""

from __future__ import annotations

import attrs

from infrafabric.engine.abi import Fit, fits
from infrafabric.engine.imports import Grants, ImportVerdict, verdicts
from infrafabric.engine.program import _ALLOCATORS, Allocator, Function, _allocator, _initializers, callable_exports
from infrafabric.wasm import HOST_VALUE_TYPES, Export, FuncType, ModuleInfo


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
    functions = {
        export.name: Function.of(export.name, export.type, info.parameter_names(export.name))
        for export in callable_exports(info)
        if isinstance(export.type, FuncType)
    }
    initializers, allocator = tuple(_initializers(functions)), _allocator(functions)
    reasons = {
        export.name: _why_no_task(export, initializers, allocator) for export in info.exports if export.kind == "func"
    }
    has_memory = info.exported_memory() is not None
    return ModuleDescription(
        info=info,
        imports=verdicts(info, grants or Grants()),
        tasks=tuple(
            TaskDescription(functions[name], fits(functions[name], has_memory=has_memory))
            for name, reason in reasons.items()
            if not reason
        ),
        others=tuple(OtherExport(export, reasons[export.name]) for export in info.exports if reasons.get(export.name)),
        initializers=initializers,
        allocator=allocator,
    )


def _why_no_task(export: Export, initializers: tuple[Function, ...], allocator: Allocator | None) -> str:
    """Why an exported function is no task; "" when it is one."""
    name, signature = export.name, export.type
    if isinstance(signature, FuncType) and not signature.callable_from_host:
        held = dict.fromkeys(kind for kind in (*signature.params, *signature.results) if kind not in HOST_VALUE_TYPES)
        return f"it takes or returns {', '.join(held)}, which cannot leave the guest"
    if name == "_start":
        return ""
    if any(function.name == name for function in initializers):
        return "it runs whenever an instance is made"
    if name == "initialize":
        return "this name is kept for initializing instances, but its signature is not () -> i32 or () -> ()"
    if name.startswith("_"):
        return "names that begin with _ belong to the guest's runtime"
    return _part_of_allocator(name, allocator) if allocator is not None else ""


def _part_of_allocator(name: str, allocator: Allocator) -> str:
    if name == allocator.function.name:
        return "the host gets memory for parameters from it"
    if allocator.deallocate is not None and name == allocator.deallocate.name:
        return "the host gives memory back with it"
    partners = {partner for names in _ALLOCATORS.values() for partner in names}
    return "it belongs to the guest's allocator" if name in _ALLOCATORS or name in partners else ""
