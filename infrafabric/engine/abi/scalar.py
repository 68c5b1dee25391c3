"""``scalar``: numbers in, numbers out. Parameters by position or by name; nothing is wrapped silently.

Rejected: turning text into numbers (JSON and Python have both, and whoever sends the other made a mistake), and
whole floats into integers (2**53 and beyond would change on the way).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from infrafabric.engine.abi.payload import refuse_params
from infrafabric.engine.exports import INTEGERS
from infrafabric.errors import escape

if TYPE_CHECKING:
    from infrafabric.engine.exports import Function
    from infrafabric.engine.instance import Instance

NAME = "scalar"

#: Characters of a refused value that a message shows.
_SHOWN = 100
#: Characters of a signature that a message shows.
_SHOWN_PARAMS = 400


def unfit(_function: Function, *, has_memory: bool) -> str | None:  # noqa: ARG001 - every convention is asked the same
    """Why this export cannot be called so: it always can, since it takes numbers."""
    return None


def is_number(value: Any) -> bool:
    """Whether a parameter is a number as guests know them: no bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def takes(function: Function) -> str:
    """What the export takes, for messages."""
    names = function.parameter_names or ("",) * len(function.type.params)
    params = ", ".join(
        f"{name}: {kind}" if name else kind for name, kind in zip(names, function.type.params, strict=True)
    )
    # All of these are names of the guest's choice.
    return f"'{escape(function.name, _SHOWN)}' takes ({escape(params, _SHOWN_PARAMS)})"


def plain(function: Function, params: Any) -> tuple[Any, ...] | None:
    """A list of integers as arguments, as many as it takes and within range; None for what `encode` has to look at."""
    ranges = function.ranges
    if ranges is None or type(params) not in (list, tuple) or len(params) != len(ranges):
        return None
    for value, (low, high) in zip(params, ranges, strict=True):
        if type(value) is not int or not low <= value <= high:
            return None
    return tuple(params)


def encode(function: Function, params: Any, _limit_bytes: int) -> tuple[Any, ...]:
    """The arguments in order, in range."""
    types = function.type.params
    if params is None:
        values: tuple[Any, ...] = ()
    elif isinstance(params, dict):
        names = function.parameter_names
        if names is None or set(names) != set(params):
            known = "" if names else "; no parameter names are known: give a list"
            got = escape(", ".join(map(str, params)), _SHOWN_PARAMS)
            raise refuse_params(f"{takes(function)}{known}, got the keys {got}")
        values = tuple(params[name] for name in names)
    elif isinstance(params, (list, tuple)):
        values = tuple(params)
    else:
        raise refuse_params(f"{takes(function)}: give a list of numbers, got {type(params).__name__}")
    if len(values) != len(types):
        raise refuse_params(f"{takes(function)}: {len(types)} numbers, got {len(values)}")
    return tuple(
        _number(function, index, kind, value) for index, (kind, value) in enumerate(zip(types, values, strict=True))
    )


def _number(function: Function, index: int, kind: str, value: Any) -> Any:
    if not is_number(value):
        raise refuse_params(f"{takes(function)}: number {index + 1} is {type(value).__name__} {_shown(value)}")
    if kind in ("f32", "f64"):
        try:
            # "<f" looks for an overflow; "f" makes it an infinity.
            struct.pack("<f" if kind == "f32" else "<d", value)
        except (OverflowError, struct.error):
            raise refuse_params(
                f"{takes(function)}: number {index + 1}, {_shown(value)}, does not fit {kind}"
            ) from None
        return float(value)
    low, high = INTEGERS[kind]
    if not isinstance(value, int) or not low <= value <= high:
        raise refuse_params(
            f"{takes(function)}: number {index + 1} must be a whole number from {low} to {high}, got {_shown(value)}"
        )
    return value


def _shown(value: Any) -> str:
    try:
        return escape(repr(value), _SHOWN)
    except ValueError:  # Python does not spell out integers of thousands of digits
        return f"an integer of {value.bit_length():,} bits"


def invoke(instance: Instance, function: Function, arguments: tuple[Any, ...], _returns: str, *, kept: bool) -> Any:  # noqa: ARG001
    """One number, a list of several, or None."""
    answer = instance.call(function, arguments)
    return answer[0] if len(answer) == 1 else list(answer) or None
