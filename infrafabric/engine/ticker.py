"""The clock that deadlines are counted in: one epoch a millisecond, while a guest runs.

On Linux a POSIX timer calls the engine's own increment function from the kernel's timer thread: no Python
runs, so busy Python threads cannot hold a deadline up. Elsewhere, and when such a timer cannot be made, a
Python thread does it. Nothing ticks while nothing runs: a task arms the timer, and the *warden*, one
daemon thread for the process, disarms it after a second without tasks.

The warden also watches the tickers. On a machine with more to do than processors the kernel's timer loses
ticks, each a millisecond that a deadline comes late: a guest that has not looked when it should have is made
to look by hand. It then asks whether ticks arrive at all; if they do not, it says so on the logger
``infrafabric.engine`` and makes the timer anew.

Rejected: a Python thread alone (a 50 ms deadline came after 1.5 s beside four busy threads), and a timer
for each deadline (a system call at each end of every task, for tasks of microseconds).
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import logging
import os
import sys
import threading
import time

from infrafabric.engine import binding, running
from infrafabric.engine.running import MAX_ARM_TICKS, TICK_NS

#: A timer from which nothing comes for so long is dead.
DEAD_NS = 250_000_000
#: A timer is asked no more often.
_ASK_NS = 250_000_000

_IDLE_NS = 1_000_000_000
#: A guest this much over its next look has lost ticks.
_LATE_NS = 1_500_000
#: So long the warden sleeps at most while guests run.
_WARDEN_PERIOD_NS = 20_000_000
_CLOCK_MONOTONIC = 1
_SIGEV_THREAD = 2

_log = logging.getLogger("infrafabric.engine")


class _SigEvent(ctypes.Structure):
    """``struct sigevent`` of Linux, padded to its 64 bytes."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("function", ctypes.c_void_p),
        ("attributes", ctypes.c_void_p),
        ("padding", ctypes.c_char * 32),
    )


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", ctypes.c_long * 2), ("value", ctypes.c_long * 2))


class _KernelTimer:
    """A POSIX timer that advances one engine's epoch without Python."""

    def __init__(self, engine: int) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        if not hasattr(library, "timer_create"):  # glibc before 2.34 keeps them in librt
            library = ctypes.CDLL(ctypes.util.find_library("rt") or "librt.so.1", use_errno=True)
        create, self._settime = library.timer_create, library.timer_settime
        event = _SigEvent(value=engine, notify=_SIGEV_THREAD, function=binding.increment_epoch_address)
        self._timer = ctypes.c_void_p()
        if create(_CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(self._timer)):
            raise OSError(ctypes.get_errno(), "timer_create")
        self._settime.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)

    def set(self, period_ns: int) -> None:
        period = (ctypes.c_long * 2)(0, period_ns)
        if self._settime(self._timer, 0, ctypes.byref(_TimerSpec(period, period)), None):
            raise OSError(ctypes.get_errno(), "timer_settime")


class _ThreadTimer:
    """The same from a Python thread, where there is no such timer."""

    def __init__(self, engine: int) -> None:
        self._engine = engine
        self._armed = threading.Event()
        self._period_seconds = TICK_NS / 1e9
        threading.Thread(target=self._run, name="infrafabric-ticker", daemon=True).start()

    def set(self, period_ns: int) -> None:
        if period_ns:
            self._armed.set()
        else:
            self._armed.clear()

    def _run(self) -> None:
        while True:
            self._armed.wait()
            time.sleep(self._period_seconds)
            binding.increment_epoch(self._engine)


#: The process that made a kernel timer first; 0: none has.
_timer_process = 0


def _new_timer(engine: int) -> _KernelTimer | _ThreadTimer:
    """A timer of the best kind there is.

    The C library has one helper thread for its timers, which a forked child does not inherit, and making a timer there
    may wait for it forever: a child of a process that had timers ticks with a thread.
    """
    global _timer_process  # noqa: PLW0603 - a fact about the process
    if sys.platform == "linux" and _timer_process in (0, os.getpid()):
        with contextlib.suppress(OSError, AttributeError):
            timer = _KernelTimer(engine)
            _timer_process = os.getpid()
            return timer
    return _ThreadTimer(engine)


class Ticker:
    """The ticks of one engine. ``armed`` is read without a lock before each task."""

    def __init__(self, engine: int) -> None:
        self.armed = False
        #: When it was last asked whether it ticks.
        self.asked_ns = 0
        #: Counts how often it began to tick: what was reckoned in epochs before does not hold after a rest.
        self.generation = 0
        self._engine = engine
        #: The guest that is asked whether ticks arrive, once one was needed; it lives as long as the engine.
        self._probe: int | None = None
        self._timer: _KernelTimer | _ThreadTimer | None = None
        self._lock = threading.Lock()
        _warden.add(self)

    @property
    def native(self) -> bool:
        """True when ticks come from the kernel and need no Python."""
        return isinstance(self._timer, _KernelTimer)

    def arm(self) -> None:
        """Start ticking. Called with the task already in `running.RUNNING`."""
        with self._lock:
            if not self.armed:
                try:
                    if self._timer is None:
                        self._timer = _new_timer(self._engine)
                    self._timer.set(TICK_NS)
                except OSError:  # somebody deleted it
                    self._timer = _new_timer(self._engine)
                    self._timer.set(TICK_NS)
                self.generation += 1
                self.armed = True
        _warden.wake()

    def disarm(self) -> None:
        """Stop ticking, unless a task has started meanwhile."""
        with self._lock:
            if self.armed and self._timer is not None:
                self.armed = False
                self._timer.set(0)
        # A task that started between the look and the disarming saw `armed` still set.
        if running.RUNNING:
            self.arm()

    def wake(self) -> None:
        """Make every running guest of this engine look at its task now, as after a cancellation."""
        for _ in range(MAX_ARM_TICKS + 1):
            binding.increment_epoch(self._engine)

    def is_ticking(self) -> bool:
        """Whether epochs advance: a guest that may run for two ticks is entered after twenty, and again for a while."""
        store = binding.store_new(self._engine, None, None)
        try:
            if self._probe is None:
                self._probe = _link_probe(self._engine)
            return _ticks(self._probe, store)
        finally:
            binding.store_delete(store)

    def restart(self) -> None:
        """Make the timer anew: its ticks do not arrive."""
        with self._lock:
            self._timer = _new_timer(self._engine)
            self.generation += 1
            if self.armed:
                self._timer.set(TICK_NS)


#: ``(module (func (export "")))``: entering a function is where the engine looks at the epoch.
_PROBE_MODULE = bytes.fromhex("0061736d01000000010401600000030201000704010000000a040102000b")


def _link_probe(engine: int) -> int:
    module, linked = ctypes.c_void_p(), ctypes.c_void_p()
    failed = binding.module_new(engine, _PROBE_MODULE, len(_PROBE_MODULE), ctypes.byref(module))
    if failed:
        raise AssertionError(binding.take_error(failed))
    linker = binding.linker_new(engine)
    binding.linker_instantiate_pre(linker, module, ctypes.byref(linked))
    binding.linker_delete(linker)
    binding.module_delete(module)
    return linked.value or 0


def _ticks(probe: int, store: int) -> bool:
    trap, instance, extern = ctypes.c_void_p(), binding.InstanceStruct(), binding.ExternStruct()
    context = binding.store_context(store)
    binding.set_epoch_deadline(context, 2)
    # Without fuel a metered engine would trap for want of it; others answer that they have none.
    unmetered = binding.set_fuel(context, 1 << 20)
    if unmetered:
        binding.error_delete(unmetered)
    failed = binding.instantiate(probe, context, ctypes.byref(instance), ctypes.byref(trap))
    if failed:  # no free slot in the pool: nothing can be said, so nothing is alleged
        binding.error_delete(failed)
        return True
    binding.export_get(context, ctypes.byref(instance), b"", 0, ctypes.byref(extern))
    function = ctypes.addressof(extern) + binding.EXTERN_ITEM_OFFSET
    for _ in range(DEAD_NS // (20 * TICK_NS)):
        time.sleep(20 * TICK_NS / 1e9)
        binding.call_unchecked(context, function, None, 0, ctypes.byref(trap))
        if trap.value is not None:
            binding.trap_delete(trap)
            return True
    return False


def _under_way() -> list[running.Run]:
    return list(running.RUNNING.values())


def _rest_ns(now_ns: int) -> int:
    """How long the warden may sleep: until just after the next look that is due, or for a period when none is."""
    looks = [run.look_ns for run in _under_way() if run.look_ns != run.woken_ns]
    return min(max(min(looks) + _LATE_NS - now_ns, _LATE_NS), _WARDEN_PERIOD_NS) if looks else _WARDEN_PERIOD_NS


class _Warden:
    """The daemon thread that disarms idle tickers and notices dead ones."""

    def __init__(self) -> None:
        self._tickers: list[Ticker] = []
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def add(self, ticker: Ticker) -> None:
        self._tickers.append(ticker)

    def wake(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="infrafabric-warden", daemon=True)
                self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        idle_since_ns: int | None = None
        while True:
            self._wake.wait()
            time.sleep(_rest_ns(time.monotonic_ns()) / 1e9)
            now_ns = time.monotonic_ns()
            self._catch_up(now_ns)
            if running.RUNNING:
                idle_since_ns = None
            elif idle_since_ns is None:
                idle_since_ns = now_ns
            elif now_ns - idle_since_ns > _IDLE_NS:
                self._wake.clear()
                idle_since_ns = None
                for ticker in self._tickers:
                    ticker.disarm()

    def _catch_up(self, now_ns: int) -> None:
        """Make guests look that should have by now: once for each look, since some cannot look and others would pay."""
        late = [run for run in _under_way() if run.look_ns + _LATE_NS <= now_ns and run.look_ns != run.woken_ns]
        for run in late:
            run.woken_ns = run.look_ns
        for ticker in {instance.linked.engine.ticker for run in late if (instance := run.instance) is not None}:
            ticker.wake()
            # A guest may be late for another reason: one bulk operation, or waiting for the GIL.
            if now_ns - ticker.asked_ns > _ASK_NS:
                ticker.asked_ns = now_ns
                if not ticker.is_ticking():
                    _log.error("epoch ticks do not arrive: the timer is made anew, and guests are woken by hand")
                    ticker.restart()


_warden = _Warden()


# A forked child has neither the thread nor the timers.
os.register_at_fork(after_in_child=_warden.__init__)  # type: ignore[misc]
