"""What one task does, counted instead of timed: the same on a busy machine as on a quiet one.

Python calls are counted with a profile function: frames entered, and built-in functions called. Bytecode instructions
are counted with a trace function that sees each: what grows without a call more. Calls into the engine through `ctypes`
are seen by none of them; `instructions` counts those as well, where there is valgrind. Memory is the most that
`tracemalloc` saw the task hold at once.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


@attrs.frozen(kw_only=True)
class Counts:
    """What one call does: Python and built-in functions called, bytecode run, and bytes held at its peak."""

    python_calls: int
    builtin_calls: int
    bytecode: int
    peak_bytes: int


def count(call: Callable[[], object]) -> Counts:
    """Count one call, warmed up before; of several tries the least, since another thread or a sweep may join in."""
    for _ in range(50):
        call()
    gc.collect()
    calls = [_calls(call) for _ in range(5)]
    return Counts(
        python_calls=min(python for python, _ in calls),
        builtin_calls=min(builtin for _, builtin in calls),
        bytecode=min(_bytecode(call) for _ in range(5)),
        peak_bytes=min(_peak_bytes(call) for _ in range(5)),
    )


def _calls(call: Callable[[], object]) -> tuple[int, int]:
    seen = {"call": 0, "c_call": 0}

    def profile(_frame: Any, event: str, _argument: Any) -> None:
        if event in seen:
            seen[event] += 1

    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    return seen["call"], seen["c_call"] - 1  # the last one is setprofile itself


def _bytecode(call: Callable[[], object]) -> int:
    seen = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal seen
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        seen += event == "opcode"
        return trace

    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(None)
    return seen


def _peak_bytes(call: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        call()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
