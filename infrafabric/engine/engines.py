"""The engines of this process: one pooled and one on-demand engine for each kind of code.

A *pooled* engine keeps slots of reserved address space, so that a fresh instance costs a few microseconds;
an *on-demand* engine maps memory for each instance and has no fixed number of them. Fresh tasks use the
pool; kept instances, modules that fit no slot and an exhausted pool use on-demand. Code of one kind runs
in both.

An engine that cannot reserve its address space aborts the process, so before each pool its span is reserved
and released with ``mmap(PROT_NONE)``, twice over; on failure a quarter of the slots is tried, down to no pool.
Engines belong to the process: a chassis that comes and goes costs none, and they are never freed, because a
kernel timer may still be about to tick them. A forked child makes its own.

Rejected: an engine for each chassis or swarm. It gives private epochs, but the 32nd pool exhausts the
address space, and the callback that tells swarms apart is needed for cancellation anyway.
"""

from __future__ import annotations

import mmap
import os
import threading

import attrs

from infrafabric.engine import binding, ticker
from infrafabric.engine.settings import CodeKind, new_config, new_engine

#: Slots of a pool where the address space allows: as many fresh instances run at once.
POOL_SLOTS = 1000
#: Address space of one slot: 4 GiB that a 32-bit memory can reach, and its guard.
SLOT_SPAN_BYTES = (4 << 30) + (32 << 20)
#: Table elements of one slot; a module that declares more is instantiated on demand.
POOL_TABLE_ELEMENTS = 20_000
#: What the engine keeps of one instance beside memory and table: 32 bytes for each function that is exported or in a
#: table, 16 for each global. The bounds of `infrafabric.wasm` come to 7 MiB.
_MAX_INSTANCE_BYTES = 16 << 20
#: Memory of a slot that is cleared by writing zeros rather than by returning pages to the kernel.
_KEEP_RESIDENT_BYTES = 64 * 1024
#: Below this much address space, memories are not reserved ahead and every access is checked.
_COMPACT_BELOW_BYTES = 1 << 40


@attrs.frozen(eq=False)
class Engine:
    """One engine: its pointer, the kind of its code, its ticker, and its free slots (None: on demand)."""

    pointer: int
    kind: CodeKind
    ticker: ticker.Ticker
    #: One token a slot; ``pop`` and ``append`` of a list are atomic. None: no fixed number.
    slots: list[None] | None

    @property
    def pooled(self) -> bool:
        """True when instances come from reserved slots."""
        return self.slots is not None


_lock = threading.Lock()
_engines: dict[tuple[CodeKind, bool], Engine] = {}
_compact: bool | None = None


def _after_fork() -> None:
    """Forget the parent's engines: nothing ticks them here, and threads that do not exist may hold their locks."""
    global _lock  # noqa: PLW0603 - a lock of this process
    _lock = threading.Lock()
    _engines.clear()


os.register_at_fork(after_in_child=_after_fork)


def engine_for(kind: CodeKind, *, pooled: bool) -> Engine | None:
    """The process's engine of ``kind``, made at the first call; None when no pool fits the address space."""
    if not pooled:
        return on_demand_engine(kind)
    with _lock:
        engine = _engines.get((kind, True))
        slots = 0 if engine is not None or kind.compact else pool_slots()
        if slots:
            engine = _keep(kind, _new_pooled_engine(kind, slots), [None] * slots)
        return engine


def on_demand_engine(kind: CodeKind) -> Engine:
    """The process's engine of ``kind`` without a pool. It reserves nothing, so it can always be had."""
    with _lock:
        return _engines.get((kind, False)) or _keep(kind, new_engine(kind), None)


def _keep(kind: CodeKind, pointer: int, slots: list[None] | None) -> Engine:
    engine = Engine(pointer=pointer, kind=kind, ticker=ticker.Ticker(pointer), slots=slots)
    _engines[kind, engine.pooled] = engine
    return engine


def code_kind(*, fuel: bool = False, canonical_nans: bool = False) -> CodeKind:
    """The kind of code this process can run: compact under an address-space limit."""
    return CodeKind(fuel=fuel, canonical_nans=canonical_nans, compact=address_space_is_tight())


def pool_slots() -> int:
    """How many slots another pool of this process can have now: 1000, 250, 62 ... or 0."""
    slots = 0 if address_space_is_tight() else POOL_SLOTS
    while slots and not _can_reserve(2 * slots * SLOT_SPAN_BYTES):
        slots //= 4
    return slots


def address_space_is_tight() -> bool:
    """True when this process cannot map a terabyte, as under ``ulimit -v``. Measured once."""
    global _compact  # noqa: PLW0603 - a fact about the process, measured once
    if _compact is None:
        _compact = not _can_reserve(_COMPACT_BELOW_BYTES)
    return _compact


def _can_reserve(span_bytes: int) -> bool:
    try:
        # PROT_NONE, private and anonymous: address space only, no memory.
        mmap.mmap(-1, span_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=0).close()
    except (OSError, OverflowError, ValueError):
        return False
    return True


def _new_pooled_engine(kind: CodeKind, slots: int) -> int:
    pool = binding.pool_config_new()
    for name in ("total_core_instances", "total_memories", "total_tables"):
        binding.pool_config_set(pool, name, slots)
    binding.pool_config_set(pool, "max_memories_per_module", 1)
    binding.pool_config_set(pool, "max_tables_per_module", 1)
    binding.pool_config_set(pool, "max_core_instance_size", _MAX_INSTANCE_BYTES)
    binding.pool_config_set(pool, "table_elements", POOL_TABLE_ELEMENTS)
    binding.pool_config_set(pool, "linear_memory_keep_resident", _KEEP_RESIDENT_BYTES)
    binding.pool_config_set(pool, "table_keep_resident", _KEEP_RESIDENT_BYTES)
    config = new_config(kind)
    binding.pool_strategy_set(config, pool)
    binding.pool_config_delete(pool)
    pointer: int = binding.engine_new_with_config(config)
    return pointer
