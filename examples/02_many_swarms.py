"""Many swarms in one chassis, and failures as values: what happened, and who has to act.

    python examples/02_many_swarms.py

With ``check=False`` a failed task is a result like any other, as with ``subprocess.run``. Without it, the same failure
is a typed error that carries the result.
"""

from __future__ import annotations

from pathlib import Path

from infrafabric import IFChassis, ServiceContract, TaskTrapped

GUESTS = Path(__file__).resolve().parent.parent / "guests"

# Swarm, task, parameters: one that works, and one for each party that can be at fault.
TASKS = (
    ("greet", "greet", "world"),
    ("arith", "divmod", [7, 0]),  # the guest's: it divides
    ("slug", "process", "?!"),  # the guest's: it has no answer, and says so
    ("arith", "divmod", [7]),  # the caller's: a parameter is missing
    ("arith", "sqrt", [2]),  # the caller's: there is no such task
    ("spin", "spin", None),  # the guest's: it never ends, but for its limit
    ("greet", "greet", "again"),  # the operator's: one task a second was allowed
)

LIMITS: dict[str, dict[str, float]] = {
    "spin": {"max_execution_time_seconds": 0.1},
    "greet": {"max_api_calls_per_second": 1},
}


def main() -> None:
    """Load four swarms, each under its own contract, and run tasks that end in every way."""
    with IFChassis() as chassis:
        for swarm_id in ("arith", "greet", "slug", "spin"):
            wasm_bytes = (GUESTS / swarm_id / f"{swarm_id}.wasm").read_bytes()
            chassis.load_swarm(swarm_id, wasm_bytes, ServiceContract(swarm_id, [], LIMITS.get(swarm_id, {})))

        for swarm_id, task, params in TASKS:
            result = chassis.execute_task(swarm_id, task, params, check=False)
            said = result.output if result.ok else result.error
            print(f"{swarm_id + '.' + task:13} {result.status:14} {result.blame:9} {said}")

        try:
            chassis.execute_task("arith", "divmod", [7, 0])
        except TaskTrapped as error:
            print(f"raised {type(error).__name__}, trap code {error.trap_code}")

        # Guests fail alone: the next task gets a fresh instance, and the neighbours saw nothing of it.
        print("7 / 2 =", chassis.execute_task("arith", "divmod", [7, 2]).output)


if __name__ == "__main__":
    main()
