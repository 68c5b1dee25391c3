"""``cstring``: ``(ptr) -> ptr``, NUL-terminated UTF-8 both ways; 0 says that the guest failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infrafabric.engine.abi import payload
from infrafabric.engine.abi.reply import check_length, decode, invalid_result
from infrafabric.engine.running import GuestEnded, Verdict
from infrafabric.errors import Outcome, escape

if TYPE_CHECKING:
    from infrafabric.engine.exports import Function
    from infrafabric.engine.instance import Instance

NAME = "cstring"


def unfit(function: Function, *, has_memory: bool) -> str | None:
    """Why this export cannot be called so; None when it can."""
    if (function.type.params, function.type.results) != (("i32",), ("i32",)):
        return "its signature is not (i32) -> i32"
    return None if has_memory else "the module exports no memory"


def encode(_function: Function, params: Any, limit_bytes: int) -> bytes:
    """The text to send; a NUL inside it would end it early, so it is refused."""
    data = payload.encode(params, limit_bytes)
    if b"\0" in data:
        raise payload.refuse_params(
            f"the parameters hold a NUL at byte {data.index(0)}, where the guest would stop reading; "
            "use a task with a length (buffer, lenptr)"
        )
    return data


def invoke(instance: Instance, function: Function, data: bytes, returns: str, *, kept: bool) -> Any:
    """The decoded text at the returned pointer."""
    placed = payload.Input(instance, data, kept=kept, terminated=True)
    pointer = instance.call(function, (placed.pointer,))[0] & 0xFFFF_FFFF
    placed.check_unharmed()
    if not pointer:
        raise GuestEnded(Verdict(Outcome.GUEST_ERROR, f"'{escape(function.name, 100)}' answered a null pointer"))
    limit_bytes = instance.sandbox.payload_bytes
    length = instance.find_byte(pointer, 0, limit_bytes + 1)
    if length is None and instance.holds(pointer, limit_bytes + 1):
        length = limit_bytes + 1
    if length is None:
        raise invalid_result(
            f"its answer at {pointer} has no NUL before the end of its memory of {instance.memory_size():,} bytes"
        )
    check_length(instance, "its answer", length)
    output = decode(instance.read(pointer, length), returns)
    placed.release(kept=kept)
    return output
