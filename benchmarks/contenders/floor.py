"""The floor: the engine's own calls in a bare loop, one more of them at a time, in the pool that fresh tasks use."""

from __future__ import annotations

import contextlib
import ctypes
from typing import TYPE_CHECKING

from benchmarks.batches import Batch, loop
from benchmarks.guest_modules import module
from infrafabric.engine import binding
from infrafabric.engine.engines import code_kind, engine_for, on_demand_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

#: An epoch that no ticker reaches.
_FAR = 1 << 60
_MEMORY_BYTES = 64 << 20


@contextlib.contextmanager
def engine_calls(*, until: str) -> Iterator[Batch]:
    """A store made and freed; with ``until`` "guarded" its limits and deadline set, then "instance", then "call"."""
    engine = engine_for(code_kind(), pooled=True) or on_demand_engine(code_kind())
    if engine.slots is not None:
        engine.slots.pop()
    wasm, compiled, pre = module("nothing"), ctypes.c_void_p(), ctypes.c_void_p()
    _check(binding.module_new(engine.pointer, wasm, len(wasm), ctypes.byref(compiled)))
    linker = binding.linker_new(engine.pointer)
    _check(binding.linker_instantiate_pre(linker, compiled, ctypes.byref(pre)))
    instance, extern, trap = binding.InstanceStruct(), binding.ExternStruct(), ctypes.c_void_p()
    values = ctypes.create_string_buffer(binding.RAW_VALUE_SIZE)
    instance_at, extern_at, trap_at, values_at = map(ctypes.addressof, (instance, extern, trap, values))
    function_at = extern_at + binding.EXTERN_ITEM_OFFSET
    depth = ("store", "guarded", "instance", "call").index(until)
    start = pre.value

    def call() -> None:
        store = binding.store_new(engine.pointer, None, None)
        context = binding.store_context(store)
        if depth >= 1:
            binding.store_limiter(store, _MEMORY_BYTES, 20_000, 1, 1, 1)
            binding.set_epoch_deadline(context, _FAR)
        if depth >= 2:
            binding.instantiate(start, context, instance_at, trap_at)
        if depth >= 3:
            binding.export_get(context, instance_at, b"run", 3, extern_at)
            binding.call_unchecked(context, function_at, values_at, 1, trap_at)
        binding.store_delete(store)

    yield loop(call)


def _check(error: int | None) -> None:
    if error:
        raise RuntimeError(binding.take_error(error))
