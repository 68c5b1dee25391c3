"""Does the host still have the memory that a task may use? Promises are kept, not swapped.

Chosen: a ledger of the memory that running and kept instances may still grow to, checked against what the machine and
its control groups really have available, which is looked up only when the promises come near it.
Every promise counts in full on top of what is in use already: a guest that has used its promise is counted twice, so
that a host may refuse while it has memory left, but never promises the same byte to two guests.
Rejected: looking at the available memory alone, which promises it to everybody who asks before the first one has
touched it; and ``RLIMIT_AS``, since engines reserve address space by the terabyte without using it.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import psutil

from infrafabric.limits.cgroup import read_group_memory

if TYPE_CHECKING:
    from collections.abc import Callable

_MIB = 1 << 20

#: Close to the limit, a look at the host is this old at most.
FRESH_NS = 250_000_000

#: Far from the limit, where promises are less than half of what there was, a look is this old at most.
STALE_NS = 5_000_000_000


@attrs.frozen
class MemorySample:
    """What the host had when it was looked at: memory that can be had without swapping, and memory in all."""

    available_bytes: int
    total_bytes: int


@attrs.frozen(kw_only=True)
class MemoryFigures:
    """The figures behind a promise, given or refused, for messages.

    It was given if ``promised_bytes + asked_bytes <= available_bytes - reserve_bytes``; ``promised_bytes`` does not
    include what was asked.
    """

    asked_bytes: int
    promised_bytes: int
    available_bytes: int
    reserve_bytes: int
    total_bytes: int


def sample_host(root: Path = Path("/")) -> MemorySample:
    """Look at the host: the machine's memory, or that of the tightest control group, whichever is less."""
    machine = psutil.virtual_memory()
    group = read_group_memory(root)
    if group is None:
        return MemorySample(machine.available, machine.total)
    return MemorySample(min(machine.available, group.available_bytes), min(machine.total, group.limit_bytes))


class HostMemory:
    """The host's memory, looked at only when somebody asks and the last look is too old. Thread-safe."""

    __slots__ = ("_clock_ns", "_lock", "_sample", "_take_sample", "_taken_ns")

    def __init__(
        self, sample: Callable[[], MemorySample] = sample_host, *, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._take_sample = sample
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._taken_ns = 0
        self._sample: MemorySample | None = None

    def sample(self, max_age_ns: int = FRESH_NS) -> MemorySample:
        """Give a look at the host that is at most ``max_age_ns`` old."""
        sample = self._sample
        if sample is not None and self._clock_ns() - self._taken_ns < max_age_ns:
            return sample
        with self._lock:
            now_ns = self._clock_ns()
            if self._sample is None or now_ns - self._taken_ns >= max_age_ns:  # nobody else has looked meanwhile
                self._sample = self._take_sample()
                self._taken_ns = now_ns
            return self._sample

    def available_bytes(self) -> int:
        """Give the bytes that can be had now without swapping, at most 250 ms ago."""
        return self.sample().available_bytes


class MemoryLedger:
    """Promises of memory against what the host has, less a reserve for everything else. Thread-safe.

    The reserve is ``reserve_fraction`` of the host's memory, at least ``reserve_floor_bytes``. Raises ValueError for a
    fraction outside 0 to 1 (exclusive), a floor below 0, and amounts below 0.

    >>> ledger = MemoryLedger(HostMemory(lambda: MemorySample(600, 1000)), reserve_fraction=0.1, reserve_floor_bytes=0)
    >>> ledger.try_promise(300), ledger.try_promise(300)
    (True, False)
    >>> ledger.release(300)
    >>> ledger.could_ever_fit(900), ledger.could_ever_fit(901)
    (True, False)
    """

    __slots__ = ("_host", "_lock", "_promised_bytes", "_reserve_floor_bytes", "_reserve_fraction", "_room")

    def __init__(
        self, host: HostMemory, *, reserve_fraction: float = 0.05, reserve_floor_bytes: int = 32 * _MIB
    ) -> None:
        if not 0 <= reserve_fraction < 1 or reserve_floor_bytes < 0:
            message = (
                f"a reserve of {reserve_fraction!r} and at least {reserve_floor_bytes} bytes: give 0 to 1, and 0 up"
            )
            raise ValueError(message)
        self._host = host
        self._reserve_fraction = reserve_fraction
        self._reserve_floor_bytes = reserve_floor_bytes
        self._lock = threading.Lock()
        self._promised_bytes = 0
        self._room: tuple[MemorySample | None, int] = (None, 0)  # computed once for each look at the host

    @property
    def promised_bytes(self) -> int:
        """Give the sum of all promises that were not released."""
        return self._promised_bytes

    def try_promise(self, asked_bytes: int) -> bool:
        """Promise ``asked_bytes`` if the host has them beside all other promises; then `release` them later.

        False promises nothing; `figures` says why.
        """
        if asked_bytes < 0:
            message = f"cannot promise {asked_bytes} bytes: give 0 or more"
            raise ValueError(message)
        room = self._room_bytes(STALE_NS)
        with self._lock:
            promised = self._promised_bytes + asked_bytes
            if 2 * promised <= room:
                self._promised_bytes = promised
                return True
        room = self._room_bytes(FRESH_NS)
        with self._lock:
            promised = self._promised_bytes + asked_bytes
            if promised <= room:
                self._promised_bytes = promised
                return True
        return False

    def release(self, promised_bytes: int) -> None:
        """Take a promise back. Raises ValueError for more than is promised: the books would be wrong from then on."""
        with self._lock:
            if not 0 <= promised_bytes <= self._promised_bytes:
                message = f"cannot release {promised_bytes} bytes of {self._promised_bytes} promised"
                raise ValueError(message)
            self._promised_bytes -= promised_bytes

    def could_ever_fit(self, asked_bytes: int) -> bool:
        """Tell whether the host could hold this with nothing else promised and all of its memory free."""
        sample = self._host.sample(STALE_NS)
        return asked_bytes <= sample.total_bytes - self._reserve_bytes(sample)

    def figures(self, asked_bytes: int) -> MemoryFigures:
        """Give the figures that a promise of ``asked_bytes`` is decided by now."""
        sample = self._host.sample()
        return MemoryFigures(
            asked_bytes=asked_bytes,
            promised_bytes=self._promised_bytes,
            available_bytes=sample.available_bytes,
            reserve_bytes=self._reserve_bytes(sample),
            total_bytes=sample.total_bytes,
        )

    def _room_bytes(self, max_age_ns: int) -> int:
        """Give what all promises together may reach."""
        sample = self._host.sample(max_age_ns)
        seen, room = self._room
        if seen is not sample:
            room = sample.available_bytes - self._reserve_bytes(sample)
            self._room = (sample, room)
        return room

    def _reserve_bytes(self, sample: MemorySample) -> int:
        return max(int(sample.total_bytes * self._reserve_fraction), self._reserve_floor_bytes)


_ledgers: dict[int, MemoryLedger] = {}


def process_ledger() -> MemoryLedger:
    """Give the one ledger of this process, on the real host; a forked child has promised nothing and gets its own."""
    process = os.getpid()
    return _ledgers.get(process) or _ledgers.setdefault(process, MemoryLedger(HostMemory()))
