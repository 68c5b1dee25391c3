"""The memory of a guest that is running, as host functions see it: every range is checked before it is touched.

Functions, and no class: what they need is the `Run` and the ``caller`` that each callback has. Rejected: looking the
memory up once a task, since most tasks make no host call.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Self

from infrafabric.engine import binding

if TYPE_CHECKING:
    from infrafabric.engine.running import Run


def copy_of(run: Run, caller: int, pointer: int, length: int, limit_bytes: int) -> bytes | None:
    """A copy of at most ``limit_bytes`` of the guest's range; None when the range is not inside its memory."""
    address = address_of(run, caller, pointer, length)
    return None if address is None else ctypes.string_at(address, min(length, limit_bytes))


def address_of(run: Run, caller: int, pointer: int, length: int) -> int | None:
    """The host address of a guest range; None when it is not wholly inside the guest's memory."""
    pointer &= 0xFFFF_FFFF
    length &= 0xFFFF_FFFF
    memory, instance = run.memory or _find(run, caller), run.instance
    if not memory or instance is None or pointer + length > binding.memory_data_size(instance.context, memory):
        return None
    base: int = binding.memory_data(instance.context, memory) or 0
    return base + pointer


def write(run: Run, caller: int, pointer: int, data: bytes) -> bool:
    """Copy ``data`` into the guest's memory. False when the range is not inside it; nothing is written then."""
    address = address_of(run, caller, pointer, len(data))
    if address is None:
        return False
    ctypes.memmove(address, data, len(data))
    return True


def _find(run: Run, caller: int) -> int:
    """The address of the memory handle, also while the start function runs; 0 when the guest exports no memory."""
    instance = run.instance
    if instance is None:
        return 0
    name = instance.program.memory_name
    if instance.memory_address:
        run.memory = instance.memory_address
    elif name is not None:
        extern = binding.ExternStruct()
        if binding.caller_export_get(caller, name, len(name), ctypes.addressof(extern)):
            # The handle lives as long as the run: kept by the attribute that holds its address's owner.
            run.memory = _MemoryHandle(extern)
    return run.memory


class _MemoryHandle(int):
    """The address of a memory handle, which keeps the structure behind it alive."""

    extern: Any

    def __new__(cls, extern: Any) -> Self:
        handle = super().__new__(cls, ctypes.addressof(extern) + binding.EXTERN_ITEM_OFFSET)
        handle.extern = extern
        return handle
