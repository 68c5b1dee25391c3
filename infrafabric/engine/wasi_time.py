"""Time and chance as guests get them: clocks in milliseconds, sleep within the deadline, random numbers.

A deterministic task gets a frozen clock that only its own sleeping moves, and the same random numbers each time.
"""

from __future__ import annotations

import os
import random
import struct
import time
from typing import TYPE_CHECKING

from infrafabric.engine import guest_memory
from infrafabric.engine.hostcall import host_function
from infrafabric.engine.wasi_state import (
    CHUNK_BYTES,
    EBADF,
    EFAULT,
    EINVAL,
    STDIN,
    STREAMS,
    SUCCESS,
    state_of,
    write_values,
)

if TYPE_CHECKING:
    from infrafabric.engine.running import Run

_CLOCKS = (0, 1, 2, 3)
_REALTIME = 0
_MS = 1_000_000
_U32 = 0xFFFF_FFFF
#: The date of a frozen clock: 2000-01-01T00:00:00Z.
_FROZEN_NS = 946_684_800_000_000_000
#: As far as it can move: its answers have 64 bits.
_MAX_SLEPT_NS = (1 << 64) - 1 - _FROZEN_NS
_MAX_SUBSCRIPTIONS = 1024


def _now_ns(run: Run, clock: int) -> int | None:
    if clock not in _CLOCKS:
        return None
    if run.terms.deterministic:
        return state_of(run).slept_ns + (_FROZEN_NS if clock == _REALTIME else 0)
    # Milliseconds: enough to measure and to seed, too coarse to time a cache.
    return (time.time_ns() if clock == _REALTIME else time.monotonic_ns()) // _MS * _MS


@host_function("i32 i32", "i32")
def clock_res_get(run: Run, caller: int, clock: int, pointer: int) -> int:
    """Every clock ticks once a millisecond."""
    return write_values(run, caller, pointer, "Q", _MS) if clock in _CLOCKS else EINVAL


@host_function("i32 i64 i32", "i32")
def clock_time_get(run: Run, caller: int, clock: int, _precision: int, pointer: int) -> int:
    """The time of a clock in nanoseconds, in whole milliseconds."""
    now_ns = _now_ns(run, clock)
    return EINVAL if now_ns is None else write_values(run, caller, pointer, "Q", now_ns)


@host_function("i32 i32", "i32")
def random_get(run: Run, caller: int, pointer: int, length: int) -> int:
    """Random bytes, for as long as the deadline allows."""
    length &= _U32
    if guest_memory.address_of(run, caller, pointer, length) is None:
        return EFAULT
    state = state_of(run)
    if run.terms.deterministic and state.random is None:
        state.random = random.Random(0)  # noqa: S311 - a reproducible task asks for exactly this
    for offset in range(0, length, CHUNK_BYTES):
        size = min(CHUNK_BYTES, length - offset)
        guest_memory.write(
            run, caller, pointer + offset, state.random.randbytes(size) if state.random else os.urandom(size)
        )
        if not run.look():  # as guest code does: it is charged, and pauses when its swarm has used up its share
            break
    return SUCCESS


@host_function("", "i32")
def sched_yield(_run: Run, _caller: int) -> int:
    """Nothing: the guest has its thread to itself."""
    return SUCCESS


_SUBSCRIPTION = struct.Struct("<QB7xI4xQQH6x")
_EVENT = struct.Struct("<QHB5xQH6x")
_CLOCK_EVENT, _FD_READ_EVENT, _FD_WRITE_EVENT = 0, 1, 2
_ABSOLUTE = 1
_HANGUP = 1


@host_function("i32 i32 i32 i32", "i32")
def poll_oneoff(run: Run, caller: int, subscriptions: int, events: int, count: int, out: int) -> int:
    """The events that have happened, else a sleep until the first clock asked for."""
    if not 0 < count <= _MAX_SUBSCRIPTIONS:
        return EINVAL
    raw = guest_memory.copy_of(run, caller, subscriptions, count * _SUBSCRIPTION.size, count * _SUBSCRIPTION.size)
    # Asked before it sleeps: the answer has a place.
    places = ((events, count * _EVENT.size), (out, 4))
    if raw is None or any(guest_memory.address_of(run, caller, pointer, size) is None for pointer, size in places):
        return EFAULT
    asked = _sort_subscriptions(run, raw)
    if asked is None:
        return EINVAL
    ready, sleeps = asked
    if not ready:
        shortest_ns = min(sleeps)[0]
        if not _sleep(run, shortest_ns):
            return SUCCESS  # the verdict is set: the guest does not see this
        ready = [_EVENT.pack(userdata, SUCCESS, _CLOCK_EVENT, 0, 0) for ns, userdata in sleeps if ns == shortest_ns]
    guest_memory.write(run, caller, events, b"".join(ready))
    return write_values(run, caller, out, "I", len(ready))


def _sort_subscriptions(run: Run, raw: bytes) -> tuple[list[bytes], list[tuple[int, int]]] | None:
    """What has happened already, as events, and what is slept for, as (ns, userdata); None for an unknown kind."""
    ready: list[bytes] = []
    sleeps: list[tuple[int, int]] = []
    for userdata, kind, subject, timeout, _precision, flags in _SUBSCRIPTION.iter_unpack(raw):
        if kind == _CLOCK_EVENT:
            now_ns = _now_ns(run, subject)
            if now_ns is None:
                ready.append(_EVENT.pack(userdata, EINVAL, kind, 0, 0))
            else:
                sleeps.append((max(0, timeout - now_ns) if flags & _ABSOLUTE else timeout, userdata))
        elif kind in (_FD_READ_EVENT, _FD_WRITE_EVENT):
            ready.append(_stream_event(run, userdata, kind, subject))
        else:
            return None
    return ready, sleeps


def _stream_event(run: Run, userdata: int, kind: int, fd: int) -> bytes:
    # Standard streams never wait; nothing else exists.
    if fd not in STREAMS:
        return _EVENT.pack(userdata, EBADF, kind, 0, 0)
    left = len(state_of(run).stdin) if fd == STDIN else 0
    return _EVENT.pack(userdata, SUCCESS, kind, left, _HANGUP if fd == STDIN and not left else 0)


def _sleep(run: Run, sleep_ns: int) -> bool:
    """Sleep, or move the frozen clock. False when the guest must end, with the verdict set."""
    if not run.terms.deterministic:
        return run.sleep_until(time.monotonic_ns() + sleep_ns)
    state = state_of(run)
    state.slept_ns = min(state.slept_ns + sleep_ns, _MAX_SLEPT_NS)
    return True
