"""Who asks the swarms of the soak: clients on threads and in asyncio, callers of the offenders, and visitors."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import threading
import time
from array import array
from typing import TYPE_CHECKING, TypeAlias

import attrs

from benchmarks.soak_swarms import OFFENDERS, SERVERS, Server, passer_by, think_seconds, wrong_ending
from infrafabric.attack.neighbour import Latency
from infrafabric.chassis import IFChassis, ServiceContract
from infrafabric.errors import InfraFabricError

if TYPE_CHECKING:
    from benchmarks.soak_swarms import Offender

_VISIT_SECONDS = 0.2
_MOST_FAULTS = 20


#: Nanoseconds of each task by server. Eight bytes a sample: what is watched is the growth of the process, not that of
#: this book.
Samples: TypeAlias = "dict[str, array[int]]"


def new_samples() -> Samples:
    """An empty book."""
    return {server.swarm: array("q") for server in SERVERS}


def latencies(samples: Samples) -> dict[str, dict[str, float]]:
    """The figures of each server's tasks."""
    return {swarm: attrs.asdict(Latency.of(taken)) for swarm, taken in samples.items()}


class Clients:
    """Asks each server for tasks: on a thread of its own, and from one event loop; the counter from its thread only."""

    def __init__(self, chassis: IFChassis) -> None:
        self._chassis = chassis
        self.faults: list[str] = []
        self._numbers = {server.swarm: itertools.count(1) for server in SERVERS}

    def run(self, seconds: float, samples: Samples) -> None:
        """Ask for so long, and note how long each task took."""
        end = time.monotonic() + seconds
        threads = [
            threading.Thread(target=self._ask_for, args=(server, end, samples[server.swarm])) for server in SERVERS
        ]
        threads.append(threading.Thread(target=asyncio.run, args=(self._ask_all(end, samples),)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _ask_for(self, server: Server, end: float, samples: array[int]) -> None:
        chance = random.Random(server.swarm)  # noqa: S311 - reproducible load
        while time.monotonic() < end:
            number = next(self._numbers[server.swarm])
            started_ns = time.monotonic_ns()
            result = self._chassis.execute_task(server.swarm, server.task, server.params(number), check=False)
            samples.append(time.monotonic_ns() - started_ns)
            self._look(server, result.output, server.answer(number), str(result.error))
            time.sleep(think_seconds(chance))

    async def _ask_all(self, end: float, samples: dict[str, array[int]]) -> None:
        servers = [server for server in SERVERS if server.swarm != "counter"]
        await asyncio.gather(*(self._await_for(server, end, samples[server.swarm]) for server in servers))

    async def _await_for(self, server: Server, end: float, samples: array[int]) -> None:
        chance = random.Random(server.task)  # noqa: S311 - reproducible load
        while time.monotonic() < end:
            number = next(self._numbers[server.swarm])
            started_ns = time.monotonic_ns()
            ask = self._chassis.execute_task_async
            result = await ask(server.swarm, server.task, server.params(number), check=False)
            samples.append(time.monotonic_ns() - started_ns)
            self._look(server, result.output, server.answer(number), str(result.error))
            await asyncio.sleep(think_seconds(chance))

    def _look(self, server: Server, answer: object, expected: object, error: str) -> None:
        if answer != expected and len(self.faults) < _MOST_FAULTS:
            self.faults.append(f"{server.swarm} answered {answer!r:.60}, expected {expected!r:.60} ({error})")


class _Background:
    """Threads that go on until they are stopped."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def fault(self, text: str) -> None:
        """Note what is wrong, up to a point."""
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(text)


class Offenders(_Background):
    """Asks each offender faster than it is allowed: from a thread, by futures that are cancelled, and in asyncio."""

    def __init__(self, chassis: IFChassis) -> None:
        super().__init__()
        self._chassis = chassis
        for offender in OFFENDERS:
            self._threads.append(threading.Thread(target=self._execute, args=(offender,)))
        self._threads.append(threading.Thread(target=self._cancel))
        self._threads.append(threading.Thread(target=lambda: asyncio.run(self._give_up())))

    def _execute(self, offender: Offender) -> None:
        for number in itertools.count():
            if self._stop.wait(0.03):
                return
            result = self._chassis.execute_task(offender.swarm, "run", offender.params(number), check=False)
            wrong = wrong_ending(offender, result)
            if wrong:
                self.fault(wrong)

    def _cancel(self) -> None:
        chance = random.Random(0)  # noqa: S311 - reproducible load
        while not self._stop.wait(0.1):
            offender = chance.choice(OFFENDERS)
            future = self._chassis.submit_task(offender.swarm, "run", offender.params(0), check=False)
            self._stop.wait(chance.random() * 0.05)
            future.cancel()
            wrong = wrong_ending(offender, future.result(30))
            if wrong:
                self.fault(wrong)

    async def _give_up(self) -> None:
        chance = random.Random(1)  # noqa: S311 - reproducible load
        while not self._stop.is_set():
            offender = chance.choice(OFFENDERS)
            ask = self._chassis.execute_task_async(offender.swarm, "run", offender.params(1), check=False)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ask, chance.random() * 0.05)
            await asyncio.sleep(0.1)


class Visitors(_Background):
    """Loads a module that nobody has seen, runs it, unloads it; now and then one that is broken, or a bomb."""

    def __init__(self, chassis: IFChassis) -> None:
        super().__init__()
        self._chassis = chassis
        self.loads = 0
        self._threads.append(threading.Thread(target=self._visit))

    def _visit(self) -> None:
        for number in itertools.count(1):
            if self._stop.wait(_VISIT_SECONDS):
                return
            try:
                self._one(number)
            except InfraFabricError as error:
                self.fault(f"a visitor was refused: {error}")
            self.loads += 1

    def _one(self, number: int) -> None:
        contract = ServiceContract("visitor", (), {"max_api_calls_per_second": 100})
        self._chassis.load_swarm("visitor", passer_by(number), contract)
        answer = self._chassis.execute_task("visitor", "run").output
        if answer != number:
            self.fault(f"a visitor answered {answer}, expected {number}")
        self._chassis.unload_swarm("visitor")
        if number % 5 == 0:
            try:
                self._chassis.load_swarm("visitor", passer_by(number)[:-1], contract)
                self.fault("a broken visitor was loaded")
            except InfraFabricError:
                pass
