"""May it run now: the rate, the queue, the CPU share and the memory of the host.

You need this when you compose a runtime; callers of `IFChassis` meet only the outcomes. Each part stands alone, is
thread-safe, takes its clock as an argument and answers with figures; whoever composes them writes the messages.
"""

from __future__ import annotations

from infrafabric.limits.cpu_share import NEVER_NS, CpuShare
from infrafabric.limits.gate import Gate, SlotWaiter, Wait, Waiter
from infrafabric.limits.headroom import (
    HostMemory,
    MemoryFigures,
    MemoryLedger,
    MemorySample,
    process_ledger,
    sample_host,
)
from infrafabric.limits.moving_window import MonotonicWindowStorage, RateStorage, RateToken, Refusal
from infrafabric.limits.rate import RateLimiter, open_rate_storage
from infrafabric.limits.redis_window import SharedWindowStorage

__all__ = [
    "NEVER_NS",
    "CpuShare",
    "Gate",
    "HostMemory",
    "MemoryFigures",
    "MemoryLedger",
    "MemorySample",
    "MonotonicWindowStorage",
    "RateLimiter",
    "RateStorage",
    "RateToken",
    "Refusal",
    "SharedWindowStorage",
    "SlotWaiter",
    "Wait",
    "Waiter",
    "open_rate_storage",
    "process_ledger",
    "sample_host",
]
