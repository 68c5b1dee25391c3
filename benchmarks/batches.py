"""What a contender hands to its lane: a batch, which runs so many calls and tells how long they took."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Runs so many calls and gives the nanoseconds they took.
Batch = Callable[[int], int]


def loop(call: Callable[[], object]) -> Batch:
    """A batch that is a plain loop, after a tenth of it to warm up."""

    def batch(calls: int) -> int:
        for _ in range(calls // 10):
            call()
        start_ns = time.perf_counter_ns()
        for _ in range(calls):
            call()
        return time.perf_counter_ns() - start_ns

    return batch


def best(call: Callable[[], object]) -> Batch:
    """A batch that counts each of its calls as the quickest of them.

    For calls of milliseconds: on a busy machine most batches hold one that was interrupted.
    """

    def batch(calls: int) -> int:
        took_ns = []
        for _ in range(calls):
            start_ns = time.perf_counter_ns()
            call()
            took_ns.append(time.perf_counter_ns() - start_ns)
        return min(took_ns) * calls

    return batch


def timed(call: Callable[[], int]) -> Batch:
    """A batch of calls that measure themselves, where something must be made ready outside of the measured time."""

    def batch(calls: int) -> int:
        return sum(call() for _ in range(calls))

    return batch
