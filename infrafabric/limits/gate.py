"""How many tasks of one swarm run at once, and who is next: strictly first come, first served.

Chosen: a queued task is a callback (`Waiter`), so that ten thousand of them hold no thread; whoever leaves hands the
slot itself to the first in line, so that no newcomer can slip in between.
Rejected: a semaphore, which wakes waiters in no stated order and needs a thread for each; and ``queue.Queue`` with
workers, which cannot give up a waiter in the middle.
"""

from __future__ import annotations

import enum
import logging
import threading
from collections import OrderedDict
from typing import Protocol

_logger = logging.getLogger("infrafabric.limits")


class Waiter(Protocol):
    """A task in the queue. It hears exactly one of these, once, unless it was withdrawn before.

    Both are called without the gate's lock, on the thread of whoever left or closed (or on its own, within
    `Gate.enqueue`): they hand over, to an event or an executor, and never run a task themselves. They do not raise; a
    waiter whose `granted` does raise is taken to have left.
    """

    def granted(self) -> None:
        """Note that the slot is yours: `Gate.leave` it when done."""

    def closed(self) -> None:
        """Note that the gate closed before your turn: there is nothing to leave."""


class Wait(enum.Enum):
    """How waiting for a slot ended: only after ``GRANTED`` is there a slot to leave."""

    GRANTED = "granted"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    FULL = "full"


class Gate:
    """Lets ``max_concurrent`` tasks in and keeps up to ``max_queued`` more in line. Thread-safe.

    A task enters by `try_enter`, by `enqueue` or by `wait_for_slot`, and every task that entered calls `leave` once.

    >>> gate = Gate(max_concurrent=1, max_queued=0)
    >>> gate.try_enter(), gate.try_enter()
    (True, False)
    >>> gate.leave()
    >>> gate.running
    0
    """

    __slots__ = (
        "_cancels_queued",
        "_idle",
        "_is_closed",
        "_lock",
        "_queue",
        "_running",
        "max_concurrent",
        "max_queued",
        "waited",
    )

    def __init__(self, max_concurrent: int, max_queued: int) -> None:
        if max_concurrent < 1 or max_queued < 0:
            message = f"a gate for {max_concurrent} running and {max_queued} queued tasks: give at least 1 and 0"
            raise ValueError(message)
        self.max_concurrent = max_concurrent
        self.max_queued = max_queued
        self._lock = threading.Lock()
        self._running = 0
        #: How many tasks had to get in line.
        self.waited = 0
        # By identity: waiters may compare as they like. Taking from the front or the middle costs the same.
        self._queue: OrderedDict[int, Waiter] = OrderedDict()
        self._is_closed = False
        self._cancels_queued = False
        self._idle: threading.Event | None = None

    @property
    def running(self) -> int:
        """Give how many tasks hold a slot."""
        return self._running

    @property
    def queued(self) -> int:
        """Give how many tasks wait for one."""
        return len(self._queue)

    @property
    def is_closed(self) -> bool:
        """Tell whether newcomers are refused for good."""
        return self._is_closed

    def try_enter(self) -> bool:
        """Take a slot if one is free now; False when all are taken, and once the gate is closed."""
        # A slot is never free while others wait: whoever leaves hands it on.
        with self._lock:
            if self._running >= self.max_concurrent or self._is_closed:
                return False
            self._running += 1
            return True

    def enqueue(self, waiter: Waiter) -> bool:
        """Get in line; True means that ``waiter`` will hear, which may be before this returns.

        False when the queue is full, and once the gate is closed (then `is_closed` stays True).
        """
        with self._lock:
            if self._is_closed:
                return False
            if self._running >= self.max_concurrent:
                if len(self._queue) >= self.max_queued:
                    return False
                self._queue[id(waiter)] = waiter
                self.waited += 1
                return True
            self._running += 1
        self._hand_over(waiter)
        return True

    def withdraw(self, waiter: Waiter) -> bool:
        """Take a waiter out of the line; it hears nothing then. False when it had heard, or is just hearing."""
        with self._lock:
            withdrawn = self._queue.pop(id(waiter), None) is not None
            if withdrawn:
                self._note_idle()
            return withdrawn

    def leave(self) -> None:
        """Give a slot back: it goes to the first in line, or is free. Raises RuntimeError when no slot is taken."""
        with self._lock:
            if self._running and not self._queue and self._idle is None:  # nobody waits for anything
                self._running -= 1
                return
            waiter = self._pass_on()
        if waiter is not None:
            self._hand_over(waiter)

    def close(self, *, cancel_queued: bool) -> None:
        """Refuse newcomers from now on. Those in line hear `Waiter.closed`, or still get their turn.

        May be called again: to cancel those that were left in line, or after an interrupt (Ctrl-C) in the middle.
        """
        with self._lock:
            self._is_closed = True
            self._cancels_queued = self._cancels_queued or cancel_queued
        while self._cancels_queued:
            with self._lock:
                if not self._queue:
                    return
                waiter = self._queue.popitem(last=False)[1]
                self._note_idle()
            try:
                waiter.closed()
            except Exception:
                _logger.exception("a queued task failed to hear that its swarm closed")

    def wait_idle(self, timeout_seconds: float | None = None) -> bool:
        """Wait until nobody runs and nobody waits; False when that took longer than the timeout."""
        with self._lock:
            if not self._running and not self._queue:
                return True
            if self._idle is None:
                self._idle = threading.Event()
            idle = self._idle
        return idle.wait(timeout_seconds)

    def wait_for_slot(self, waiter: SlotWaiter, timeout_ns: int | None = None) -> Wait:
        """Enter, blocking this thread in line for at most ``timeout_ns`` (None: as long as it takes).

        ``waiter`` is new; from another thread ``waiter.cancel()`` ends the wait. An exception that interrupts the
        wait (Ctrl-C) leaves nothing behind, neither a place in line nor a slot.
        """
        if waiter.was_cancelled():
            return Wait.CANCELLED
        if self.try_enter():
            return Wait.GRANTED
        waiter.gate = self
        if not self.enqueue(waiter):
            return Wait.CLOSED if self._is_closed else Wait.FULL
        try:
            if waiter.was_cancelled() and self.withdraw(waiter):
                return Wait.CANCELLED  # by somebody who came before it was in line
            if not waiter.wait(timeout_ns):
                if self.withdraw(waiter):
                    return Wait.EXPIRED
                waiter.wait(None)  # it is just being told
        except BaseException:
            if not self.withdraw(waiter) and waiter.wait(None) and waiter.heard is Wait.GRANTED:
                self.leave()
            raise
        return waiter.heard

    def _hand_over(self, waiter: Waiter) -> None:
        """Tell a waiter that the slot is its own; when it cannot take it, the next one can."""
        following: Waiter | None = waiter
        while following is not None:
            try:
                following.granted()
            except Exception:
                _logger.exception("a queued task failed to take its turn")
                with self._lock:
                    following = self._pass_on()
            else:
                return

    def _pass_on(self) -> Waiter | None:
        """Take one slot back, under the lock: the first in line has it now, or it is free."""
        if not self._running:
            message = "a task left a gate that nobody had entered"
            raise RuntimeError(message)
        if self._queue and not self._cancels_queued:
            return self._queue.popitem(last=False)[1]
        self._running -= 1
        self._note_idle()
        return None

    def _note_idle(self) -> None:
        if self._idle is not None and not self._running and not self._queue:
            self._idle.set()
            self._idle = None


class SlotWaiter:
    """A waiter for `Gate.wait_for_slot`: one thread blocks on it, any other may `cancel` it. Used once."""

    __slots__ = ("_bell", "_cancelled", "_has_heard", "gate", "heard")

    def __init__(self) -> None:
        #: Held until it hears. An event is a condition on top of such a lock, at five times the price.
        self._bell = threading.Lock()
        self._bell.acquire()
        self._has_heard = False
        self.gate: Gate | None = None
        self.heard = Wait.EXPIRED
        self._cancelled = False

    def granted(self) -> None:
        """Wake up with the slot."""
        self._wake(Wait.GRANTED)

    def closed(self) -> None:
        """Wake up without one: the gate closed."""
        self._wake(Wait.CLOSED)

    def cancel(self) -> None:
        """End the wait as ``CANCELLED``, now or when it begins; nothing happens once it has its slot."""
        self._cancelled = True
        if self.gate is not None and self.gate.withdraw(self):
            self._wake(Wait.CANCELLED)

    def was_cancelled(self) -> bool:
        """Tell whether somebody called `cancel`."""
        return self._cancelled

    def wait(self, timeout_ns: int | None) -> bool:
        """Block until it heard; False when ``timeout_ns`` passed first."""
        if not self._has_heard:
            seconds = -1 if timeout_ns is None else min(max(timeout_ns, 0) / 1e9, threading.TIMEOUT_MAX)
            self._bell.acquire(timeout=seconds)
        return self._has_heard

    def _wake(self, heard: Wait) -> None:
        self.heard = heard
        self._has_heard = True
        self._bell.release()
