"""A process that loads, runs and unloads swarms for as long as it is told, and says what that has cost it.

``python footprint_process.py CACHE_FOLDER ROUNDS``, from the root of the repository; prints one JSON object for the
state after the warm-up and one for that after the rounds.
"""

from __future__ import annotations

import contextlib
import gc
import json
import sys
import threading
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from guests.manifest import load_guests
from infrafabric.chassis import IFChassis, workers
from infrafabric.errors import ModuleError
from infrafabric.testing import contract, wat

#: A round for each, in turn. The Go guest is left out: reading its 2 MB takes a third of all the time.
GUESTS = [guest for guest in load_guests().values() if guest.name != "wordstat"]
WARM_UP_ROUNDS = 200

workers.IDLE_SECONDS = 0.1  # so that nobody has to wait ten seconds for them


def figures() -> dict[str, int]:
    """What this process holds, once idle threads have ended and garbage is gone."""
    time.sleep(5 * workers.IDLE_SECONDS)
    gc.collect()
    process = psutil.Process()
    system_threads = []
    for _ in range(100):  # the kernel's timer makes threads that live for a moment
        system_threads.append(process.num_threads())
        time.sleep(0.01)
    return {
        "memory_bytes": process.memory_info().rss,
        "threads": threading.active_count(),
        "system_threads": min(system_threads),
        # One of them leads to the compile server, which comes and goes.
        "files": process.num_fds() - len(process.children(recursive=True)),
    }


def play(chassis: IFChassis, number: int) -> None:
    """Load a guest, end its tasks in all the ways its checks have, unload it; also fail to load, and compile anew."""
    guest = GUESTS[number % len(GUESTS)]
    instance = ("task", "swarm")[number // len(GUESTS) % 2]
    chassis.load_swarm(guest.name, guest.wasm.read_bytes(), contract(guest.name, execution={"instance": instance}))
    for check in guest.checks:
        chassis.execute_task(guest.name, check.task, check.params, check.timeout_seconds, check=False)
        chassis.submit_task(guest.name, check.task, check.params, 0.002, check=False).result()
    chassis.replace_swarm(guest.name, guest.wasm.read_bytes(), contract(guest.name))
    chassis.unload_swarm(guest.name)

    seen_once = wat(f'(module (memory (export "memory") 1) (func (export "n") (result i32) i32.const {number}))')
    chassis.load_swarm("once", seen_once, contract("once"))
    chassis.execute_task("once", "n")
    chassis.unload_swarm("once")
    for refused in (b"junk", wat(f'(module (import "env" "f{number}" (func)))')):
        with contextlib.suppress(ModuleError):
            chassis.load_swarm("once", refused, contract("once"))


def main() -> None:
    """Warm up, measure, go on, measure."""
    folder, rounds = sys.argv[1], int(sys.argv[2])
    with IFChassis(cache_dir=folder) as chassis:
        for number in range(WARM_UP_ROUNDS):
            play(chassis, number)
        sys.stdout.write(f"{json.dumps(figures())}\n")
        for number in range(WARM_UP_ROUNDS, WARM_UP_ROUNDS + rounds):
            play(chassis, number)
        sys.stdout.write(f"{json.dumps(figures())}\n")


if __name__ == "__main__":
    main()
