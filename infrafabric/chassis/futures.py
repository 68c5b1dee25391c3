"""`TaskFuture`: a task that somebody else runs. It can be waited for, awaited, and cancelled while its guest runs."""

from __future__ import annotations

import functools
import time
import weakref
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from infrafabric.chassis.refusal import Refused, Superseded
from infrafabric.chassis.workers import ALARMS, Alarm, Workers
from infrafabric.limits import Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from infrafabric.chassis.results import TaskResult
    from infrafabric.chassis.task import Task


class TaskFuture(Future["TaskResult"]):
    """The future of one task: a `concurrent.futures.Future` whose ``cancel`` stops a running guest as well.

    ``result(timeout)`` returns the `TaskResult`, or raises the task's typed error unless it was submitted with
    ``check=False``. A queued task holds no thread. Made by `IFChassis.submit_task`.
    """

    def __init__(
        self, task: Task, workers: Workers, *, check: bool, ended: Callable[[Task, TaskResult | None], None]
    ) -> None:
        super().__init__()
        self._task = task
        self._workers = workers
        self._check = check
        self._report = ended
        #: Whether the gate has said something of this task's place: granted, closed, expired or cancelled.
        self._left_queue = False
        self._alarm: Alarm | None = None

    def cancel(self) -> bool:
        """Stop the task, queued or running. True unless it had ended already; its outcome is then ``cancelled``."""
        if self.done():
            return False
        self._task.cancel()
        if self._task.swarm.gate.withdraw(self):
            self._leave_queue(Wait.CANCELLED)
        return True

    # --- the way in: called by the chassis, once -----------------------------------------------------

    def begin(self, params: Any, *, wait: bool) -> None:
        """Prepare and admit the task; it ends here, queues, or starts on a worker."""
        while True:
            try:
                self._task.prepare(params)
                self._ask_rate(params, wait=wait)
            except Superseded:
                self._task.follow()
            except Refused as refused:
                self._finish(self._task.refuse(refused))
                return
            else:
                return

    def _ask_rate(self, params: Any, *, wait: bool) -> None:
        if self._task.was_cancelled():
            raise self._task.not_granted(Wait.CANCELLED)
        seconds = self._task.admit_rate(wait=wait)
        if seconds:
            ask_again = functools.partial(self._ask_again, params)
            ALARMS.at(time.monotonic_ns() + int(seconds * 1e9), lambda: self._workers.start(ask_again))
            return
        if not self._task.swarm.gate.enqueue(self):
            raise self._task.no_place()
        if not self.left_queue:
            # Weakly: an alarm far away must not hold a result that nobody else holds.
            mine = weakref.ref(self)
            self._alarm = ALARMS.at(self._task.deadline_ns, lambda: _expire(mine))
            self._silence_if_left()  # somebody may have come between the lines above
        if self._task.was_cancelled():  # by somebody who came before it was in line
            self.cancel()

    def _ask_again(self, params: Any) -> None:
        try:
            self._ask_rate(params, wait=True)
        except Superseded:
            self._task.follow()
            self.begin(params, wait=True)
        except Refused as refused:
            self._finish(self._task.refuse(refused))

    # --- the gate's and the clock's word -------------------------------------------------------------

    def granted(self) -> None:
        """The slot is this task's: run it on a worker."""
        self._left_queue = True
        self._silence_if_left()
        self._task.granted()
        self._workers.start(self._execute)

    def _silence_if_left(self) -> None:
        if self._left_queue and self._alarm is not None:
            ALARMS.silence(self._alarm)

    @property
    def left_queue(self) -> bool:
        """Whether the task waits for its slot no more."""
        return self._left_queue

    def closed(self) -> None:
        """The swarm was unloaded while the task was queued."""
        self._leave_queue(Wait.CLOSED)

    def expire(self) -> None:
        """The deadline has come; a task still queued ends as busy."""
        if not self._left_queue and self._task.swarm.gate.withdraw(self):
            self._leave_queue(Wait.EXPIRED)

    def _leave_queue(self, heard: Wait) -> None:
        self._left_queue = True
        self._silence_if_left()
        self._finish(self._task.refuse(self._task.not_granted(heard)))

    # --- the way out ---------------------------------------------------------------------------------

    def _execute(self) -> None:
        try:
            self._finish(self._task.execute(self._workers))
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            self._task.abandon()
            self._report(self._task, None)
            self.set_exception(error)

    def _finish(self, result: TaskResult) -> None:
        self._report(self._task, result)
        if self._check and not result.ok:
            self.set_exception(result.to_error())
        else:
            self.set_result(result)


def _expire(reference: weakref.ref[TaskFuture]) -> None:
    future = reference()
    if future is not None:
        future.expire()
