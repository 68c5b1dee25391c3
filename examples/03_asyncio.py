"""Tasks beside an event loop: together, with a time limit of the caller's, and cancelled.

    python examples/03_asyncio.py

Guests run on the chassis' threads, so the loop goes on. A task that nobody waits for any more is stopped, and so is
its guest, within milliseconds.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from infrafabric.chassis import IFChassis, ServiceContract

GUESTS = Path(__file__).resolve().parent.parent / "guests"
TEXTS = ("one", "one two", "one two three", "one two three four")


async def main() -> None:
    """Run four tasks at once, give up on one, and cancel one."""
    with IFChassis() as chassis:
        # Two tasks of a swarm at a time here; more wait in its queue and hold no thread there.
        limits = {"max_concurrent_tasks": 2, "max_cpu_percent": 200}
        for swarm_id in ("wordcount", "spin"):
            wasm_bytes = (GUESTS / swarm_id / f"{swarm_id}.wasm").read_bytes()
            chassis.load_swarm(swarm_id, wasm_bytes, ServiceContract(swarm_id, [], limits))

        async with asyncio.TaskGroup() as group:
            counts = [group.create_task(chassis.execute_task_async("wordcount", "count_words", text)) for text in TEXTS]
        print("words:", [task.result().output for task in counts])

        try:
            async with asyncio.timeout(0.1):
                await chassis.execute_task_async("spin", "spin")
        except TimeoutError:
            print("spin: not done after 0.1 s, so it was stopped")

        spinning = asyncio.create_task(chassis.execute_task_async("spin", "spin"))
        await asyncio.sleep(0.05)  # the loop is free while the guest spins
        spinning.cancel()
        await asyncio.to_thread(chassis.unload_swarm, "spin")  # waits until no guest of the swarm runs
        print("spin: cancelled, and its guest has stopped")

        # Outside of asyncio, a future does the same.
        future = chassis.submit_task("wordcount", "longest_word", "not the longest wait")
        print("longest word:", future.result(timeout=5).output, "letters")


if __name__ == "__main__":
    asyncio.run(main())
