"""Threads that run tasks for callers who do not wait on their own, and a clock for tasks that wait without one.

Workers are daemon threads with a stack that guests fit in, started when there is work and ended after
`IDLE_SECONDS` without. They are daemons so that a program can end while a guest runs: the engine stops guests at
interpreter exit (`concurrent.futures` would join its threads first, for as long as the guest may run).
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from infrafabric.engine.entry import large_stack

if TYPE_CHECKING:
    from collections.abc import Callable

IDLE_SECONDS = 10.0
#: Silenced alarms are swept in bulk.
_SWEEP_AT = 64

#: When, which of those, and what; None once it was silenced or has rung.
Alarm = list[Any]

_log = logging.getLogger("infrafabric.chassis")


class Workers:
    """Runs callables on daemon threads, in the order they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._work_came = threading.Condition(self._lock)
        self._work: deque[Callable[[], None]] = deque()
        self._threads = 0
        self._idle = 0
        self._closed = False

    def start(self, work: Callable[[], None]) -> None:
        """Run ``work`` on a worker, soon."""
        with self._lock:
            self._work.append(work)
            if self._idle >= len(self._work):
                self._work_came.notify()
                return
            self._threads += 1
        with large_stack():
            threading.Thread(target=self._serve, name="infrafabric-worker", daemon=True).start()

    def call(self, function: Callable[..., Any], *arguments: Any, on_interrupt: Callable[[], None]) -> Any:
        """Run ``function`` on a worker and wait for it; an interrupt of the wait ends the work, then is raised."""
        done: Future[Any] = Future()

        def work() -> None:
            try:
                done.set_result(function(*arguments))
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                done.set_exception(error)

        self.start(work)
        try:
            return done.result()
        except BaseException:
            if not done.done():
                on_interrupt()
                done.exception()
            raise

    def close(self) -> None:
        """Let idle threads end now, and busy ones after their work."""
        with self._lock:
            self._closed = True
            self._work_came.notify_all()

    def _serve(self) -> None:
        while True:
            with self._lock:
                while not self._work:
                    self._idle += 1
                    came = not self._closed and self._work_came.wait(IDLE_SECONDS)
                    self._idle -= 1
                    if not self._work and (self._closed or not came):
                        self._threads -= 1
                        return
                work = self._work.popleft()
            try:
                work()
            except Exception:  # noqa: BLE001 - a thread of the pool outlives it
                _log.exception("a worker's task failed outside its own reporting")
            del work  # an idle worker holds no results


class Alarms:
    """Calls back at a time: one thread for the process, and none while nothing is set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._heap: list[Alarm] = []
        self._silenced = 0
        self._order = itertools.count()
        self._running = False

    def at(self, when_ns: int, callback: Callable[[], None]) -> Alarm:
        """Call ``callback`` at that monotonic time, on the alarms' thread: it must only hand over."""
        alarm: Alarm = [when_ns, next(self._order), callback]
        with self._lock:
            heapq.heappush(self._heap, alarm)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="infrafabric-alarms", daemon=True).start()
            elif self._heap[0] is alarm:
                self._changed.notify()
        return alarm

    def silence(self, alarm: Alarm) -> None:
        """Forget an alarm. What is silenced is swept when it is most of what is held."""
        with self._lock:
            if alarm[2] is None:
                return
            alarm[2] = None
            self._silenced += 1
            if self._silenced > _SWEEP_AT and 2 * self._silenced > len(self._heap):
                self._heap = [held for held in self._heap if held[2] is not None]
                heapq.heapify(self._heap)
                self._silenced = 0

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._heap and not self._changed.wait_for(lambda: self._heap, IDLE_SECONDS):
                    self._running = False
                    return
                delay_ns = self._heap[0][0] - time.monotonic_ns()
                if delay_ns > 0:
                    self._changed.wait(delay_ns / 1e9)
                    continue
                alarm = heapq.heappop(self._heap)
                callback, alarm[2] = alarm[2], None
                if callback is None:
                    self._silenced -= 1
                    continue
            try:
                callback()
            except Exception:  # noqa: BLE001 - the next alarm still rings
                _log.exception("an alarm failed")


ALARMS = Alarms()
# A forked child has not the thread.
os.register_at_fork(after_in_child=ALARMS.__init__)  # type: ignore[misc]
