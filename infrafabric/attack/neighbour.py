"""The well-behaved neighbour: two small swarms that serve all the time, and must not notice what goes on beside them.

A thread of its own asks them for small tasks, a millisecond apart, and checks every answer: sums, echoes through memory
and JSON, a counter in a kept instance, and every log line. The latency of the sums is the figure that attacks are
measured by. Rejected: looking at the neighbour only before and after an attack, which would miss everything that
matters; and a neighbour in another process, which shares nothing that an attack could take away.
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
import threading
import time
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.contract import ServiceContract
from infrafabric.errors import InfraFabricError, escape
from infrafabric.testing import wat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infrafabric.chassis import IFChassis

SERVER, KEEPER = "neighbour", "neighbour-kept"

_MODULE = """(module
  (import "env" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (func (export "allocate") (param i32) (result i32) (i32.const 1024))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "echo") (param i32 i32) (result i64)
    (call $log (local.get 0) (local.get 1))
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))
  (func (export "sum") (param $to i32) (result i64) (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (local.get $to))))
      (br_if $next (local.tee $to (i32.sub (local.get $to) (i32.const 1)))))
    (local.get $sum))
  (func (export "count") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count)))"""

#: ``sum`` of the numbers up to this takes a guest a few milliseconds.
_SUM_TO = 2_000_000
_PAUSE_NS = 1_000_000
_MS = 1e6


@attrs.frozen(kw_only=True)
class Latency:
    """How long the neighbour's small tasks took, in milliseconds; zeros where there were none."""

    tasks: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, samples_ns: Sequence[int]) -> Latency:
        """The figures of these tasks."""
        if not samples_ns:
            return cls(tasks=0, p50_ms=0.0, p99_ms=0.0, max_ms=0.0)
        ordered = sorted(samples_ns)
        return cls(
            tasks=len(ordered),
            p50_ms=statistics.median(ordered) / _MS,
            p99_ms=ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] / _MS,
            max_ms=ordered[-1] / _MS,
        )


class Neighbour:
    """The neighbour's swarms and the thread that asks them. Start it once, stop it at the end."""

    def __init__(self, chassis: IFChassis) -> None:
        self._chassis = chassis
        self._stop = threading.Event()
        #: Held while the neighbour is at a task, or must not begin one.
        self._turn = threading.Lock()
        self._let_go_ns = 0
        self._thread = threading.Thread(target=self._serve, name="attack-neighbour", daemon=True)
        #: Latency of each small task so far, in nanoseconds, from when it was due: a thread that is not let on counts.
        self.samples_ns: list[int] = []
        #: What was wrong with an answer.
        self.faults: list[str] = []
        #: The texts that the neighbour logged.
        self.said: list[str] = []

    def start(self) -> None:
        """Load the swarms and begin."""
        limits = {
            "max_cpu_percent": 100,
            "max_api_calls_per_second": 100_000,
            "max_execution_time_seconds": 5,
            "max_log_bytes_per_second": 100 << 20,
            "max_memory_mb": 1,
        }
        module = wat(_MODULE)
        self._chassis.load_swarm(SERVER, module, ServiceContract(SERVER, resource_limits=limits))
        kept = ServiceContract(KEEPER, resource_limits=limits, execution={"instance": "swarm"})
        self._chassis.load_swarm(KEEPER, module, kept)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the swarms stay."""
        self._stop.set()
        if self._thread.ident is None:
            return
        self._thread.join(10)
        if self._thread.is_alive():
            self.faults.append("the neighbour's last task did not end within 10 s")

    def wait_for(self, tasks: int, timeout_seconds: float) -> bool:
        """Wait until so many more small tasks have ended. False when that took too long."""
        wanted, end = len(self.samples_ns) + tasks, time.monotonic() + timeout_seconds
        while len(self.samples_ns) < wanted:
            if time.monotonic() > end or not self._thread.is_alive():
                return False
            time.sleep(_PAUSE_NS / 1e9)
        return True

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """While entered, the neighbour is between two tasks."""
        with self._turn:
            try:
                yield
            finally:
                self._let_go_ns = time.monotonic_ns()

    def forget(self) -> None:
        """Begin the books anew. Only while it is quiet."""
        self.samples_ns.clear()
        self.faults.clear()
        self.said.clear()

    def _serve(self) -> None:
        due_ns = time.monotonic_ns()
        for turn in itertools.count(1):
            if not self._turn.acquire(blocking=False):  # it was asked to be quiet, which is nobody's delay
                self._turn.acquire()
                due_ns = self._let_go_ns
            try:
                if self._stop.is_set():
                    return
                self._ask(SERVER, "add", [turn, 1], turn + 1)
                self.samples_ns.append(time.monotonic_ns() - due_ns)
                self._ask_more(turn)
            finally:
                self._turn.release()
            due_ns = time.monotonic_ns() + _PAUSE_NS
            time.sleep(_PAUSE_NS / 1e9)

    def _ask_more(self, turn: int) -> None:
        if turn % 4 == 0:
            self._ask(KEEPER, "count", None, turn // 4)
        if turn % 8 == 0:
            line = f'{{"n": {turn}}}'
            self.said.append(line)
            self._ask(SERVER, "echo", {"n": turn}, {"n": turn}, logs=[line])
        if turn % 64 == 0:
            self._ask(SERVER, "sum", [_SUM_TO], _SUM_TO * (_SUM_TO + 1) // 2)

    def _ask(self, swarm: str, task: str, params: Any, answer: Any, logs: list[str] | None = None) -> None:
        try:
            result = self._chassis.execute_task(swarm, task, params, check=False)
        except InfraFabricError as error:
            self.faults.append(f"the neighbour's {task} raised {type(error).__name__}: {escape(str(error), 200)}")
            return
        if result.output != answer:
            said = result.error or repr(result.output)
            self.faults.append(f"the neighbour's {task} ended as {result.status}: {escape(str(said), 200)}")
        if [record.text for record in result.logs] != (logs or []):
            self.faults.append(f"the neighbour's {task} carries foreign log records: {len(result.logs)}")
