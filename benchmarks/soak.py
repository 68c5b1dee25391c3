"""Ten swarms for ten minutes: ``python benchmarks/soak.py [--seconds 600] [-o results.json]``.

Four swarms serve clients on threads and in asyncio, by turns alone and beside six that spin, grow, trap, shout, sleep
and lie, while modules nobody has seen are loaded and unloaded. Ends with status 1 when a limit did not hold, an answer
was wrong, memory, files or threads grew after warming up, or the 99th percentile of the servers' latency more than
doubled. Turns are short, so that whatever else the machine does falls into both kinds alike.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import attrs

from benchmarks import machine
from benchmarks.soak_load import Clients, Offenders, Samples, Visitors, latencies, new_samples
from benchmarks.soak_swarms import OFFENDER_LIMITS, OFFENDERS, SERVERS, swarms
from infrafabric.attack.watching import Footprint
from infrafabric.chassis import IFChassis

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The servers' p99 may grow by this factor beside the offenders.
P99_FACTOR = 2.0
#: A turn alone and one beside the offenders last so long together, a quarter of it alone.
ROUND_SECONDS = 20.0
#: What the process may gain between the first third of the soak and the last.
MEMORY_MIB, FILES, THREADS = 12.0, 4, 8
_SAMPLES_A_TURN = 15
#: Rates and shares may be exceeded by this much: the burst at the beginning, and rounding.
_SLACK = 1.1


@attrs.define
class Report:
    """What the soak found; plain data."""

    machine: dict[str, Any]
    seconds: float
    alone: dict[str, dict[str, float]] = attrs.field(factory=dict)
    beside: dict[str, dict[str, float]] = attrs.field(factory=dict)
    offenders: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    loads: int = 0
    footprints: list[dict[str, float]] = attrs.field(factory=list)
    faults: list[str] = attrs.field(factory=list)


def soak(seconds: float) -> Report:
    """A quarter of the time alone, the rest together, by turns."""
    report = Report(machine.describe(), seconds)
    with (
        tempfile.TemporaryDirectory() as folder,
        IFChassis(cache_dir=Path(folder) / "code", witness_enabled=False) as chassis,
    ):
        for swarm_id, module, contract in swarms():
            chassis.load_swarm(swarm_id, module, contract)
        clients = Clients(chassis)
        clients.run(min(1.0, seconds / 10), new_samples())  # warm
        alone, beside = new_samples(), new_samples()
        rounds, elapsed = max(2, round(seconds / ROUND_SECONDS)), 0.0
        for _ in range(rounds):
            clients.run(seconds / rounds / 4, alone)
            elapsed += _together(chassis, clients, seconds / rounds * 3 / 4, beside, report)
        report.alone, report.beside = latencies(alone), latencies(beside)
        report.faults += clients.faults
        for offender in OFFENDERS:
            stats = chassis.get_runtime_stats(offender.swarm) or {}
            report.offenders[offender.swarm] = _judge_offender(
                offender.swarm, stats, elapsed, rounds=rounds, faults=report.faults
            )
    _judge_latency(report)
    _judge_growth(report)
    return report


def _together(chassis: IFChassis, clients: Clients, seconds: float, samples: Samples, report: Report) -> float:
    """One turn beside the offenders and the visitors; how long it took them, to their last task."""
    started = time.monotonic()
    offenders, visitors = Offenders(chassis), Visitors(chassis)
    watch = threading.Thread(target=_watch, args=(report.footprints, seconds))
    for others in (offenders, visitors, watch):
        others.start()
    clients.run(seconds, samples)
    for others in (offenders, visitors):
        others.stop()
    watch.join()
    report.loads += visitors.loads
    report.faults += [*offenders.faults, *visitors.faults]
    return time.monotonic() - started


def _watch(footprints: list[dict[str, float]], seconds: float) -> None:
    for _ in range(_SAMPLES_A_TURN):
        time.sleep(seconds / _SAMPLES_A_TURN)
        footprints.append(attrs.asdict(Footprint.now()))


def _judge_offender(
    swarm: str, stats: dict[str, Any], elapsed: float, *, rounds: int, faults: list[str]
) -> dict[str, Any]:
    """What one offender used of its limits over the whole time; each round may begin with a burst."""
    usage, endings = stats["usage"], stats["tasks_by_outcome"]
    admitted = sum(count for status, count in endings.items() if status not in ("rate_limited", "busy"))
    row = {
        "tasks": sum(endings.values()),
        "admitted": admitted,
        "admitted_per_second": round(admitted / elapsed, 2),
        "cpu_percent": round(100 * usage["cpu_seconds"] / elapsed, 2),
        "peak_memory_mib": round(usage["peak_memory_bytes"] / (1 << 20), 1),
        "log_records": usage["log_records"],
        "log_dropped": usage["log_dropped"],
        "endings": endings,
    }
    bounds = {
        "admitted_per_second": OFFENDER_LIMITS["max_api_calls_per_second"] * (1 + rounds / elapsed),
        "cpu_percent": OFFENDER_LIMITS["max_cpu_percent"] * _SLACK,
        "peak_memory_mib": float(OFFENDER_LIMITS["max_memory_mb"]),
        "log_records": OFFENDER_LIMITS["max_log_bytes_per_second"] * (elapsed + rounds) / 32,
    }
    faults += [
        f"{swarm}: {name} is {row[name]} (limit {most:.1f})" for name, most in bounds.items() if row[name] > most
    ]
    return row


def _judge_latency(report: Report) -> None:
    for server in SERVERS:
        alone, beside = report.alone[server.swarm]["p99_ms"], report.beside[server.swarm]["p99_ms"]
        bound = P99_FACTOR * alone
        if beside > bound:
            report.faults.append(f"{server.swarm}: p99 rose from {alone:.2f} to {beside:.2f} ms (bound {bound:.2f})")


def _judge_growth(report: Report) -> None:
    third = len(report.footprints) // 3
    early, late = report.footprints[third : 2 * third], report.footprints[2 * third :]
    for name, most in (("memory_mib", MEMORY_MIB), ("files", FILES), ("threads", THREADS)):
        # The least of each third: what an offender holds for a moment is not what stays.
        before, after = (min(sample[name] for sample in part) for part in (early, late))
        if after - before > most:
            report.faults.append(f"{name} grew from {before:.1f} to {after:.1f} (bound {most:g})")


def show(report: Report) -> None:
    """Print the tables."""
    print(f"{'server':10} {'tasks':>8} {'alone p50':>10} {'p99':>8} {'beside p50':>11} {'p99':>8} {'max':>8}  (ms)")
    for server in SERVERS:
        alone, beside = report.alone[server.swarm], report.beside[server.swarm]
        figures = f"{alone['p50_ms']:10.3f} {alone['p99_ms']:8.3f} {beside['p50_ms']:11.3f} {beside['p99_ms']:8.3f}"
        print(f"{server.swarm:10} {beside['tasks']:8} {figures} {beside['max_ms']:8.1f}")
    print(f"\n{'offender':10} {'tasks':>8} {'run/s':>7} {'CPU %':>7} {'MiB':>6} {'dropped':>9}  endings")
    for swarm, row in report.offenders.items():
        endings = ", ".join(f"{status} {count}" for status, count in row["endings"].items())
        figures = f"{row['admitted_per_second']:7.1f} {row['cpu_percent']:7.2f} {row['peak_memory_mib']:6.1f}"
        print(f"{swarm:10} {row['tasks']:8} {figures} {row['log_dropped']:9}  {endings}")
    first, last = report.footprints[len(report.footprints) // 3], report.footprints[-1]
    print(f"\n{report.loads} modules came and went; a third of the way and at the end:")
    for name in ("memory_mib", "threads", "files"):
        print(f"  {name:10} {first[name]:8.1f} {last[name]:8.1f}")
    print("\n" + ("\n".join(f"FAULT {fault}" for fault in report.faults) or "everything held"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, soak, show."""
    parser = argparse.ArgumentParser(prog="benchmarks/soak.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="how long in all; 20 for a first look")
    parser.add_argument("-o", "--output", type=Path, help="write the figures to this file, as JSON")
    options = parser.parse_args(arguments)
    report = soak(options.seconds)
    show(report)
    if options.output is not None:
        options.output.write_text(json.dumps(attrs.asdict(report), indent=2) + "\n")
    return int(bool(report.faults))


if __name__ == "__main__":
    raise SystemExit(main())
