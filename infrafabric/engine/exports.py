"""Which exports are tasks, which make an instance ready, and which give the host memory: planned from the bytes alone.

`Program` plans so when it loads a module and `describe` when it only looks at one; there is one plan, so that what
``inspect`` says is what happens.
"""

from __future__ import annotations

import functools
from typing import Any

import attrs

from infrafabric.engine.hostcall import raw_struct
from infrafabric.wasm import HOST_VALUE_TYPES, FuncType, ModuleInfo

_I32 = ("i32",)
#: Signed, so that a number comes back from a guest as it went in; its unsigned reading of the same bits is its own.
INTEGERS = {"i32": (-(1 << 31), (1 << 31) - 1), "i64": (-(1 << 63), (1 << 63) - 1)}
#: Allocators by name, in the order in which they are looked for, each with the partners that may take memory back.
_ALLOCATORS = {
    "allocate": ("deallocate", "free"),
    "alloc": ("dealloc", "free"),
    "malloc": ("free",),
    "cabi_realloc": (),
}
_ALLOCATION = {*_ALLOCATORS, *(partner for partners in _ALLOCATORS.values() for partner in partners)}


@attrs.frozen(eq=False, kw_only=True)
class Function:
    """An export that can be called: its name, its signature, and how its values lie in the argument array."""

    name: str
    encoded_name: bytes
    type: FuncType
    #: Parameter names from the module's name section; None when it has none.
    parameter_names: tuple[str, ...] | None
    #: The lowest and the highest number of each parameter, where all are integers; else None.
    ranges: tuple[tuple[int, int], ...] | None
    slots: int
    pack_into: Any
    unpack_from: Any

    @classmethod
    def of(cls, name: str, signature: FuncType, parameter_names: tuple[str, ...] | None = None) -> Function:
        """Plan an export whose signature is made of numbers."""
        arguments, answer = raw_struct(signature.params), raw_struct(signature.results)
        return cls(
            name=name,
            encoded_name=name.encode(),
            type=signature,
            parameter_names=parameter_names,
            ranges=tuple(INTEGERS[kind] for kind in signature.params)
            if INTEGERS.keys() >= {*signature.params}
            else None,
            slots=max(len(signature.params), len(signature.results)),
            pack_into=arguments.pack_into,
            unpack_from=answer.unpack_from,
        )


@attrs.frozen(eq=False)
class Allocator:
    """How the host gets memory from a guest, and gives it back (None: never)."""

    function: Function
    deallocate: Function | None

    def arguments(self, size: int) -> tuple[int, ...]:
        """The arguments that ask for ``size`` bytes."""
        return (0, 0, 8, size) if len(self.function.type.params) == 4 else (size,)

    def release_arguments(self, pointer: int, size: int) -> tuple[int, ...]:
        """The arguments that give them back."""
        takes_size = self.deallocate is not None and len(self.deallocate.type.params) > 1
        return (pointer, size) if takes_size else (pointer,)


@attrs.frozen(eq=False, kw_only=True)
class ExportPlan:
    """What a module's exported functions are for. ``others`` says of each that is no task why not."""

    tasks: dict[str, Function]
    others: dict[str, str]
    initializers: tuple[Function, ...]
    allocator: Allocator | None


def plan_exports(info: ModuleInfo) -> ExportPlan:
    """Plan a module's exported functions by their names and signatures."""
    exported = [export for export in info.exports if export.kind == "func" and isinstance(export.type, FuncType)]
    signatures = {export.name: export.type for export in exported if isinstance(export.type, FuncType)}
    # Once a function, not once an export: twenty thousand names for one function must not make its parameters' names
    # as many times.
    parameter_names = functools.cache(info.parameter_names)
    functions = {
        export.name: Function.of(export.name, signatures[export.name], parameter_names(export.index))
        for export in exported
        if signatures[export.name].callable_from_host
    }
    initializers, allocator = tuple(_initializers(functions)), _allocator(functions)
    reasons = {name: _why_no_task(name, signature, initializers, allocator) for name, signature in signatures.items()}
    return ExportPlan(
        tasks={name: functions[name] for name, reason in reasons.items() if not reason},
        others={name: reason for name, reason in reasons.items() if reason},
        initializers=initializers,
        allocator=allocator,
    )


def _initializers(functions: dict[str, Function]) -> list[Function]:
    found = []
    reactor = functions.get("_initialize")
    if reactor is not None and not reactor.type.params and not reactor.type.results and "_start" not in functions:
        found.append(reactor)
    own = functions.get("initialize")
    if own is not None and not own.type.params and own.type.results in ((), _I32):
        found.append(own)
    return found


def _allocator(functions: dict[str, Function]) -> Allocator | None:
    for name, partners in _ALLOCATORS.items():
        function = functions.get(name)
        params = ("i32",) * 4 if name == "cabi_realloc" else _I32
        if function is None or (function.type.params, function.type.results) != (params, _I32):
            continue
        for partner in partners:
            release = functions.get(partner)
            if release is not None and release.type.params in (_I32, _I32 * 2) and not release.type.results:
                return Allocator(function, release)
        return Allocator(function, None)
    return None


def _why_no_task(
    name: str, signature: FuncType, initializers: tuple[Function, ...], allocator: Allocator | None
) -> str:
    """Why an exported function is no task; "" when it is one."""
    if not signature.callable_from_host:
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
    return "it belongs to the guest's allocator" if name in _ALLOCATION else ""
