"""``lenptr``: ``(in_ptr, in_len, out_len_ptr) -> out_ptr``; the length is read, little-endian, at ``out_len_ptr``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infrafabric.engine.abi import payload
from infrafabric.engine.abi.reply import check_length, decode, invalid_result
from infrafabric.engine.running import GuestEnded, Verdict
from infrafabric.errors import Outcome, escape

if TYPE_CHECKING:
    from infrafabric.engine.exports import Function
    from infrafabric.engine.instance import Instance

NAME = "lenptr"

_LENGTH_BYTES = 4


def unfit(function: Function, *, has_memory: bool) -> str | None:
    """Why this export cannot be called so; None when it can."""
    if (function.type.params, function.type.results) != (("i32",) * 3, ("i32",)):
        return "its signature is not (i32, i32, i32) -> i32"
    return None if has_memory else "the module exports no memory"


def encode(_function: Function, params: Any, limit_bytes: int) -> bytes:
    """The bytes to send."""
    return payload.encode(params, limit_bytes)


def invoke(instance: Instance, function: Function, data: bytes, returns: str, *, kept: bool) -> Any:
    """The decoded bytes at the returned pointer; null says that the guest failed."""
    # The length's place comes first, so that it is aligned whatever the allocator and the input's size.
    length_place = payload.Input(instance, bytes(_LENGTH_BYTES), kept=kept)
    placed = payload.Input(instance, data, kept=kept)
    pointer = instance.call(function, (placed.pointer, placed.length, length_place.pointer))[0] & 0xFFFF_FFFF
    placed.check_unharmed()
    if not pointer:
        raise GuestEnded(Verdict(Outcome.GUEST_ERROR, f"'{escape(function.name, 100)}' answered a null pointer"))
    length = int.from_bytes(instance.read(length_place.pointer, _LENGTH_BYTES), "little")
    check_length(instance, "its answer", length)
    if not instance.holds(pointer, length):
        raise invalid_result(
            f"its answer says {length:,} bytes at {pointer}, which is not inside its memory of "
            f"{instance.memory_size():,} bytes"
        )
    output = decode(instance.read(pointer, length), returns)
    placed.release(kept=kept)
    length_place.release(kept=kept)
    return output
