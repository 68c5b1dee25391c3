"""Watching swarms: an observer for every result, objectives with their error budget, and the witness log.

    python examples/06_watching.py

Only the guest's faults burn the budget. A caller's mistake and a refusal by the operator's limits are counted beside.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path

from infrafabric.chassis import IFChassis, ServiceContract, TaskResult

ARITH = Path(__file__).resolve().parent.parent / "guests" / "arith" / "arith.wasm"

endings: Counter[str] = Counter()


def observe(result: TaskResult) -> None:
    """Called with every result, also those that nobody looks at; what it raises is logged and changes nothing."""
    endings[result.status] += 1


class PrintWitness(logging.Handler):
    """The witness writes one JSON record for each thing that happens; this prints its short form."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print lifecycle events; each ended task is one as well, and left out here."""
        event = json.loads(record.getMessage())
        if event["event"] != "task_ended":
            print(f"witness: {event['event']} {event['swarm_id']}", event.get("error", ""))


def main() -> None:
    """Serve a hundred tasks, some of them badly, and look at the objectives."""
    witness = logging.getLogger("infrafabric.witness")
    witness.addHandler(PrintWitness())
    witness.setLevel(logging.INFO)

    contract = ServiceContract(
        "arith",
        resource_limits={"max_api_calls_per_second": 98},
        slos={"target_latency_ms": 20, "target_availability_percent": 95},
    )
    with IFChassis(observers=[observe]) as chassis:
        chassis.load_swarm("arith", ARITH.read_bytes(), contract)
        for number in range(100):
            chassis.execute_task("arith", "divmod", [number, number % 50], check=False)  # divides by 0 twice
        chassis.execute_task("arith", "add", ["one"], check=False)

        snapshot = chassis.slo("arith")
        assert snapshot is not None  # noqa: S101 - it is loaded
        availability = snapshot.objective("availability")
        print("endings:", dict(sorted(endings.items())))
        print(
            f"availability: {availability.good_events} good, {availability.bad_events} bad of "
            f"{availability.total_events}; target {availability.objective_ratio:.0%}"
        )
        print(f"error budget left: {availability.budget.remaining_ratio:.0%}; alert: {availability.state.value}")
        beside = (*snapshot.excluded, *snapshot.refused)
        print("beside the budget:", {ending.name: ending.events for ending in beside if ending.events})


if __name__ == "__main__":
    main()
