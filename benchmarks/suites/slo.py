"""What the SLO engine costs: a record for each task, an evaluation every few seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.figures import Row, Spread, at_most, ratios
from benchmarks.lanes import probe
from infrafabric.errors import Outcome
from infrafabric.telemetry import ObjectiveTargets, SloEngine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort

_HERE = "benchmarks.suites.slo"


def measure(effort: Effort) -> Iterator[Row]:
    """After a thousand events and after very many."""
    many = effort.pick(100_000, 10_000_000)
    took = probe(f"{_HERE}:costs", few=1_000, many=many, rounds=effort.pick(9, 25))
    for what, bar in (("record", at_most(1, "us")), ("evaluate", at_most(50, "us"))):
        few, after = took[f"{what} few"], took[f"{what} many"]
        yield Row(
            what=f"SLO {what}, after {many:,} events",
            ours=Spread.of(after).median,
            unit="us",
            peer="the same after 1,000 events",
            theirs=Spread.of(few).median,
            ratio=ratios(after, few),
            bar=bar,
        )


def costs(*, few: int, many: int, rounds: int) -> dict[str, list[float]]:
    """Microseconds of a record and of an evaluation, round by round, of a young engine and of an old one."""
    took: dict[str, list[float]] = {f"{what} {age}": [] for what in ("record", "evaluate") for age in ("few", "many")}
    engines = {}
    for age, events in (("few", few), ("many", many)):
        engines[age] = engine = SloEngine(ObjectiveTargets())
        for number in range(events):
            engine.record(Outcome.SUCCESS if number % 100 else Outcome.TRAP, 2_000_000)

    def spend(calls: int, age: str, what: str) -> None:
        engine = engines[age]
        start = time.perf_counter()
        if what == "record":
            for _ in range(calls):
                engine.record(Outcome.SUCCESS, 2_000_000)
        else:
            for _ in range(calls):
                engine.evaluate()
        took[f"{what} {age}"].append((time.perf_counter() - start) / calls * 1e6)

    for _ in range(rounds):
        for age in engines:
            spend(3_000, age, "record")
            spend(100, age, "evaluate")
    return took
