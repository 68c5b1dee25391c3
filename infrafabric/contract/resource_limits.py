"""How much a swarm may use. Every limit is on: the defaults hold when a contract says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.contract import rules
from infrafabric.contract.data import MAX_EXACT_INT
from infrafabric.contract.fields import field
from infrafabric.contract.kinds import Number
from infrafabric.contract.problems import Problems, join
from infrafabric.contract.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

_MIB = 1024 * 1024
_NS_PER_SECOND = 1_000_000_000

#: The most tasks of one swarm that can be allowed to run at once.
MAX_CONCURRENT_TASKS = 256


@attrs.frozen(kw_only=True, eq=False)
class ResourceLimits(Record):
    """The limits of one swarm. The ``*_bytes`` and ``*_ns`` properties give them in the units of the machine."""

    max_memory_mb: int = field(
        Number(minimum=1, maximum=4096, whole=True, unit="MiB"),
        "Linear memory of one instance. A module that declares more is refused at load. "
        "Tables, globals and data have bounds of their own.",
        enforced_by="engine",
        broken="memory.grow answers -1; memory_exceeded or trap",
        default=256,
        looser="up",
    )
    max_cpu_percent: float = field(
        Number(minimum=0, above=True, maximum=100 * MAX_CONCURRENT_TASKS, unit="percent of one core"),
        "CPU share of the swarm, all its tasks together, averaged over 100 ms periods. "
        "The guest is slowed down, not ended. At most 100 for each of max_concurrent_tasks.",
        enforced_by="limits",
        broken="the task is paused, which counts toward its deadline",
        default=25,
        looser="up",
    )
    max_api_calls_per_second: int = field(
        Number(minimum=1, maximum=100_000, whole=True, unit="tasks"),
        "Tasks admitted in any one second.",
        enforced_by="limits",
        broken="rate_limited",
        default=10,
        looser="up",
    )
    max_execution_time_seconds: float = field(
        Number(minimum=0.001, maximum=86_400, unit="seconds"),
        "Wall-clock time of one task: instantiation, host calls and throttling included.",
        enforced_by="engine",
        broken="timeout",
        default=300,
        looser="up",
    )
    max_concurrent_tasks: int = field(
        Number(minimum=1, maximum=MAX_CONCURRENT_TASKS, whole=True, unit="tasks"),
        "Tasks that run at once. More wait in the queue.",
        enforced_by="limits",
        broken="the task waits",
        default=1,
        looser="up",
    )
    max_queued_tasks: int = field(
        Number(minimum=0, maximum=10_000, whole=True, unit="tasks"),
        "Tasks that wait at once, first come first served.",
        enforced_by="limits",
        broken="busy",
        default=64,
        looser="up",
    )
    max_load_seconds: float = field(
        Number(minimum=0.1, maximum=600, unit="seconds"),
        "Compilation, start function and initialization of the probe instance at load.",
        enforced_by="engine",
        broken="compile_limit_exceeded or init_failed",
        default=10,
        looser="up",
    )
    max_log_bytes_per_second: int = field(
        Number(minimum=0, maximum=100 * _MIB, whole=True, unit="bytes"),
        "Log text of the swarm in a second. Records beyond it are dropped and counted; the guest goes on.",
        enforced_by="engine",
        broken="the record is dropped and counted",
        default=65_536,
        looser="up",
    )
    max_payload_mb: int = field(
        Number(minimum=1, maximum=64, whole=True, unit="MiB"),
        "Size of a task's parameters, and of its result, each.",
        enforced_by="engine",
        broken="invalid_params for parameters, invalid_result for results",
        default=8,
        looser="up",
    )
    max_module_mb: int = field(
        Number(minimum=1, maximum=256, whole=True, unit="MiB"),
        "Size of the module's file.",
        enforced_by="wasm",
        broken="module_too_large",
        default=64,
        looser="up",
    )
    max_fuel: int | None = field(
        Number(minimum=1, maximum=MAX_EXACT_INT, whole=True, nullable=True, unit="instructions"),
        "Instructions of one task. Null: not metered, which is faster.",
        enforced_by="engine",
        broken="fuel_exhausted",
        default=None,
        examples=(1_000_000_000,),
        looser="up",
    )

    @classmethod
    def cross_check(cls, values: Mapping[str, Any], path: str, problems: Problems) -> None:
        """A swarm cannot use more of the CPU than its concurrent tasks can."""
        share, tasks = values.get("max_cpu_percent"), values.get("max_concurrent_tasks")
        if share is not None and tasks is not None and share > 100 * tasks:
            needed = -(-share // 100)
            problems.add(
                rules.CPU_ABOVE_CONCURRENCY,
                join(path, "max_cpu_percent"),
                f"expected at most {100 * tasks:,} (100 percent for each of {tasks} concurrent tasks), got {share:,}",
                f"lower max_cpu_percent to {100 * tasks}, or raise max_concurrent_tasks to {needed:.0f}",
            )

    @property
    def max_memory_bytes(self) -> int:
        """``max_memory_mb`` in bytes."""
        return self.max_memory_mb * _MIB

    @property
    def max_payload_bytes(self) -> int:
        """``max_payload_mb`` in bytes."""
        return self.max_payload_mb * _MIB

    @property
    def max_module_bytes(self) -> int:
        """``max_module_mb`` in bytes."""
        return self.max_module_mb * _MIB

    @property
    def max_execution_time_ns(self) -> int:
        """``max_execution_time_seconds`` in nanoseconds."""
        return round(self.max_execution_time_seconds * _NS_PER_SECOND)

    @property
    def max_load_ns(self) -> int:
        """``max_load_seconds`` in nanoseconds."""
        return round(self.max_load_seconds * _NS_PER_SECOND)
