"""What ``infrafabric bench`` found, and what a contract's limits make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infrafabric.contract.resource_limits import ResourceLimits


@attrs.frozen(kw_only=True)
class Steps:
    """Microseconds of a task's steps, the middle of what the results said. ``engine_*`` is the bare engine's."""

    admit_us: float
    run_us: float
    record_us: float
    engine_instance_us: float | None
    engine_call_us: float | None


@attrs.frozen(kw_only=True)
class Figures:
    """One kind of instance: tasks a second, latencies in microseconds, steps; or why it was not measured."""

    tasks: int = 0
    tasks_per_second: float = 0.0
    p50_us: float = 0.0
    p90_us: float = 0.0
    p99_us: float = 0.0
    max_us: float = 0.0
    steps: Steps | None = None
    bare_p50_us: float | None = None
    not_measured: str | None = None
    bare_not_measured: str | None = None

    @property
    def overhead_us(self) -> float | None:
        """What governing adds to the bare engine's part."""
        return None if self.bare_p50_us is None else self.p50_us - self.bare_p50_us


@attrs.frozen(kw_only=True)
class Measured:
    """What came of it."""

    swarm_id: str
    task: str
    threads: int
    seconds: float
    peak_memory_bytes: int
    cpu_us: float
    log_dropped: int
    kinds: Mapping[str, Figures]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return attrs.asdict(self)


def bounds(measured: Measured, limits: ResourceLimits, *, kind: str) -> Iterator[str]:
    """What the contract's own limits make of the figures: each that allows less than was measured, in words."""
    figures = measured.kinds[kind]
    if limits.max_api_calls_per_second < figures.tasks_per_second:
        yield (
            f"max_api_calls_per_second {limits.max_api_calls_per_second:,} is the bound under this contract: "
            f"it could do {figures.tasks_per_second:,.0f} tasks/s"
        )
    share = limits.max_cpu_percent / 100
    allowed = share / (measured.cpu_us / 1e6) if measured.cpu_us else float("inf")
    if allowed < figures.tasks_per_second:
        yield (
            f"max_cpu_percent {limits.max_cpu_percent:g} is the bound under this contract: "
            f"{measured.cpu_us:,.0f} us of CPU time a task allow {allowed:,.0f} tasks/s of "
            f"{figures.tasks_per_second:,.0f}"
        )
