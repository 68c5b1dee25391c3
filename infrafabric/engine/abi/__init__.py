"""Calling conventions: how a task's parameters reach an export, and its answer comes back.

Each convention is a module with the same four names: ``NAME``; ``unfit(function, has_memory)``, why an export cannot
be called so; ``encode(function, params, limit_bytes)``, before an instance is taken; and ``invoke(instance,
function, encoded, returns, kept)``, the call. A new one is a new module and a line in `CONVENTIONS`.

Rejected: a base class (there is no state to share), and guessing from the values alone (the same mapping
means names to one export and JSON to another; the contract can always say which).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.engine.abi import buffer, command, cstring, lenptr, scalar
from infrafabric.engine.abi.payload import refuse_no_place, refuse_params
from infrafabric.errors import escape

if TYPE_CHECKING:
    from types import ModuleType

    from infrafabric.engine.exports import Function

#: Every convention, in the order in which shapes are tried.
CONVENTIONS: dict[str, ModuleType] = {module.NAME: module for module in (command, scalar, cstring, buffer, lenptr)}
_BY_SHAPE = (cstring, buffer, lenptr)


@attrs.frozen
class Fit:
    """Whether an export can be called by one convention; if not, why."""

    abi: str
    reason: str | None

    @property
    def possible(self) -> bool:
        """True when it can."""
        return self.reason is None


def fits(function: Function, *, has_memory: bool) -> tuple[Fit, ...]:
    """Every convention with the reason why it does not fit this export, or None."""
    return tuple(Fit(name, module.unfit(function, has_memory=has_memory)) for name, module in CONVENTIONS.items())


def choose(
    function: Function, params: Any, *, has_memory: bool, asked: str | None, can_place: bool = True
) -> ModuleType:
    """The convention for this call: what the contract asks for, else what parameters and shape say.

    ``can_place``: whether bytes can be put into the instance, which a kept one without allocator has no place for.
    Raises `GuestEnded` (invalid_params) that says what the export takes.
    """
    convention = _choose(function, params, has_memory=has_memory, asked=asked)
    if not can_place and convention in _BY_SHAPE:
        raise refuse_no_place()
    return convention


def _choose(function: Function, params: Any, *, has_memory: bool, asked: str | None) -> ModuleType:
    if asked is not None:
        convention = CONVENTIONS[asked]
        reason = convention.unfit(function, has_memory=has_memory)
        if reason is not None:
            raise refuse_params(f"the contract calls '{escape(function.name, 100)}' by '{asked}', but {reason}")
        return convention
    if function.name == "_start" and command.unfit(function, has_memory=has_memory) is None:
        return command
    if _means_scalars(function, params):
        return scalar
    reasons = []
    for convention in _BY_SHAPE:
        reason = convention.unfit(function, has_memory=has_memory)
        if reason is None:
            return convention
        reasons.append(f"{convention.NAME}: {reason}")
    if isinstance(params, (list, tuple, dict)) and not has_memory:
        scalar.encode(function, params, 0)  # says which number is missing or wrong: nothing else can be sent
    raise refuse_params(
        f"{scalar.takes(function)}, got {type(params).__name__}; as a list of numbers it is called directly; "
        f"other data cannot be sent ({'; '.join(reasons)})"
    )


def _means_scalars(function: Function, params: Any) -> bool:
    if params is None:
        return not function.type.params
    if isinstance(params, (list, tuple)):
        return all(map(scalar.is_number, params)) and (bool(params) or not function.type.params)
    if isinstance(params, dict) and params and function.parameter_names is not None:
        return set(params) == set(function.parameter_names) and all(map(scalar.is_number, params.values()))
    return False
