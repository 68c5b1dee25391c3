"""What must be true of a thread before it enters a guest, and what is put right after.

* **Trap handlers.** Guest faults reach the engine as signals. `faulthandler`, switched on or off after the
  engine was made, takes those handlers away, and the next out-of-bounds access of a guest would end the
  process: the handlers are looked at before each task (half a microsecond each) and put back.
* **Room.** A callback at the bottom of a deep recursion, or a guest on a 256 KiB thread stack, corrupts or
  ends the process. A thread without the room does not enter: the caller runs the task on another one.
* **Signals.** Python runs signal handlers between bytecodes of the main thread, also of a callback, where an
  exception corrupts the heap. While a guest runs on the main thread, handlers are swapped for one that
  only records; `deliver` runs the recorded ones inside a ``try`` in the epoch callback, so that Ctrl-C
  ends the guest within a look (8 ms) and comes out of `execute_task` as itself.
* **Fork.** A child process has no ticker thread and no timer: `process_generation` tells.

ADR 0002 compares the shape chosen for signals with running every task on a worker thread.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found] # the wrappers in `signal` build enums: ten times slower, on the main thread's hot path
import contextlib
import ctypes
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from infrafabric.engine import running

if TYPE_CHECKING:
    from types import FrameType

#: Stack that a thread must have in all to run guests.
MIN_STACK_BYTES = 2 << 20

_CRASH_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP") if hasattr(signal, name)
)
#: SIGINT first: it is held back first and put back last, so that Ctrl-C cannot come while the others change hands.
_SHIELDED = tuple(
    int(number)
    for number in sorted(
        signal.valid_signals() - set(_CRASH_SIGNALS) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGABRT},
        key=lambda number: (number != signal.SIGINT, number),
    )
)

# --- fork ------------------------------------------------------------------------------------------

process_generation = 0


def _after_fork() -> None:
    global process_generation  # noqa: PLW0603 - the one fact a forked child must know
    process_generation += 1
    running.RUNNING.clear()


os.register_at_fork(after_in_child=_after_fork)

# --- trap handlers ---------------------------------------------------------------------------------

_SIGACTION_BYTES = 256  # more than any platform's struct sigaction
_sigaction = ctypes.PyDLL(None).sigaction  # too short to give up the GIL for
_sigaction.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
#: By these signals guests' faults reach the engine: accesses, and instructions that trap.
_SEGV, _ILL = int(signal.SIGSEGV), int(signal.SIGILL)


class TrapHandlers:
    """The engine's signal handlers, as they were right after the first engine was made."""

    def __init__(self) -> None:
        self._saved = {int(number): self._read(int(number)) for number in _CRASH_SIGNALS}
        # ``sa_handler`` is the first member on Linux and macOS. One buffer a signal serves all threads: whoever reads
        # it reads what some thread was just told, which is what it would have been told itself.
        self._segv, self._ill = (ctypes.create_string_buffer(_SIGACTION_BYTES) for _ in range(2))
        self._segv_address, self._ill_address = ctypes.addressof(self._segv), ctypes.addressof(self._ill)
        self._segv_now, self._ill_now = (ctypes.c_size_t.from_buffer(buffer) for buffer in (self._segv, self._ill))
        self._segv_ours, self._ill_ours = (
            ctypes.c_size_t.from_buffer(self._saved[number]).value for number in (_SEGV, _ILL)
        )

    @staticmethod
    def _read(number: int) -> ctypes.Array[ctypes.c_char]:
        buffer = ctypes.create_string_buffer(_SIGACTION_BYTES)
        _sigaction(number, None, buffer)
        return buffer

    def restore_if_taken(self) -> bool:
        """Put the engine's handlers back when somebody replaced them. True when that was needed."""
        _sigaction(_SEGV, None, self._segv_address)
        _sigaction(_ILL, None, self._ill_address)
        if self._segv_now.value == self._segv_ours and self._ill_now.value == self._ill_ours:
            return False
        for number, action in self._saved.items():
            _sigaction(number, action, None)
        return True


# --- room ------------------------------------------------------------------------------------------


class _ThreadRoom(threading.local):
    """Whether this thread's stack is large enough for a guest; looked up once a thread."""

    def __init__(self) -> None:
        self.has_stack = _stack_bytes() >= MIN_STACK_BYTES


def _stack_bytes() -> int:
    """The size of the calling thread's stack, or a large number where the platform does not say."""
    try:
        libc = ctypes.CDLL(None)
        attributes, size, base = ctypes.create_string_buffer(256), ctypes.c_size_t(), ctypes.c_void_p()
        libc.pthread_self.restype = ctypes.c_void_p
        if sys.platform == "darwin":
            libc.pthread_get_stacksize_np.restype = ctypes.c_size_t
            return int(libc.pthread_get_stacksize_np(ctypes.c_void_p(libc.pthread_self())))
        if libc.pthread_getattr_np(ctypes.c_void_p(libc.pthread_self()), attributes):
            return sys.maxsize
        libc.pthread_attr_getstack(attributes, ctypes.byref(base), ctypes.byref(size))
        libc.pthread_attr_destroy(attributes)
    except AttributeError:
        return sys.maxsize
    return size.value


#: The calling thread.
THREAD = _ThreadRoom()


def _nested(depth: int) -> Any:
    nested: Any = int
    for _ in range(depth):
        nested = (nested,)
    return nested


#: As a second argument of ``isinstance`` it takes as many levels of the recursion limit as a callback does.
_PROBE = _nested(running.CALLBACK_DEPTH)


def _probe_frames() -> None:
    """Raise RecursionError where Python's frames have a limit of their own (3.12) and this thread is close to it."""
    try:
        sys._getframe(max(sys.getrecursionlimit() - running.CALLBACK_DEPTH - 2, 0))  # noqa: SLF001 - there is no other
    except ValueError:
        return  # the stack is not as deep
    raise RecursionError


def require_room() -> None:
    """Raise RecursionError, before anything is taken, when too few Python frames are left for a guest's callbacks.

    Up to 3.11 Python's and C's recursion share one counter, and C gets to its end at a twentieth of the price.
    """
    try:
        if sys.version_info < (3, 12):
            isinstance(None, _PROBE)
        else:
            _probe_frames()
    except RecursionError:
        message = (
            f"running a guest needs {running.CALLBACK_DEPTH} more Python frames than the recursion limit leaves here"
        )
        raise RecursionError(message) from None


# --- signals ---------------------------------------------------------------------------------------


class SignalShield:
    """Signal handlers of the main thread, held back while a guest runs. Not reentrant; one at a time.

    A handler that was put back may raise between any two bytecodes. So everything is settled while the recorder still
    stands in its place, the last step is a single call, and what an exception left undone the next `raise_up` does.
    """

    def __init__(self) -> None:
        self._held: list[tuple[int, Any]] = []
        self._received: list[tuple[int, FrameType | None]] = []
        self.active = False
        #: What a handler raised inside `deliver`; re-raised by `lift`.
        self._raised: BaseException | None = None

    def raise_up(self) -> None:
        """Swap every Python handler for the recorder."""
        getsignal, swap, record, held = _signal.getsignal, _signal.signal, self._record, self._held
        if held:
            self._put_back()
        self._received.clear()
        self._raised = None
        for number in _SHIELDED:
            handler = getsignal(number)
            if callable(handler):
                held.append((number, handler))
                swap(number, record)
        self.active = True

    def _record(self, number: int, frame: FrameType | None) -> None:
        self._received.append((number, frame))

    def deliver(self) -> bool:
        """Run the handlers of recorded signals. False when one raised, now or before: the task must end."""
        handlers = dict(self._held)
        while self._received and self._raised is None:
            number, frame = self._received.pop(0)
            try:
                handlers[number](number, frame)
            except BaseException as error:  # noqa: BLE001 - whatever it is leaves through `lift`
                self._raised = error
        return self._raised is None

    @property
    def received(self) -> bool:
        """Whether a signal waits for its handler, or one has raised."""
        return bool(self._received) or self._raised is not None

    def lift(self) -> None:
        """Run the handlers of signals still waiting, put the handlers back, and raise what a handler raised."""
        self.deliver()
        handlers, raised = dict(self._held), self._raised
        self._raised = None
        self.active = False
        self._put_back()
        while self._received:  # between the line that delivered and the one that put their handler back
            number, frame = self._received.pop(0)
            try:
                handlers[number](number, frame)
            except BaseException as error:  # noqa: BLE001 - the first one is raised
                raised = raised or error
        if raised is not None:
            raise raised

    def _put_back(self) -> None:
        held = self._held
        try:
            while held:
                number, handler = held[-1]
                # Unless the application has set another one since an exception left this one here.
                if _signal.getsignal(number) == self._record:
                    _signal.signal(number, handler)
                held.pop()
        finally:
            if held:  # a handler just put back raised: the others follow all the same
                self._put_back()


#: The shield of the main thread.
SHIELD = SignalShield()


class Shielded:
    """Holds signals back while a task is admitted and run on the main thread; elsewhere it does nothing."""

    __slots__ = ("_raised_up",)

    def __enter__(self) -> None:
        self._raised_up = threading.get_ident() == MAIN_THREAD and not SHIELD.active
        if self._raised_up:
            SHIELD.raise_up()

    def __exit__(self, *_exception: object) -> None:
        if self._raised_up:
            SHIELD.lift()


def interrupted() -> bool:
    """Whether a signal handler raised while the main thread waits under the shield; False on other threads."""
    return SHIELD.active and threading.get_ident() == MAIN_THREAD and SHIELD.received and not SHIELD.deliver()


#: The thread where Python runs signal handlers, by its id.
MAIN_THREAD = threading.main_thread().ident


@contextlib.contextmanager
def large_stack() -> Any:
    """While a worker thread is started: a stack that guests fit in, whatever the platform's default."""
    with _stack_size_lock:
        before = threading.stack_size(8 << 20)
        try:
            yield
        finally:
            threading.stack_size(before)


_stack_size_lock = threading.Lock()
