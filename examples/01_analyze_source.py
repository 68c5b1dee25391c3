"""A swarm compiled from Rust analyzes a Python file under a contract.

    python examples/01_analyze_source.py [FILE]

The caller reads the file and passes its text: a guest never sees a path it could open.
"""

from __future__ import annotations

import sys
from pathlib import Path

from infrafabric.chassis import IFChassis, ServiceContract

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "examples" / "data" / "example.py"


def main() -> None:
    """Load the analyzer, run it on one file, and print what it found and used."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE
    wasm_bytes = (ROOT / "guests" / "analyzer" / "analyzer.wasm").read_bytes()
    contract = ServiceContract(
        swarm_id="analyzer-swarm",
        capabilities=["code-analysis:python"],
        # A program of one task needs no share of a core kept free for others; the other limits are the defaults.
        resource_limits={"max_memory_mb": 64, "max_cpu_percent": 100, "max_execution_time_seconds": 5},
        slos={"target_latency_ms": 50},
    )

    with IFChassis() as chassis:
        chassis.load_swarm("analyzer-swarm", wasm_bytes, contract)
        result = chassis.execute_task(
            "analyzer-swarm",
            "analyze_code",
            {"file": path.name, "source": path.read_text(encoding="utf-8"), "checks": ["style", "security"]},
        )

    report, usage = result["output"], result["usage"]
    print(f"{report['file']}: {report['lines']} lines, {len(report['findings'])} findings")
    for finding in report["findings"]:
        where = f"{finding['line']}:{finding['column']}"
        print(f"  {where:>7}  {finding['severity']:8} {finding['rule']}  {finding['message']}")
    print(
        f"{result['status']} in {result['execution_time_seconds'] * 1000:.2f} ms, with "
        f"{usage.peak_memory_bytes / 2**20:.1f} of {contract.resource_limits.max_memory_mb} MiB and no access to "
        "files, network or environment"
    )


if __name__ == "__main__":
    main()
