"""Loads and runs one module after the other, for as long as it is told: a process that may die of it.

``python -m tests.adversarial.fuzzing mutants --first 0 --seconds 30 --seed-file FILE`` prints a summary as JSON. The
seed under way is always in FILE, so that whoever finds this process dead knows the module that killed it. With
``--count 1`` it runs just the one of ``--first``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.attack.judging import faults_of_load_error, faults_of_result
from infrafabric.attack.watching import Footprint
from infrafabric.chassis import IFChassis, ServiceContract
from infrafabric.errors import ModuleError
from tests.adversarial.host_calls import host_calls
from tests.adversarial.mutating import mutant
from tests.adversarial.random_modules import random_module

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCES: dict[str, Callable[[int], bytes]] = {
    "mutants": mutant,
    "random": random_module,
    "host-calls": host_calls,
}

_LIMITS = {
    "max_execution_time_seconds": 0.03,
    "max_load_seconds": 2.0,
    "max_memory_mb": 16,
    "max_payload_mb": 1,
    "max_cpu_percent": 100,
    "max_api_calls_per_second": 100_000,
}
#: How late loading or a task may end, on a busy machine.
_LATE_SECONDS = 1.0
_MOST_TASKS = 8
#: Numbers at which counts, lengths and addresses change their meaning.
_NUMBERS = (0, 0, 1, 2, 4, 8, 48, 1024, 1025, 4096, 65_528, 65_535, 65_536, 2**31 - 1, -1, -4, -65_536, -(2**31))
_PARAMS: tuple[Any, ...] = (None, [], {"a": 1}, b"", "x" * 1000, {"args": ["a"], "stdin": "b"})


@attrs.define
class Tally:
    """What came of the modules so far."""

    first_seed: int
    modules: int = 0
    loaded: int = 0
    tasks: int = 0
    endings: Counter[str] = attrs.field(factory=Counter)
    #: What should not have happened, with its seed.
    faults: list[str] = attrs.field(factory=list)
    growth_mib: float = 0.0


def fuzz(source: str, first_seed: int, seconds: float, most: int, seed_file: int) -> Tally:
    """Run modules from ``first_seed`` on."""
    tally, end = Tally(first_seed), time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder, IFChassis(cache_dir=Path(folder) / "code") as chassis:
        before = None
        for seed in range(first_seed, first_seed + most):
            if time.monotonic() > end:
                break
            os.pwrite(seed_file, f"{seed:020}".encode(), 0)
            tally.modules += 1
            for fault in _one(chassis, SOURCES[source](seed), seed, tally):
                tally.faults.append(f"seed {seed}: {fault}")
            if tally.modules == 200:  # warm
                before = Footprint.after_cleaning()
        if before is not None:
            tally.growth_mib = Footprint.after_cleaning().memory_mib - before.memory_mib
    return tally


def _one(chassis: IFChassis, module: bytes, seed: int, tally: Tally) -> list[str]:
    chance = random.Random(seed)  # noqa: S311 - reproducible
    execution = {"instance": "swarm" if seed % 4 == 0 else "task", "deterministic": seed % 8 == 1}
    contract = ServiceContract("fuzzed", resource_limits=_LIMITS, execution=execution)
    started = time.monotonic()
    try:
        chassis.load_swarm("fuzzed", module, contract)
    except ModuleError as error:
        tally.endings[error.code] += 1
        faults = list(faults_of_load_error(error))
    except Exception as error:  # noqa: BLE001 - nothing else may come out
        return [f"loading raised {type(error).__name__}: {error}"]
    else:
        tally.loaded += 1
        tally.endings["loaded"] += 1
        faults = _run_tasks(chassis, contract, chance, tally)
        chassis.unload_swarm("fuzzed")
    if time.monotonic() - started > _LIMITS["max_load_seconds"] + _MOST_TASKS * 0.05 + _LATE_SECONDS:
        faults.append(f"it took {time.monotonic() - started:.1f} s")
    return faults


def _run_tasks(chassis: IFChassis, contract: ServiceContract, chance: random.Random, tally: Tally) -> list[str]:
    faults: list[str] = []
    tasks = list(chassis.swarm_runtimes["fuzzed"].runtime.program.tasks.values())
    chance.shuffle(tasks)
    for task in tasks[:_MOST_TASKS]:
        numbers = [chance.choice(_NUMBERS) for _ in task.type.params]
        params = chance.choice((numbers, numbers, chance.choice(_PARAMS)))
        result = chassis.execute_task("fuzzed", task.name, params, check=False)
        tally.tasks += 1
        tally.endings[result.status] += 1
        faults += faults_of_result(result, contract, _LATE_SECONDS)
        if result.usage.wall_seconds > _LIMITS["max_execution_time_seconds"] + _LATE_SECONDS:
            faults.append(f"{task.name!r} ran for {result.usage.wall_seconds:.1f} s")
    return faults


def main() -> None:
    """Read the command line, run, print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", choices=SOURCES)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=1 << 62)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed-file", type=Path, default=Path(os.devnull))
    options = parser.parse_args()
    file = os.open(options.seed_file, os.O_WRONLY)
    tally = fuzz(options.source, options.first, options.seconds, options.count, file)
    json.dump(attrs.asdict(tally), sys.stdout)


if __name__ == "__main__":
    main()
