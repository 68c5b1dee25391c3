"""A swarm with a memory of its own: one instance that is kept from task to task.

    python examples/05_state_that_stays.py

By default each task gets a fresh instance, so that nothing of one task can reach the next. A contract that says
``execution: {instance: swarm}`` keeps one instance instead, for guests that count, cache or learn.
"""

from __future__ import annotations

from pathlib import Path

from infrafabric.chassis import IFChassis, ServiceContract

COUNTER = Path(__file__).resolve().parent.parent / "guests" / "counter" / "counter.wasm"


def main() -> None:
    """Count with a fresh and with a kept instance, crash the kept one, and replace it."""
    module = COUNTER.read_bytes()
    with IFChassis() as chassis:
        chassis.load_swarm("fresh", module, ServiceContract("fresh"))
        chassis.load_swarm("kept", module, ServiceContract("kept", execution={"instance": "swarm"}))

        def count(swarm_id: str, times: int) -> list[int]:
            return [chassis.execute_task(swarm_id, "increment").output for _ in range(times)]

        print("fresh instances:", count("fresh", 3))
        print("a kept instance:", count("kept", 3))

        # After any ending but success the state may be half-written, so the next task starts from nothing.
        crashed = chassis.execute_task("kept", "crash", check=False)
        print(f"after a {crashed.status}:", count("kept", 2))

        # A new version takes over at once; tasks that run finish on the old one. State does not move.
        kept = ServiceContract("kept", execution={"instance": "swarm"}, version="1.1")
        chassis.replace_swarm("kept", module, kept)
        print(f"version {kept.version}:", count("kept", 1))


if __name__ == "__main__":
    main()
