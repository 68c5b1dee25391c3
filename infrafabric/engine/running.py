"""The task that a thread is running: its deadline, its CPU share, its log, and how it ended.

Guest code runs on the thread that called it, so the calling thread's id leads every callback to its
`Run`. Callbacks follow two rules that keep the process whole (a host function's exception would travel
through a process-wide variable, and one at its entry corrupts the heap):

* nothing is raised into the engine: whatever happens becomes the run's `Verdict`, and the guest is ended
  by a trap or an error whose content nobody reads;
* callbacks are shallow (`CALLBACK_DEPTH` Python frames at most) and do not wait for anybody but the clock.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time
from threading import get_ident
from typing import TYPE_CHECKING, Any, NamedTuple

from infrafabric.engine import binding
from infrafabric.engine.guestlog import TaskLog
from infrafabric.errors import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infrafabric.engine.governing import Shield, Terms
    from infrafabric.engine.instance import Instance
    from infrafabric.engine.wasi import WasiState

#: One epoch in nanoseconds: the resolution of deadlines.
TICK_NS = 1_000_000
#: A guest looks at its deadline at least this often (in ticks), and a wake-up advances the epoch by as much.
MAX_ARM_TICKS = 100
#: On the main thread it looks this often, so that Ctrl-C is prompt.
MAIN_THREAD_ARM_TICKS = 8
#: Frames a callback may need below the guest's caller; probed before a guest is entered.
CALLBACK_DEPTH = 28

_NEVER_NS = 1 << 62
#: A paused guest looks this often whether it was cancelled.
_PAUSE_SLICE_NS = 4_000_000
#: When no more than this is left at a look, the guest waits for its end: the next tick would come much too late.
_LAST_NS = 250_000
#: A guest that was gone for less is charged its wall time: its thread hardly lost the processor meanwhile.
_SHORT_NS = 50_000
#: A thread's CPU time as of so long ago will do for the mark of a guest that is likely to be short.
_RECENT_NS = 200_000


class _ThreadClock(threading.local):
    """This thread's CPU time when it was last asked for, which is a system call, and when that was.

    Whether the thread was busy or asleep since, nobody knows. So it is what a guest starts from as it stands: one that
    goes on for long may be charged what its thread did just before, within its own wall time, and never less than it
    used. After such a guest the next one is not taken to be short.
    """

    asked_ns = -_RECENT_NS
    cpu_ns = 0


_CLOCK = _ThreadClock()


class Verdict(NamedTuple):
    """How a guest ended, when it did not return."""

    outcome: Outcome
    message: str
    trap_code: str = ""
    backtrace: str = ""
    guest_code: int | None = None


class GuestEnded(Exception):
    """Inside the engine: the guest did not return. ``args[0]`` is the `Verdict`."""

    @property
    def verdict(self) -> Verdict:
        """How it ended."""
        verdict: Verdict = self.args[0]
        return verdict


class Run:
    """One task under way. Made by the caller, used by the thread that runs it, stopped from any thread."""

    # Class attributes are the values that most tasks keep: making a run sets the few that differ.
    #: What it runs in, once there is one.
    instance: Instance | None = None
    #: Set while the task runs on the main thread.
    shield: Shield | None = None
    stop: Verdict | None = None
    verdict: Verdict | None = None
    wasi: WasiState | None = None
    fuel_used: int | None = None
    #: Address of the guest's memory handle; 0 until one was looked up.
    memory = 0
    #: When an instance was taken for it; 0: none was, yet.
    started_ns = 0
    #: How long it may go on before its swarm's CPU share can be empty, as of just before it starts.
    spare_ns = _NEVER_NS
    #: When the guest looks at its deadline next, at the latest.
    look_ns = _NEVER_NS
    #: The look for which the warden has woken it.
    woken_ns = 0
    #: When its CPU time was last looked at, and what this thread's was then.
    mark_ns = 0
    cpu_mark_ns = 0
    #: Whether it was this task that had the signals held back.
    lifts_shield = False
    cpu_ns = 0
    throttled_ns = 0
    host_calls = 0
    #: The larger of what went in and what came out, where those are bytes.
    payload_bytes = 0
    peak_memory_bytes = 0
    _log: TaskLog | None = None
    #: Held while the thread sleeps for its guest; released to wake it.
    _bell: threading.Lock | None = None
    #: Gives what every log record of the task carries beside its text, such as the ids of its trace.
    log_fields: Callable[[], Mapping[str, str]] | None = None

    def __init__(self, terms: Terms, deadline_ns: int) -> None:
        self.terms = terms
        self.deadline_ns = deadline_ns

    @property
    def log(self) -> TaskLog:
        """The task's log, made when its guest says something."""
        if self._log is None:
            fields = self.log_fields() if self.log_fields is not None else None
            self._log = TaskLog(self.terms.log, self.started_ns, fields=fields)
        return self._log

    @property
    def said(self) -> TaskLog | None:
        """The task's log if its guest said anything."""
        return self._log

    def request_stop(self, verdict: Verdict) -> None:
        """Ask the guest to end with ``verdict``; the first request counts. Follow with a wake of its ticker."""
        if self.stop is None:
            self.stop = verdict
        bell = self._bell
        if bell is not None:
            with contextlib.suppress(RuntimeError):  # somebody else rang
                bell.release()

    def stopped(self) -> bool:
        """Whether the guest was asked to end: from another thread, or by a signal handler that raised."""
        if self.shield is not None and self.shield.received and not self.shield.deliver():
            self.request_stop(Verdict(Outcome.CANCELLED, "a signal interrupted it"))
        return self.stop is not None

    def ticks(self, now_ns: int, spare_ns: int) -> int:
        """Epochs until the guest looks again, after ``spare_ns`` at the latest; 0: it must end, with its verdict."""
        most = MAX_ARM_TICKS
        if self.stop is not None or self.shield is not None:
            if self.stopped():
                self.verdict = self.stop
                return 0
            most = MAIN_THREAD_ARM_TICKS
        remaining_ns = self.deadline_ns - now_ns
        if remaining_ns <= 0:
            self.verdict = Verdict(Outcome.TIMEOUT, "")
            return 0
        if spare_ns < remaining_ns:
            remaining_ns = spare_ns
        ticks = remaining_ns // TICK_NS + 1
        if ticks > most:
            ticks = most
        self.look_ns = now_ns + ticks * TICK_NS
        return ticks

    def mark(self) -> None:
        """What the guest uses of this thread's CPU time counts from now on."""
        clock = _CLOCK
        self.mark_ns = now_ns = time.monotonic_ns()
        if now_ns - clock.asked_ns >= _RECENT_NS:
            clock.asked_ns, clock.cpu_ns = now_ns, time.thread_time_ns()
        self.cpu_mark_ns = clock.cpu_ns

    def spent_ns(self, now_ns: int) -> int:
        """The CPU time that this thread has used since the mark, which is moved up to now."""
        spent_ns = now_ns - self.mark_ns
        if spent_ns >= _SHORT_NS:
            cpu_now_ns = time.thread_time_ns()
            spent_ns = min(max(cpu_now_ns - self.cpu_mark_ns, 0), spent_ns)
            self.cpu_mark_ns = cpu_now_ns
            _CLOCK.asked_ns = -_RECENT_NS
        else:
            self.cpu_mark_ns += spent_ns
        self.mark_ns = now_ns
        self.cpu_ns += spent_ns
        return spent_ns

    def look(self) -> int:
        """What the epoch callback does: charge, pause when over the share, and say how long to go on."""
        now_ns = time.monotonic_ns()
        if 0 < self.deadline_ns - now_ns < _LAST_NS:
            time.sleep((self.deadline_ns - now_ns) / 1e9)
            now_ns = time.monotonic_ns()
        governor = self.terms.governor
        if governor is None:
            return self.ticks(now_ns, _NEVER_NS)
        rest_ns = governor.charge(self.spent_ns(now_ns), now_ns)
        if rest_ns:
            self.look_ns = _NEVER_NS
            now_ns = self._pause(now_ns, rest_ns)
        return self.ticks(now_ns, governor.until_empty_ns(now_ns))

    def settle(self) -> None:
        """The guest has ended: charge what it used since it last looked."""
        now_ns = time.monotonic_ns()
        spent_ns = now_ns - self.mark_ns
        if spent_ns < _SHORT_NS:
            self.cpu_ns += spent_ns
        else:
            spent_ns = self.spent_ns(now_ns)
        governor = self.terms.governor
        if governor is not None:
            governor.settle(spent_ns, now_ns)

    def _pause(self, now_ns: int, rest_ns: int) -> int:
        start_ns = now_ns
        end_ns = min(now_ns + rest_ns, self.deadline_ns)
        now_ns = self._rest_until(end_ns)
        self.throttled_ns += now_ns - start_ns
        return now_ns

    def _rest_until(self, end_ns: int) -> int:
        """Rest until then or until the guest was asked to end; the time now.

        A thread waits to be woken: hundreds that looked up every few milliseconds would leave nobody else the
        interpreter. The main thread looks up, because it has to see signals.
        """
        now_ns = time.monotonic_ns()
        if self.shield is None:
            self._bell = bell = threading.Lock()
            bell.acquire()
            while now_ns < end_ns and not self.stopped():
                bell.acquire(timeout=min((end_ns - now_ns) / 1e9, threading.TIMEOUT_MAX))
                now_ns = time.monotonic_ns()
            self._bell = None
            return now_ns
        while now_ns < end_ns and not self.stopped():
            time.sleep(min(end_ns - now_ns, _PAUSE_SLICE_NS) / 1e9)
            now_ns = time.monotonic_ns()
        return now_ns

    def sleep_until(self, wake_ns: int) -> bool:
        """Sleep for the guest, at most to its deadline. False when the guest must end, with the verdict set."""
        self.look_ns = _NEVER_NS
        now_ns, governor = self._rest_until(min(wake_ns, self.deadline_ns)), self.terms.governor
        return self.ticks(now_ns, _NEVER_NS if governor is None else governor.until_empty_ns(now_ns)) > 0


#: The run of each thread that is inside a guest, by thread id.
RUNNING: dict[int, Run] = {}


@binding.EPOCH_CALLBACK  # type: ignore[untyped-decorator]
def _on_epoch(_context: int, _data: int, delta: Any, kind: Any) -> int:
    try:
        run = RUNNING[get_ident()]
        ticks = run.look()
        if ticks:
            delta[0] = ticks
            kind[0] = 0  # WASMTIME_UPDATE_DEADLINE_CONTINUE
            return 0
    except BaseException as error:  # noqa: BLE001 - nothing may be raised into the engine
        fail_internally(error)
    return end_guest_by_error()


#: The address of the epoch callback, which every store shares.
EPOCH_CALLBACK = ctypes.cast(_on_epoch, ctypes.c_void_p).value


def fail_internally(error: BaseException) -> None:
    """Keep a failure of our own callback as the run's verdict."""
    run = RUNNING.get(get_ident())
    if run is not None and run.verdict is None:
        run.verdict = Verdict(Outcome.INTERNAL, f"{type(error).__name__} in a host function: {error}")


def end_guest_by_error() -> int:
    """An error for the epoch callback to return; its text is never read, the verdict is."""
    error: int = binding.error_new(b"ended by the host")
    return error


def end_guest_by_trap() -> int:
    """A trap for a host function to return; its text is never read, the verdict is."""
    trap: int = binding.trap_new(b"ended by the host", 17)
    return trap
