"""What a task used, beside what its contract allows: processor share, memory, log.

    python examples/04_limits_and_usage.py

A limit does not always end a task. A guest that overspends its processor share is slowed down, one that logs too much
loses records; only what cannot be had (memory, time) ends it.
"""

from __future__ import annotations

from pathlib import Path

from infrafabric.chassis import IFChassis, ServiceContract

GUESTS = Path(__file__).resolve().parent.parent / "guests"
MIB = 1 << 20


def load(chassis: IFChassis, swarm_id: str, guest: str, **resource_limits: float) -> None:
    """Load a guest under a contract of its own; what is not given here has a safe default."""
    wasm_bytes = (GUESTS / guest / f"{guest}.wasm").read_bytes()
    chassis.load_swarm(swarm_id, wasm_bytes, ServiceContract(swarm_id, ["testing:performance"], resource_limits))


def processor_share(chassis: IFChassis) -> None:
    """The same work under a whole core and under a tenth of one."""
    for percent in (100, 10):
        load(chassis, f"worker-{percent}", "spin", max_cpu_percent=percent)
        usage = chassis.execute_task(f"worker-{percent}", "spin_for", [60_000_000]).usage
        print(
            f"{percent:3} % of a core: {usage.cpu_seconds:.3f} s of work took {usage.wall_seconds:.3f} s, "
            f"{usage.throttled_seconds:.3f} s of them paused"
        )


def memory(chassis: IFChassis) -> None:
    """The same text under enough memory and under too little."""
    text = "a line\n" * 300_000
    for mib in (8, 2):
        load(chassis, f"counter-{mib}", "linecount-simple", max_memory_mb=mib)
        result = chassis.execute_task(f"counter-{mib}", "count_lines", text, check=False)
        said = f"{result.output} lines" if result.ok else f"{result.status}: {result.error}"
        print(f"{mib} MiB of memory, {result.usage.peak_memory_bytes / MIB:.1f} used: {said}")


def log(chassis: IFChassis) -> None:
    """Five records under a log budget for two: each costs its text and 32 bytes."""
    load(chassis, "talker", "greet-levels", max_log_bytes_per_second=80)
    result = chassis.execute_task("talker", "log_levels")
    print(f"{result.usage.log_records} log records kept, {result.usage.log_dropped} dropped:")
    for record in result.logs:
        print(f"  {record.level}: {record.text}")


def main() -> None:
    """Show each limit at work."""
    with IFChassis() as chassis:
        processor_share(chassis)
        memory(chassis)
        log(chassis)


if __name__ == "__main__":
    main()
