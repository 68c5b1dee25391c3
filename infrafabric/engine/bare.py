"""A task in the bare engine: the engine's own part of it, and nothing around. What governing adds is seen beside it.

A fresh task is a store, an instance, its initializers, the input copied in, the call, and the store's end; a kept one
is the copy and the call. No admission, no usage, no log, no result: the answer stays in the guest. The code is what a
swarm runs (the same settings and the same pool), the memory limit and a deadline hold, so that measuring is safe. Host
functions are stand-ins that do nothing: ``env.log`` says nothing, ``fd_write`` takes all, the rest of WASI answers that
it has no such call.

Rejected: the binding's public classes (they cost more than a governed task, and would flatter us).
"""

from __future__ import annotations

import ctypes
import functools
import threading
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Self

from infrafabric.engine import binding
from infrafabric.engine.abi import choose
from infrafabric.engine.compiler import COMPILER
from infrafabric.engine.engines import POOL_TABLE_ELEMENTS, Engine, code_kind, engine_for, on_demand_engine
from infrafabric.engine.exports import plan_exports
from infrafabric.engine.running import GuestEnded
from infrafabric.errors import escape
from infrafabric.wasm.stripping import without_custom_sections

if TYPE_CHECKING:
    from infrafabric.engine.exports import Function
    from infrafabric.engine.settings import CodeKind
    from infrafabric.wasm import Import, ModuleInfo

_COMPILE_SECONDS = 60.0
#: What a WASI function answers: ``ENOSYS``.
_NO_SUCH_CALL = 52
_PAGE_BYTES = 65536
#: How often the deadline's clock is seen to.
_WATCH_SECONDS = 0.1


@functools.lru_cache(maxsize=1)
def _code(data: bytes, kind: CodeKind) -> bytes:
    """The compiled code; the last one is kept, since a module is measured on fresh and on kept instances."""
    return COMPILER.compile(without_custom_sections(data), kind, _COMPILE_SECONDS)


class BareUnavailableError(Exception):
    """The task cannot be run in the bare engine; the message says why."""


@binding.HOST_CALLBACK  # type: ignore[untyped-decorator]
def _stand_in(_env: int, _caller: int, values: int, count: int) -> int:
    # Of every number type, and of none: the first slot is the result's.
    if count:
        ctypes.c_uint64.from_address(values).value = _NO_SUCH_CALL
    return 0


@binding.HOST_CALLBACK  # type: ignore[untyped-decorator]
def _take_all(_env: int, caller: int, values: int, _count: int) -> int:
    """``fd_write``: so many bytes as it was given are written, to nowhere."""
    try:
        iovs, count, told_at = (
            ctypes.c_uint32.from_address(values + binding.RAW_VALUE_SIZE * place).value for place in (1, 2, 3)
        )
        extern = binding.ExternStruct()
        context, memory = binding.caller_context(caller), ctypes.addressof(extern) + binding.EXTERN_ITEM_OFFSET
        if binding.caller_export_get(caller, b"memory", 6, ctypes.addressof(extern)):
            base, size = binding.memory_data(context, memory), binding.memory_data_size(context, memory)
            if iovs + 8 * count <= size and told_at + 4 <= size:
                lengths = (ctypes.c_uint32.from_address(base + iovs + 8 * place + 4).value for place in range(count))
                ctypes.c_uint32.from_address(base + told_at).value = sum(lengths) & 0xFFFF_FFFF
                ctypes.c_uint64.from_address(values).value = 0
                return 0
        ctypes.c_uint64.from_address(values).value = _NO_SUCH_CALL
    except BaseException:  # noqa: BLE001, S110 - nothing may be raised into the engine
        pass
    return 0


def _is_fd_write(item: Import) -> bool:
    return item.name == "fd_write" and len(item.type.params) == 4  # type: ignore[union-attr] # checked: a function


class BareTask:
    """One task of a module, ready to be called over and over on one thread. Close it, or use it as a context manager.

    Raises `BareUnavailableError` for a task by ``command`` or ``lenptr``, and when the guest needs a host that answers.
    """

    def __init__(  # noqa: PLR0913 - a module, a task, and what bounds them
        self,
        info: ModuleInfo,
        data: bytes,
        task_name: str,
        params: Any,
        *,
        abi: str | None,
        memory_bytes: int,
        payload_bytes: int,
        deadline_seconds: float,
        pooled: bool,
    ) -> None:
        plan = plan_exports(info)
        self._function: Function = plan.tasks[task_name]
        self._initializers, self._allocator = plan.initializers, plan.allocator
        memory = info.exported_memory()
        self._memory_name = memory.encode() if memory is not None else b""
        self._encoded, self._is_text = self._encode(params, abi, payload_bytes, has_memory=memory is not None)
        self._memory_bytes = memory_bytes
        self._ticks = int(deadline_seconds * 1000) + 1000
        self.table_limit = max([POOL_TABLE_ELEMENTS, *(table.minimum for table in info.tables)])
        kind = code_kind()
        fits = self.table_limit <= POOL_TABLE_ELEMENTS
        self._engine: Engine = (engine_for(kind, pooled=True) if pooled and fits else None) or on_demand_engine(kind)
        self._instance, self._extern = binding.InstanceStruct(), binding.ExternStruct()
        self._trap = ctypes.c_void_p()
        self._values = ctypes.create_string_buffer(max(8, self._function.slots) * binding.RAW_VALUE_SIZE)
        self._store = 0
        self._closed = threading.Event()
        self._has_slot = False
        self._module, self._pre = self._link(info, _code(data, kind))
        if self._engine.slots is not None:
            try:
                self._engine.slots.pop()
            except IndexError:
                raise BareUnavailableError("the pool has no slot left") from None
            self._has_slot = True
        threading.Thread(target=self._keep_time, name="infrafabric-bare", daemon=True).start()

    def _encode(self, params: Any, abi: str | None, payload_bytes: int, *, has_memory: bool) -> tuple[Any, bool]:
        try:
            convention = choose(self._function, params, has_memory=has_memory, asked=abi)
            if convention.NAME not in {"scalar", "buffer", "cstring"}:
                raise BareUnavailableError(f"tasks by '{convention.NAME}' need more of the host than a call")
            return convention.encode(self._function, params, payload_bytes), convention.NAME == "cstring"
        except GuestEnded as ended:
            raise BareUnavailableError(ended.verdict.message) from None

    def _link(self, info: ModuleInfo, code: bytes) -> tuple[int, int]:
        module, pre = ctypes.c_void_p(), ctypes.c_void_p()
        self._check(binding.module_deserialize(self._engine.pointer, code, len(code), ctypes.byref(module)))
        linker = binding.linker_new(self._engine.pointer)
        try:
            for item in {(item.module, item.name): item for item in info.imports}.values():
                wanted, name = item.module.encode(), item.name.encode()
                functype = binding.functype_new(item.type.params, item.type.results)  # type: ignore[union-attr] # checked: a function
                function = _take_all if _is_fd_write(item) else _stand_in
                error = binding.linker_define(
                    linker, wanted, len(wanted), name, len(name), functype, function, None, None
                )
                binding.functype_delete(functype)
                self._check(error)
            self._check(binding.linker_instantiate_pre(linker, module, ctypes.byref(pre)))
        finally:
            binding.linker_delete(linker)
        return module.value or 0, pre.value or 0

    # --- measuring ---------------------------------------------------------------------------------

    def fresh(self) -> tuple[int, int]:
        """Run it in an instance of its own: nanoseconds of making and ending the instance, and of the call."""
        start_ns = perf_counter_ns()
        self._open()
        made_ns = perf_counter_ns()
        self._call_task()
        called_ns = perf_counter_ns()
        self._end()
        return perf_counter_ns() - called_ns + made_ns - start_ns, called_ns - made_ns

    def kept(self) -> int:
        """Run it in the instance of the call before: nanoseconds of the call."""
        if not self._store:
            self._open()
        start_ns = perf_counter_ns()
        self._call_task()
        return perf_counter_ns() - start_ns

    def _open(self) -> None:
        self._store = binding.store_new(self._engine.pointer, None, None)
        self._context = context = binding.store_context(self._store)
        binding.store_limiter(self._store, self._memory_bytes, self.table_limit, 1, 1, 1)
        binding.set_epoch_deadline(context, self._ticks)
        self._check(binding.instantiate(self._pre, context, ctypes.byref(self._instance), ctypes.byref(self._trap)))
        for function in self._initializers:
            self._call(function, ())

    def _call_task(self) -> None:
        function, encoded = self._function, self._encoded
        binding.set_epoch_deadline(self._context, self._ticks)
        if isinstance(encoded, tuple):
            self._call(function, encoded)
            return
        data = encoded + b"\0" if self._is_text else encoded
        allocator, size = self._allocator, max(1, len(data))
        pointer = self._call(allocator.function, allocator.arguments(size))[0] & 0xFFFF_FFFF if allocator else 0
        self._find(self._memory_name)
        memory = ctypes.addressof(self._extern) + binding.EXTERN_ITEM_OFFSET
        if allocator is None:
            pointer = self._grow(memory, size)
        if pointer + len(data) > binding.memory_data_size(self._context, memory):
            raise BareUnavailableError(f"the allocator answered {pointer} for {size:,} bytes")
        ctypes.memmove(binding.memory_data(self._context, memory) + pointer, data, len(data))
        self._call(function, (pointer,) if self._is_text else (pointer, len(data)))
        if allocator is not None and allocator.deallocate is not None:
            self._call(allocator.deallocate, allocator.release_arguments(pointer, size))

    def _grow(self, memory: int, size: int) -> int:
        """The address of new pages for the input of a module that has no allocator."""
        before = ctypes.c_uint64()
        self._check(binding.memory_grow(self._context, memory, -(-size // _PAGE_BYTES), ctypes.byref(before)))
        return before.value * _PAGE_BYTES

    def _call(self, function: Function, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        self._find(function.encoded_name)
        function.pack_into(self._values, 0, *arguments)
        self._check(
            binding.call_unchecked(
                self._context,
                ctypes.addressof(self._extern) + binding.EXTERN_ITEM_OFFSET,
                ctypes.addressof(self._values),
                function.slots,
                ctypes.addressof(self._trap),
            )
        )
        answer: tuple[Any, ...] = function.unpack_from(self._values)
        return answer

    def _find(self, name: bytes) -> None:
        if not binding.export_get(
            self._context, ctypes.byref(self._instance), name, len(name), ctypes.byref(self._extern)
        ):
            raise BareUnavailableError(f"the engine has no export '{escape(name, 100)}'")

    def _check(self, error: int | None) -> None:
        if error:
            raise BareUnavailableError(f"the engine refused it: {escape(binding.take_error(error), 300)}")
        if self._trap.value:
            binding.trap_delete(self._trap.value)
            self._trap.value = None
            raise BareUnavailableError("without the host's functions the guest trapped")

    # --- the end -----------------------------------------------------------------------------------

    def _keep_time(self) -> None:
        """Keep the engine's clock going: it rests when no governed task runs, and the deadline would with it."""
        while not self._closed.is_set():
            if not self._engine.ticker.armed:
                self._engine.ticker.arm()
            self._closed.wait(_WATCH_SECONDS)

    def _end(self) -> None:
        store, self._store = self._store, 0
        if store:
            binding.store_delete(store)

    def close(self) -> None:
        """Free what it holds. Idempotent."""
        self._closed.set()
        self._end()
        pre, self._pre = self._pre, 0
        if pre:
            binding.instance_pre_delete(pre)
            binding.module_delete(self._module)
        if self._has_slot and self._engine.slots is not None:
            self._has_slot = False
            self._engine.slots.append(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
