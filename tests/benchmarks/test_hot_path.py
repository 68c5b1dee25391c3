"""The hot path does not grow unnoticed: calls, bytecode, memory and machine instructions of one task, counted.

Counts are the same on a busy machine as on a quiet one, and differ a little from one Python to the next. Budgets are in
``benchmarks/budgets.json``; ``python benchmarks/budgets.py --write`` sets them to what a task does now: whoever makes
the path shorter does so, and so does whoever has to make it longer, and says why.

Machine instructions are counted by callgrind, which runs the engine's generated code and its kernel timer (the compile
server does not run there: `benchmarks.instructions` says what is done instead). They repeat to within half a percent.
``perf stat`` was tried first: virtual machines and containers have no hardware counters for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from benchmarks import budgets, instructions
from benchmarks.budgets import INSTANCES, MARGIN, Budgets, over, over_instructions
from benchmarks.hot_path import Counts, count

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("instance", INSTANCES)
def test_a_scalar_task_stays_within_its_budget(instance: str) -> None:
    """Python calls, calls of built-in functions, bytecode instructions, and bytes held at the peak."""
    budget = attrs.asdict(Budgets.load().counts[instance])
    assert over(attrs.asdict(budgets.count(instance)), budget) == []


@pytest.mark.requires_tool("valgrind")
def test_a_scalar_task_takes_no_more_machine_instructions() -> None:
    """Those of the engine and of the guest among them, in terms of what this build of Python takes for its own work."""
    assert over_instructions(instructions.count(), Budgets.load()) == []


def test_the_budget_is_exceeded_just_outside_its_margin() -> None:
    """Ten percent more is let through, a call more is not; and every kind of count is looked at."""
    names = [field.name for field in attrs.fields(Counts)]
    budget = dict.fromkeys(names, 100)
    assert over(dict.fromkeys(names, 110), budget) == []
    assert len(over(dict.fromkeys(names, 111), budget)) == len(names) == 4


def test_instructions_are_compared_in_terms_of_the_reference() -> None:
    """A Python that takes twice as many for everything is no slower path; a longer path is, in either."""
    held = Budgets(python="", counts={}, instructions={"kept": 1000.0, "fresh": 2000.0, "reference": 10.0})
    assert over_instructions({"kept": 2000 * MARGIN, "fresh": 4000 * MARGIN, "reference": 20.0}, held) == []
    assert over_instructions({"kept": 1000.0, "fresh": 2000 * MARGIN + 1, "reference": 10.0}, held) == [
        "fresh task: instructions: 2,201, budget 2,000 and a margin of 10%"
    ]


def test_budgets_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Writing is how they are lowered: nothing gets lost, and no count is left out."""
    path = tmp_path / "budgets.json"
    Budgets.load().write(path)
    assert Budgets.load(path) == Budgets.load()


def _callee() -> list[int]:
    return []


def test_a_call_more_is_a_call_counted() -> None:
    """Functions, built-in functions, bytecode and memory are each seen when one more of them is used."""
    base = count(_callee)
    assert base.python_calls == 1
    twice = count(lambda: (_callee(), _callee()))
    assert twice.python_calls == base.python_calls + 2
    with_builtin = count(lambda: (_callee(), len(()), len(())))
    assert with_builtin.builtin_calls == base.builtin_calls + 2
    with_memory = count(lambda: (_callee(), bytes(10_000)))
    assert base.peak_bytes < 1_000
    assert 10_000 <= with_memory.peak_bytes < 11_000
    number = 1
    one, two = count(lambda: number + number), count(lambda: number + number + number)
    assert one.bytecode < two.bytecode < 2 * one.bytecode
    assert (one.python_calls, one.builtin_calls) == (two.python_calls, two.builtin_calls)
