"""The hot path does not grow unnoticed: calls and memory of one task are counted, not timed.

Counts are the same on a busy machine as on a quiet one, and differ a little from one Python to the next. Whoever makes
the path shorter lowers `BUDGETS` to what ``python benchmarks/run.py --only hot-path`` shows; whoever has to make it
longer raises them, and says why.
"""

from __future__ import annotations

import attrs
import pytest

from benchmarks.hot_path import Counts, count
from benchmarks.lanes import probe

#: One scalar task under every limit, on a thread that is not the main one, as CPython 3.11 runs it.
BUDGETS = {
    "kept": Counts(python_calls=96, builtin_calls=47, peak_bytes=1_020),
    "fresh": Counts(python_calls=104, builtin_calls=56, peak_bytes=1_360),
}
#: What another Python may cost more before this fails.
MARGIN = 1.10


def over(counts: Counts, budget: Counts) -> list[str]:
    """What exceeds its budget by more than the margin, in words."""
    allowed = attrs.asdict(budget)
    return [
        f"{name}: {value}, budget {allowed[name]} and a margin of {MARGIN - 1:.0%}"
        for name, value in attrs.asdict(counts).items()
        if value > allowed[name] * MARGIN
    ]


@pytest.mark.parametrize("instance", BUDGETS)
def test_a_scalar_task_stays_within_its_budget(instance: str) -> None:
    """Python calls, calls of built-in functions, and bytes held at the peak."""
    counts = Counts(**probe("benchmarks.suites.hot_path:counts", kept=instance == "kept"))
    assert over(counts, BUDGETS[instance]) == []


def test_the_budget_is_exceeded_just_outside_its_margin() -> None:
    """Ten percent more is let through, a call more is not; and every kind of count is looked at."""
    budget = Counts(python_calls=100, builtin_calls=100, peak_bytes=100)
    assert over(Counts(python_calls=110, builtin_calls=110, peak_bytes=110), budget) == []
    assert len(over(Counts(python_calls=111, builtin_calls=111, peak_bytes=111), budget)) == 3


def _callee() -> list[int]:
    return []


def test_a_call_more_is_a_call_counted() -> None:
    """Functions, built-in functions and memory are each seen when one more of them is used."""
    base = count(_callee)
    assert base.python_calls == 1
    twice = count(lambda: (_callee(), _callee()))
    assert twice.python_calls == base.python_calls + 2
    with_builtin = count(lambda: (_callee(), len(()), len(())))
    assert with_builtin.builtin_calls == base.builtin_calls + 2
    with_memory = count(lambda: (_callee(), bytes(10_000)))
    assert base.peak_bytes < 1_000
    assert 10_000 <= with_memory.peak_bytes < 11_000
