"""``buffer``: ``(ptr, len) -> i32 | i64 | ()``. Bytes in; a number, or bytes at ``ptr << 32 | len``, out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infrafabric.engine.abi import payload
from infrafabric.engine.abi.reply import check_length, decode, invalid_result

if TYPE_CHECKING:
    from infrafabric.engine.exports import Function
    from infrafabric.engine.instance import Instance

NAME = "buffer"

_PARAMS = ("i32", "i32")


def unfit(function: Function, *, has_memory: bool) -> str | None:
    """Why this export cannot be called so; None when it can."""
    if function.type.params != _PARAMS or function.type.results not in ((), ("i32",), ("i64",)):
        return "its signature is not (i32, i32) -> i32, i64 or ()"
    return None if has_memory else "the module exports no memory"


def encode(_function: Function, params: Any, limit_bytes: int) -> bytes:
    """The bytes to send."""
    return payload.encode(params, limit_bytes)


def invoke(instance: Instance, function: Function, data: bytes, returns: str, *, kept: bool) -> Any:
    """The number (i32, or i64 with ``returns: number``), the decoded reply (i64), or None."""
    placed = payload.Input(instance, data, kept=kept)
    answer = instance.call(function, (placed.pointer, placed.length))
    placed.check_unharmed()
    if not answer:
        output = None
    elif function.type.results == ("i32",) or returns == "number":
        output = answer[0]
    else:
        output = read_packed(instance, answer[0] & 0xFFFF_FFFF_FFFF_FFFF, returns)
    placed.release(kept=kept)
    return output


def read_packed(instance: Instance, packed: int, returns: str) -> Any:
    """The reply at ``ptr << 32 | len``; 0 is an empty one."""
    pointer, length = packed >> 32, packed & 0xFFFF_FFFF
    check_length(instance, "its answer", length)
    if length and not instance.holds(pointer, length):
        raise invalid_result(
            f"its answer says {length:,} bytes at {pointer}, which is not inside its memory of "
            f"{instance.memory_size():,} bytes"
        )
    return decode(instance.read(pointer, length) if length else b"", returns)
