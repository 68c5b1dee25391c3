"""How Python functions become host functions: one wrapper that never lets an exception out.

A body gets ``(run, caller, *arguments)`` with the arguments as signed integers and returns its one result,
or None where the function has none. To end the guest it sets ``run.verdict``.
"""

from __future__ import annotations

import ctypes
import struct
from threading import get_ident
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.engine import binding
from infrafabric.engine.running import RUNNING, Run, end_guest_by_trap, fail_internally

if TYPE_CHECKING:
    from collections.abc import Callable

Signature = tuple[tuple[str, ...], tuple[str, ...]]

_FORMATS = {"i32": "i12x", "i64": "q8x", "f32": "f12x", "f64": "d8x"}


def raw_struct(types: tuple[str, ...]) -> struct.Struct:
    """The layout of numbers of these value types in an array of raw values, 16 bytes each."""
    return struct.Struct("<" + "".join(_FORMATS[name] for name in types))


@attrs.frozen(eq=False)
class HostFunction:
    """One host function: its signature and the callback that the engine calls."""

    signature: Signature
    callback: Any


def host_function(params: str, results: str = "") -> Callable[[Callable[..., int | None]], HostFunction]:
    """Make a host function of value types given as text, as in ``host_function("i32 i32", "i32")``."""
    signature: Signature = (tuple(params.split()), tuple(results.split()))
    layout = raw_struct(signature[0])
    unpack, size = layout.unpack, layout.size
    string_at, end_guest = ctypes.string_at, end_guest_by_trap
    write_result = ctypes.c_int32.from_address

    def wrap(body: Callable[..., int | None]) -> HostFunction:
        @binding.HOST_CALLBACK  # type: ignore[untyped-decorator]
        def callback(_env: int, caller: int, values: int, _count: int) -> int:
            try:
                run: Run = RUNNING[get_ident()]
                run.host_calls += 1
                result = body(run, caller, *unpack(string_at(values, size)))
                if run.verdict is not None:
                    return end_guest()
                if result is not None:
                    write_result(values).value = result
            except BaseException as error:  # noqa: BLE001 - nothing may be raised into the engine
                fail_internally(error)
                return end_guest()
            return 0

        return HostFunction(signature, callback)

    return wrap
