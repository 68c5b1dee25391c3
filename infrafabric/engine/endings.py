"""Every way the engine can end a guest, in one table, and what each becomes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infrafabric.engine import binding
from infrafabric.engine.running import GuestEnded, Run, Verdict
from infrafabric.errors import Outcome, escape

if TYPE_CHECKING:
    from collections.abc import Callable

#: What each trap means for people. Codes that a core module cannot raise stay the engine's words.
TRAPS: dict[str, str] = {
    "stack_overflow": "the guest's call stack is exhausted (512 KiB): look for unbounded recursion",
    "memory_out_of_bounds": "the guest read or wrote outside its memory",
    "heap_misaligned": "an atomic access was not aligned",
    "table_out_of_bounds": "the guest used a table index that does not exist",
    "indirect_call_to_null": "the guest called through an empty table entry",
    "bad_signature": "the guest called a function through a pointer of another type",
    "integer_overflow": "an integer division overflowed",
    "integer_division_by_zero": "the guest divided an integer by zero",
    "bad_conversion_to_integer": "the guest converted a float that fits no integer",
    "unreachable_code_reached": (
        "the guest gave up: an 'unreachable' instruction (a panic, an abort or a failed assertion)"
    ),
    "atomic_wait_non_shared_memory": "the guest waited on memory that nobody shares",
    "null_reference": "the guest used a null reference",
    "array_out_of_bounds": "the guest used an array index that does not exist",
    "allocation_too_large": "the guest asked for an object that is too large",
    "cast_failure": "the guest cast a reference to a type it is not of",
    "uncaught_exception": "the guest threw an exception that nobody caught",
}
#: Trap codes that are no traps of the guest's making, but the engine keeping a limit.
LIMITS: dict[str, Outcome] = {"interrupt": Outcome.TIMEOUT, "out_of_fuel": Outcome.FUEL_EXHAUSTED}

#: A trap while memory stands above this share of its limit may be a refused allocation.
_NEARLY_FULL = 0.5
_MIB = 1 << 20


def outcome_of(trap_code: str) -> Outcome:
    """The outcome that a trap code stands for."""
    return LIMITS.get(trap_code, Outcome.TRAP)


def raise_ending(
    run: Run,
    error: int | None,
    trap: int | None,
    memory_limit_bytes: int,
    name_of: Callable[[int], str | None] = lambda _index: None,
) -> None:
    """Raise `GuestEnded` for what a call returned. The run's own verdict comes first: it is why the guest ended."""
    number, text = None, b""
    if trap:
        number, text = binding.take_trap(trap)
    elif error:
        text = binding.take_error(error)
    if run.verdict is not None:
        raise GuestEnded(run.verdict)
    code = binding.TRAP_CODES.get(number, f"code_{number}") if number is not None else ""
    if not code:
        raise GuestEnded(Verdict(Outcome.INTERNAL, f"the engine reported: {escape(text)}"))
    outcome = outcome_of(code)
    message = TRAPS.get(code, f"the guest trapped: {code.replace('_', ' ')}")
    if (
        outcome is Outcome.TRAP
        and run.instance is not None
        and run.instance.program.memory_name is not None
        and run.peak_memory_bytes > _NEARLY_FULL * memory_limit_bytes
    ):
        message += (
            f"; its memory stood at {run.peak_memory_bytes / _MIB:.0f} of {memory_limit_bytes / _MIB:.0f} MiB: "
            "a refused grow is likely (raise max_memory_mb, or send less)"
        )
    raise GuestEnded(Verdict(outcome, message, code, _backtrace(text, name_of)))


#: How the engine calls a function, of which it knows no name: custom sections do not reach it.
_NAMELESS = re.compile(r"<unknown>!<wasm function (\d+)>")


def _backtrace(text: bytes, name_of: Callable[[int], str | None]) -> str:
    """The guest's frames from the engine's message with the module's own names, each escaped, at most sixteen lines."""

    def named(found: re.Match[str]) -> str:
        return name_of(int(found[1])) or f"<function {found[1]}>"

    lines = text.decode("utf-8", "replace").splitlines()
    frames = [_NAMELESS.sub(named, line.strip()) for line in lines if "!" in line][:16]
    return "\n".join(escape(line, limit=200) for line in frames)
