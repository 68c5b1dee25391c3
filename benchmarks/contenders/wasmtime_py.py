"""The bare engine through its own Python package, with what a careful user would write and nothing around it."""

from __future__ import annotations

import contextlib
import ctypes
import json
import time
from typing import TYPE_CHECKING, Any

import wasmtime
from wasmtime import Config, Engine, Func, Linker, Memory, Module, Store, WasiConfig, _ffi

from benchmarks.batches import Batch, best, loop, timed
from benchmarks.guest_modules import distinct, module, payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: An epoch that no ticker reaches.
_FAR = 1 << 60


def _engine(*, epochs: bool) -> Engine:
    config = Config()
    config.epoch_interruption = epochs
    return Engine(config)


def _instance(wasm: bytes, *, epochs: bool = False) -> tuple[Store, Any]:
    engine = _engine(epochs=epochs)
    store = Store(engine)
    if epochs:
        store.set_epoch_deadline(_FAR)
    store.set_wasi(WasiConfig())
    linker = Linker(engine)
    linker.define_wasi()
    instance = linker.instantiate(store, Module(engine, wasm))
    return store, instance.exports(store)


@contextlib.contextmanager
def warm_call(*, guest: str = "nothing", task: str = "run", numbers: tuple[int, ...] = ()) -> Iterator[Batch]:
    """``Func.__call__`` on one instance."""
    store, exports = _instance(module(guest))
    function = exports[task]
    assert isinstance(function, Func)
    yield loop(lambda: function(store, *numbers))


@contextlib.contextmanager
def fresh_call(*, guest: str = "nothing", task: str = "run") -> Iterator[Batch]:
    """A new store and instance for each call, of a module compiled before."""
    engine = _engine(epochs=False)
    compiled = Module(engine, module(guest))
    linker = Linker(engine)

    def call() -> Any:
        store = Store(engine)
        function = linker.instantiate(store, compiled).exports(store)[task]
        assert isinstance(function, Func)
        answer = function(store)
        store.close()
        return answer

    yield loop(call)


@contextlib.contextmanager
def floor(*, task: str = "run") -> Iterator[Batch]:
    """The one C call that any task on a kept instance must make, its arguments prepared."""
    store, exports = _instance(module("nothing"), epochs=True)
    function = exports[task]
    assert isinstance(function, Func)
    values, trap = (_ffi.wasmtime_val_raw_t * 1)(), ctypes.c_void_p()
    # A function object of our own, whose arguments are plain addresses: the package's converts pointers each time.
    enter = _ffi.dll["wasmtime_func_call_unchecked"]
    enter.restype, enter.argtypes = ctypes.c_void_p, [ctypes.c_void_p] * 3 + [ctypes.c_size_t, ctypes.c_void_p]
    context = ctypes.cast(store._context(), ctypes.c_void_p).value  # noqa: SLF001 - the C call takes what it wraps
    callee = ctypes.addressof(function._func)  # noqa: SLF001 - as above
    arguments = (context, callee, ctypes.addressof(values), 1, ctypes.addressof(trap))
    yield loop(lambda: enter(*arguments))


@contextlib.contextmanager
def payload_call(*, guest: str, task: str, kind: str, size: int) -> Iterator[Batch]:
    """Bytes in and JSON out by hand, on one instance: allocate, write, call, read, decode, deallocate."""
    data = payload(kind, size)
    store, exports = _instance(module(guest))
    allocate, deallocate, function, memory = (exports[n] for n in ("allocate", "deallocate", task, "memory"))
    assert isinstance(memory, Memory)

    def call() -> Any:
        at = allocate(store, len(data))
        memory.write(store, data, at)
        answer = function(store, at, len(data))
        if answer >> 32 or answer > size:
            start = answer >> 32 & 0xFFFF_FFFF
            answer = json.loads(bytes(memory.read(store, start, start + (answer & 0xFFFF_FFFF))))
        deallocate(store, at, len(data))
        return answer

    yield loop(call)


@contextlib.contextmanager
def filling(*, size: int) -> Iterator[Batch]:
    """So many bytes out, by hand, on one instance."""
    data = size.to_bytes(8, "little")
    store, exports = _instance(module("filler"))
    allocate, deallocate, function, memory = (exports[n] for n in ("allocate", "deallocate", "run", "memory"))
    assert isinstance(memory, Memory)

    def call() -> bytes:
        at = allocate(store, 8)
        memory.write(store, data, at)
        answer = function(store, at, 8)
        start = answer >> 32
        reply = bytes(memory.read(store, start, start + (answer & 0xFFFF_FFFF)))
        deallocate(store, at, 8)
        return reply

    yield loop(call)


@contextlib.contextmanager
def compute(*, epochs: bool, guest: str, task: str, **given: Any) -> Iterator[Batch]:
    """A call that computes for milliseconds, on one instance."""
    store, exports = _instance(module(guest), epochs=epochs)
    yield best(_computation(store, exports, task, **given))


@contextlib.contextmanager
def configured(*, config: dict[str, Any], guest: str, task: str, pooled: bool = False, **given: Any) -> Iterator[Batch]:
    """The same under some settings of the engine, by their names in its C interface."""
    made = Config()
    for name, value in config.items():
        # What the package's class does not know, and what it knows, alike.
        getattr(_ffi, f"wasmtime_config_{name}_set")(made.ptr(), value)
    if pooled:
        pool = _ffi.wasmtime_pooling_allocation_config_new()
        _ffi.wasmtime_pooling_allocation_config_total_memories_set(pool, 10)
        _ffi.wasmtime_pooling_allocation_strategy_set(made.ptr(), pool)
    engine = Engine(made)
    store = Store(engine)
    if config.get("epoch_interruption"):
        store.set_epoch_deadline(_FAR)
    if config.get("consume_fuel"):
        store.set_fuel(_FAR)
    store.set_wasi(WasiConfig())
    linker = Linker(engine)
    linker.define_wasi()
    exports = linker.instantiate(store, Module(engine, module(guest))).exports(store)
    yield best(_computation(store, exports, task, **given))


def _computation(
    store: Store, exports: Any, task: str, *, numbers: list[int] | None = None, kind: str = "", size: int = 0
) -> Callable[[], object]:
    function = exports[task]
    assert isinstance(function, Func)
    if numbers is not None:
        given = tuple(numbers)
        return lambda: function(store, *given)
    data, memory = payload(kind, size), exports["memory"]
    allocate, deallocate = exports["allocate"], exports["deallocate"]
    assert isinstance(memory, Memory)

    def call() -> None:
        at = allocate(store, len(data))
        memory.write(store, data, at)
        function(store, at, len(data))
        deallocate(store, at, len(data))

    return call


@contextlib.contextmanager
def talking(*, records: int) -> Iterator[Batch]:
    """``env.log`` written with the package's own classes: read, decode, keep."""
    engine = _engine(epochs=False)
    store, linker, said = Store(engine), Linker(engine), list[str]()

    def log(caller: wasmtime.Caller, pointer: int, length: int) -> None:
        memory = caller["memory"]
        assert isinstance(memory, Memory)
        said.append(bytes(memory.read(caller, pointer, pointer + length)).decode("utf-8", "replace"))

    kinds = wasmtime.FuncType([wasmtime.ValType.i32(), wasmtime.ValType.i32()], [])
    linker.define_func("env", "log", kinds, log, access_caller=True)
    function = linker.instantiate(store, Module(engine, module("talker"))).exports(store)["talk"]
    assert isinstance(function, Func)

    def call() -> None:
        said.clear()
        function(store, records)

    yield loop(call)


@contextlib.contextmanager
def cold_load(*, guest: str) -> Iterator[Batch]:
    """Compile and link in this process, without any bound on what compiling may take."""
    engine = _engine(epochs=True)
    number = 0

    def call() -> int:
        nonlocal number
        number += 1
        wasm = distinct(module(guest), number)
        start_ns = time.perf_counter_ns()
        Module(engine, wasm)
        return time.perf_counter_ns() - start_ns

    yield timed(call)


@contextlib.contextmanager
def deserialize(*, guest: str) -> Iterator[Batch]:
    """Take compiled code from memory, unchecked."""
    engine = _engine(epochs=True)
    code = Module(engine, module(guest)).serialize()
    yield loop(lambda: Module.deserialize(engine, code))
