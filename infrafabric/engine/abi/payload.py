"""Parameters as the bytes a guest gets, and the place in its memory where it gets them.

The place comes from the module's allocator. For a module without one the host grows the memory: right for an instance
that ends with its task, refused for one that is kept, where every task would leave its pages behind.

Rejected: using such pages again for the next task of a kept instance (a runtime that takes new pages as its heap would
find them overwritten, and nobody would be told), and a fixed address (it is somebody's data in every module).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infrafabric.engine.instance import PAGE_BYTES
from infrafabric.engine.running import GuestEnded, Verdict
from infrafabric.errors import Outcome

if TYPE_CHECKING:
    from infrafabric.engine.instance import Instance

_MIB = 1 << 20


def refuse_params(message: str) -> GuestEnded:
    """The ending of a task whose caller gave what the export does not take."""
    return GuestEnded(Verdict(Outcome.INVALID_PARAMS, message))


def encode(params: Any, limit_bytes: int) -> bytes:
    """Bytes as they are, text as UTF-8, None as nothing, anything else as strict UTF-8 JSON."""
    if params is None:
        data = b""
    elif isinstance(params, (bytes, bytearray, memoryview)):
        data = bytes(params)
    else:
        try:
            text = params if isinstance(params, str) else json.dumps(params, ensure_ascii=False, allow_nan=False)
            data = text.encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise refuse_params(
                f"parameters of type {type(params).__name__} cannot be sent as JSON: {error}; "
                "give data that JSON can hold, text or bytes"
            ) from None
    if len(data) > limit_bytes:
        raise refuse_params(
            f"the parameters have {len(data):,} bytes; max_payload_mb allows {limit_bytes / _MIB:g} MiB"
        )
    return data


def refuse_no_place() -> GuestEnded:
    """The ending of a task that would send bytes to a kept instance without an allocator."""
    return refuse_params(
        "a kept instance (execution.instance: swarm) takes bytes only through its allocator, and the module exports "
        "none: export allocate (and deallocate), set execution.instance: task, or send a list of numbers"
    )


class Input:
    """Parameters placed in an instance's memory: where, how long, and how they are taken back."""

    __slots__ = ("_data", "_instance", "_size", "length", "pointer")

    def __init__(self, instance: Instance, data: bytes, *, kept: bool, terminated: bool = False) -> None:
        """Copy ``data`` in: from the module's allocator, else into pages that the host grows for it.

        Raises `GuestEnded`: no memory left, an allocator whose answer lies outside the memory, or no allocator in an
        instance that is kept.
        """
        self._instance = instance
        self.length = instance.run.payload_bytes = len(data)
        self._data = data + b"\0" if terminated else data
        self._size = max(1, len(self._data))
        allocator = instance.program.allocator
        if allocator is None:
            if kept:
                raise refuse_no_place()
            self.pointer = self._grow(instance)
        else:
            (answer,) = instance.call(allocator.function, allocator.arguments(self._size))
            self.pointer = answer & 0xFFFF_FFFF
            if not self.pointer:
                instance.measure()
                raise GuestEnded(Verdict(Outcome.MEMORY_EXCEEDED, _full(instance, allocator.function.name, self._size)))
            if not instance.holds(self.pointer, self._size):
                raise GuestEnded(
                    Verdict(
                        Outcome.INVALID_RESULT,
                        f"its '{allocator.function.name}' answered {self.pointer} for {self._size:,} bytes, "
                        f"which is not inside its memory of {instance.memory_size():,} bytes",
                    )
                )
        instance.write(self.pointer, self._data)

    def _grow(self, instance: Instance) -> int:
        pointer = instance.grow(-(-self._size // PAGE_BYTES))
        if pointer is None:
            instance.measure()
            raise GuestEnded(Verdict(Outcome.MEMORY_EXCEEDED, _full(instance, "the host", self._size)))
        return pointer

    def check_unharmed(self) -> None:
        """After a call of a module without allocator: refuse an answer made from input that the guest overwrote."""
        instance = self._instance
        if instance.program.allocator is None and instance.read(self.pointer, len(self._data)) != self._data:
            raise GuestEnded(
                Verdict(
                    Outcome.INVALID_RESULT,
                    "the guest wrote over its own input: its runtime took the pages that the host added for it as "
                    "heap; export allocate (and deallocate) so that the host asks for memory instead",
                )
            )

    def release(self, *, kept: bool) -> None:
        """Give the input back to an instance that lives on."""
        allocator = self._instance.program.allocator
        if kept and allocator is not None and allocator.deallocate is not None:
            self._instance.call(allocator.deallocate, allocator.release_arguments(self.pointer, self._size))


def _full(instance: Instance, who: str, size: int) -> str:
    stands, limit = instance.run.peak_memory_bytes / _MIB, instance.sandbox.memory_bytes / _MIB
    return (
        f"{who} got no {size:,} bytes for the parameters: the guest's memory stands at {stands:.1f} of "
        f"{limit:g} MiB (max_memory_mb)"
    )
