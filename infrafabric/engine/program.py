"""A module ready to run: its code in the engines that need it, its imports linked, its exports planned.

Programs are shared: every swarm with the same bytes and the same kind of code uses one, whatever its contract, so
that ten thousand swarms of one module hold its code once. What a task needs is worked out here, at load: which
exports can be called, how their arguments lie in memory, which functions initialize an instance.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.engine import binding, entry
from infrafabric.engine.compiler import COMPILER
from infrafabric.engine.engines import POOL_TABLE_ELEMENTS, Engine, code_kind, engine_for, on_demand_engine
from infrafabric.engine.exports import plan_exports
from infrafabric.engine.imports import host_function_for
from infrafabric.errors import InvalidModule, ModuleTooLarge, escape
from infrafabric.wasm.stripping import without_custom_sections

if TYPE_CHECKING:
    from infrafabric.engine.cache import CodeCache
    from infrafabric.engine.settings import CodeKind
    from infrafabric.wasm import ModuleInfo

#: A table may be declared with, and grow to, so many elements (8 bytes each) when it does not fit a pool slot.
MAX_TABLE_ELEMENTS = 1_000_000

#: ``memory.grow`` of memory 0. Where these two bytes are nowhere in a module, its memory cannot grow.
_MEMORY_GROW = b"\x40\x00"


@attrs.frozen(eq=False)
class Linked:
    """A program's code in one engine, imports resolved. Freed with the program."""

    engine: Engine
    pre: int
    module: int


class Program:
    """A compiled and linked module. Make one with `load_program`."""

    def __init__(self, info: ModuleInfo, data: bytes, code: bytes, kind: CodeKind) -> None:
        """Link ``code``, compiled from ``data``. Raises `InvalidModule` when the engine does not accept it."""
        self.info = info
        self.kind = kind
        self._lock = threading.Lock()
        self._linked: dict[bool, Linked] = {}
        memory = info.exported_memory()
        self.memory_name: bytes | None = memory.encode() if memory is not None else None
        self.initial_memory_bytes = sum(item.minimum_bytes for item in info.memories)
        self.may_grow = _MEMORY_GROW in data
        self.table_limit = max([POOL_TABLE_ELEMENTS, *(table.minimum for table in info.tables)])
        plan = plan_exports(info)
        self.tasks, self.initializers, self.allocator = plan.tasks, plan.initializers, plan.allocator
        self._link(pooled=True, code=code)

    def grown_memory_bytes(self, limit_bytes: int) -> int:
        """How large the memory can get under a limit; 0 without one."""
        if not self.info.memories:
            return 0
        declared = self.info.memories[0].maximum_bytes
        return limit_bytes if declared is None else min(limit_bytes, declared)

    def linked(self, *, pooled: bool) -> Linked:
        """This program in the pooled or the on-demand engine; on demand as well where no pool can hold it."""
        found = self._linked.get(pooled)
        return found if found is not None else self._link(pooled=pooled)

    def _link(self, *, pooled: bool, code: bytes | None = None) -> Linked:
        with self._lock:
            if pooled in self._linked:
                return self._linked[pooled]
            engine = engine_for(self.kind, pooled=True) if pooled and self._fits_pool() else None
            engine = engine or on_demand_engine(self.kind)
            linked = self._linked.get(False) if not engine.pooled else None
            if linked is None:
                # The second engine gets the code back from the first one's module: it is not held twice.
                code = code or binding.serialize(self._linked[not pooled].module)
                linked = _link(self.info, code, engine)
                weakref.finalize(self, _free, linked.pre, linked.module, entry.process_generation).atexit = False
            self._linked[pooled] = linked
            if not engine.pooled:
                self._linked[False] = linked
            return linked

    def _fits_pool(self) -> bool:
        return self.table_limit <= POOL_TABLE_ELEMENTS


def _link(info: ModuleInfo, code: bytes, engine: Engine) -> Linked:
    module, pre = ctypes.c_void_p(), ctypes.c_void_p()
    error = binding.module_deserialize(engine.pointer, code, len(code), ctypes.byref(module))
    if error:
        raise InvalidModule(
            f"the engine does not accept its compiled code: {escape(b' '.join(binding.take_error(error).split()))}"
        )
    linker = binding.linker_new(engine.pointer)
    try:
        for wanted in {(item.module, item.name): item for item in info.imports}.values():
            function = host_function_for(wanted)
            if function is None:  # `check_imports` goes before, so this is a bug of ours
                raise InvalidModule(f"nothing stands behind its import {escape(wanted.module)}.{escape(wanted.name)}")
            _define(linker, wanted.module.encode(), wanted.name.encode(), function)
        error = binding.linker_instantiate_pre(linker, module, ctypes.byref(pre))
        if error:
            binding.module_delete(module)
            raise InvalidModule(f"the engine cannot link it: {escape(binding.take_error(error))}")
    finally:
        binding.linker_delete(linker)
    return Linked(engine, pre.value or 0, module.value or 0)


def _define(linker: int, module: bytes, name: bytes, function: Any) -> None:
    functype = binding.functype_new(*function.signature)
    error = binding.linker_define(linker, module, len(module), name, len(name), functype, function.callback, None, None)
    binding.functype_delete(functype)
    if error:
        raise InvalidModule(f"the engine cannot link it: {escape(binding.take_error(error))}")


def _free(pre: int, module: int, generation: int) -> None:
    if generation != entry.process_generation:
        return  # in a forked child the engine's locks may be held by threads that do not exist
    binding.instance_pre_delete(pre)
    binding.module_delete(module)


# --- loading ---------------------------------------------------------------------------------------

_programs: weakref.WeakValueDictionary[tuple[str, CodeKind], Program] = weakref.WeakValueDictionary()
_programs_lock = threading.Lock()
_loading: dict[tuple[str, CodeKind], threading.Lock] = {}


def _after_fork() -> None:
    """Forget the parent's programs: their engines are not ticked here."""
    global _programs_lock  # noqa: PLW0603 - it may be held by a thread that does not exist here
    _programs_lock = threading.Lock()
    _programs.clear()
    _loading.clear()


os.register_at_fork(after_in_child=_after_fork)


def load_program(
    info: ModuleInfo, data: bytes, *, fuel: bool, deterministic: bool, cache: CodeCache | None, timeout_seconds: float
) -> Program:
    """The program of a module whose imports were checked: shared, from the cache, or compiled, in this order.

    Raises `InvalidModule`, `ModuleTooLarge` or `CompileLimitExceeded`.
    """
    if any(table.minimum > MAX_TABLE_ELEMENTS for table in info.tables):
        most = max(table.minimum for table in info.tables)
        raise ModuleTooLarge(f"it declares a table of {most:,} elements; a table may have {MAX_TABLE_ELEMENTS:,}")
    kind = code_kind(fuel=fuel, canonical_nans=deterministic)
    key = (info.sha256, kind)
    with _programs_lock:
        lock = _loading.setdefault(key, threading.Lock())
    try:
        with lock:
            program = _programs.get(key)
            if program is None:
                program = _build(info, data, kind, cache, timeout_seconds)
                with _programs_lock:
                    _programs[key] = program
            return program
    finally:
        with _programs_lock, contextlib.suppress(KeyError):
            if not lock.locked():
                del _loading[key]


def _build(info: ModuleInfo, data: bytes, kind: CodeKind, cache: CodeCache | None, timeout_seconds: float) -> Program:
    code = cache.get(info.sha256, kind) if cache is not None else None
    if code is not None:
        try:
            return Program(info, data, code, kind)
        except InvalidModule:
            pass  # written by another build of the engine under the same name: compile it again
    code = COMPILER.compile(without_custom_sections(data), kind, timeout_seconds)
    if cache is not None:
        cache.put(info.sha256, kind, code)
    return Program(info, data, code, kind)
