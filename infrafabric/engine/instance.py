"""One instance of a program in a store of its own: made, called, read, closed.

A *fresh* instance lives for one task; a *kept* one for many, one at a time. Either way the steps and the
guards are the same: limits are set before any guest code runs, the start function, ``_initialize`` and
``initialize`` run under the task's deadline, and an instance whose guest did not return normally is closed,
never reused.
"""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.engine import binding
from infrafabric.engine.endings import raise_ending
from infrafabric.engine.running import EPOCH_CALLBACK, GuestEnded, Run, Verdict
from infrafabric.errors import Outcome

if TYPE_CHECKING:
    from infrafabric.engine.exports import Function
    from infrafabric.engine.program import Linked, Program

#: Values that the reusable argument buffer holds; larger signatures get a buffer of their own.
_SCRATCH_VALUES = 32
PAGE_BYTES = 65536
#: A look that comes sooner is not left for the next task: it would be late in it more often than not.
_SOON_NS = 3_000_000


@attrs.frozen(kw_only=True)
class Sandbox:
    """What an instance may use, as the engine enforces it. Made once a swarm."""

    memory_bytes: int
    payload_bytes: int
    fuel: int | None = None
    deterministic: bool = False


class _Scratch:
    """Buffers for the C side, reused from task to task: their addresses are computed once."""

    __slots__ = (
        "extern",
        "extern_address",
        "function_address",
        "instance",
        "instance_address",
        "memory",
        "memory_address",
        "memory_item_address",
        "trap",
        "trap_address",
        "values",
        "values_address",
    )

    def __init__(self) -> None:
        self.instance = binding.InstanceStruct()
        self.extern = binding.ExternStruct()
        self.memory = binding.ExternStruct()
        self.trap = ctypes.c_void_p()
        self.values = ctypes.create_string_buffer(_SCRATCH_VALUES * binding.RAW_VALUE_SIZE)
        self.instance_address = ctypes.addressof(self.instance)
        self.extern_address = ctypes.addressof(self.extern)
        self.function_address = self.extern_address + binding.EXTERN_ITEM_OFFSET
        self.memory_address = ctypes.addressof(self.memory)
        self.memory_item_address = self.memory_address + binding.EXTERN_ITEM_OFFSET
        self.trap_address = ctypes.addressof(self.trap)
        self.values_address = ctypes.addressof(self.values)


#: Scratches that no instance uses; ``pop`` and ``append`` of a list are atomic.
_FREE: list[_Scratch] = []


class Instance:
    """One store with one instance. Belongs to one thread at a time; `close` is idempotent."""

    __slots__ = (
        "_found",
        "_generation",
        "_grown",
        "_made",
        "_scratch",
        "_ticker",
        "context",
        "linked",
        "look_ns",
        "memory_address",
        "program",
        "run",
        "sandbox",
        "store",
    )

    def __init__(self, program: Program, linked: Linked, sandbox: Sandbox, run: Run) -> None:
        """Make the store and run the start function and initializers under ``run``'s deadline.

        Raises `GuestEnded`; the instance is then closed.
        """
        self.program = program
        self.linked = linked
        self.sandbox = sandbox
        self.run = run
        self._ticker = linked.engine.ticker
        #: The address of the memory handle; 0: nobody has looked for it yet.
        self.memory_address = 0
        self._grown = False
        #: Until then the scratch still holds another store's instance, and the engine aborts on it.
        self._made = False
        #: When the guest looks at its deadline next, by the ticker's generation then; 0: nobody has said so.
        self.look_ns = self._generation = 0
        #: The function whose handle the scratch holds.
        self._found: Function | None = None
        self._scratch = scratch = _FREE.pop() if _FREE else _Scratch()
        self.store = store = binding.store_new(linked.engine.pointer, None, None)
        self.context = context = binding.store_context(store)
        binding.store_limiter(store, sandbox.memory_bytes, program.table_limit, 1, 1, 1)
        binding.store_epoch_callback(store, EPOCH_CALLBACK, None, None)
        try:
            self.attach(run)
            error = binding.instantiate(linked.pre, context, scratch.instance_address, scratch.trap_address)
            if error or scratch.trap.value:
                self._ended(error)
            self._made = True
            for function in program.initializers:
                self._initialize(function)
        except BaseException:
            self.close()
            raise

    def attach(self, run: Run) -> None:
        """Let ``run`` use this instance: arm its deadline and fill its fuel."""
        self.run = run
        run.instance = self
        ticker = self._ticker
        if not ticker.armed:
            ticker.arm()
        now_ns = time.monotonic_ns()
        look_ns = self.look_ns
        if (
            now_ns + _SOON_NS < look_ns <= run.deadline_ns
            and look_ns - now_ns <= run.spare_ns
            and ticker.generation == self._generation
            and run.shield is None
            and run.stop is None
        ):
            run.look_ns = look_ns  # the last task's look comes early enough for this one
        else:
            self._generation = ticker.generation
            ticks = run.ticks(now_ns, run.spare_ns)
            binding.set_epoch_deadline(self.context, ticks)
            # Asked again: a stop whose wake-up came before the line above would be noticed too late.
            if run.stop is not None or not ticks:
                raise GuestEnded(run.verdict or run.stop)
        if self.sandbox.fuel is not None:
            binding.set_fuel(self.context, self.sandbox.fuel)

    def _initialize(self, function: Function) -> None:
        answer = self.call(function, ())
        if answer and answer[0]:
            name = function.name
            raise GuestEnded(Verdict(Outcome.GUEST_ERROR, f"'{name}' answered {answer[0]}", guest_code=answer[0]))

    def call(self, function: Function, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """Call an export with numbers already checked against its signature. Raises `GuestEnded`."""
        scratch = self._scratch
        if self._found is not function:
            name = function.encoded_name
            if not binding.export_get(self.context, scratch.instance_address, name, len(name), scratch.extern_address):
                raise GuestEnded(Verdict(Outcome.INTERNAL, f"the engine has no export '{function.name}'"))
            self._found = function
        values, address = scratch.values, scratch.values_address
        if function.slots > _SCRATCH_VALUES:
            values = ctypes.create_string_buffer(function.slots * binding.RAW_VALUE_SIZE)
            address = ctypes.addressof(values)
        function.pack_into(values, 0, *arguments)
        error = binding.call_unchecked(
            self.context, scratch.function_address, address, function.slots, scratch.trap_address
        )
        if error or scratch.trap.value:
            self._ended(error)
        answer: tuple[Any, ...] = function.unpack_from(values)
        return answer

    def _ended(self, error: int | None) -> None:
        trap = self._scratch.trap.value
        self._scratch.trap.value = None
        self.measure()
        raise_ending(self.run, error, trap, self.sandbox.memory_bytes, self.program.info.function_name)

    # --- memory ------------------------------------------------------------------------------------

    def _memory(self) -> int:
        """The address of the memory handle; the program exports one (checked when its tasks were planned)."""
        if not self.memory_address:
            scratch, name = self._scratch, self.program.memory_name or b""
            if not binding.export_get(self.context, scratch.instance_address, name, len(name), scratch.memory_address):
                raise GuestEnded(Verdict(Outcome.INTERNAL, "the engine has no exported memory"))
            self.memory_address = scratch.memory_item_address
        return self.memory_address

    def memory_size(self) -> int:
        """Bytes of the exported memory now."""
        size: int = binding.memory_data_size(self.context, self._memory())
        return size

    def grow(self, pages: int) -> int | None:
        """Grow the exported memory; the address of the new pages in the guest, None when the limit refuses."""
        before = ctypes.c_uint64()
        error = binding.memory_grow(self.context, self._memory(), pages, ctypes.byref(before))
        if error:
            binding.error_delete(error)
            return None
        self._grown = True
        return before.value * PAGE_BYTES

    def holds(self, pointer: int, length: int) -> bool:
        """Whether a guest range lies inside the exported memory."""
        return pointer >= 0 and length >= 0 and pointer + length <= self.memory_size()

    def write(self, pointer: int, data: bytes) -> None:
        """Copy ``data`` into the guest, to a range that `holds` said yes to."""
        ctypes.memmove(binding.memory_data(self.context, self._memory()) + pointer, data, len(data))

    def read(self, pointer: int, length: int) -> bytes:
        """A copy of a range that `holds` said yes to."""
        base: int = binding.memory_data(self.context, self._memory()) or 0
        return ctypes.string_at(base + pointer, length) if length else b""

    def find_byte(self, pointer: int, byte: int, most: int) -> int | None:
        """The distance from ``pointer`` to the next ``byte`` within ``most`` bytes; None when there is none."""
        size = min(most, self.memory_size() - pointer)
        if size <= 0:
            return None
        start: int = binding.memory_data(self.context, self._memory()) + pointer
        found = binding.find_byte(start, byte, size)
        return None if found is None else found - start

    # --- the end -----------------------------------------------------------------------------------

    def measure(self) -> None:
        """Note the memory that the guest has: it never shrinks, so this is its peak."""
        program = self.program
        run = self.run
        if not self._made or not (program.may_grow or self._grown):
            run.peak_memory_bytes = program.initial_memory_bytes
        elif program.memory_name is not None:
            run.peak_memory_bytes = self.memory_size()
        else:  # nobody can look at a memory that is not exported: it may have grown as far as it was let
            run.peak_memory_bytes = program.grown_memory_bytes(self.sandbox.memory_bytes)

    def fuel_used(self) -> int | None:
        """Fuel used since `attach`; None when it is not metered."""
        if self.sandbox.fuel is None:
            return None
        left = ctypes.c_uint64()
        error = binding.get_fuel(self.context, ctypes.byref(left))
        if error:
            binding.error_delete(error)
            return None
        return self.sandbox.fuel - left.value

    def close(self) -> None:
        """Free the store and give its slot back."""
        store, self.store = self.store, 0
        if store:
            binding.store_delete(store)
            slots = self.linked.engine.slots
            if slots is not None:
                slots.append(None)
            _FREE.append(self._scratch)
