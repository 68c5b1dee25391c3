"""Compiling untrusted modules without trusting the compiler's appetite: the client of `compile_server`."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO, TYPE_CHECKING

import attrs

from infrafabric.engine import compile_server
from infrafabric.errors import CompileLimitExceeded, InvalidModule, ModuleError, escape

if TYPE_CHECKING:
    from infrafabric.engine.settings import CodeKind

#: Address space of a compile child: this much, and `_PER_MODULE_BYTE` for each byte of the module, ...
_BASE_MEMORY_BYTES = 1 << 30
_PER_MODULE_BYTE = 256
#: ... but no more than this.
_MAX_MEMORY_BYTES = 4 << 30
#: Modules compiled at once; more wait for their turn, so that many bombs together take no more than these.
_MAX_CHILDREN = max(2, os.cpu_count() or 2)
#: How long after its alarm a child may take to be reaped.
_GRACE_SECONDS = 5.0


class _ServerGoneError(Exception):
    """The server ended before it answered, as it does when it is idle."""


class Compiler:
    """The process's compile server, started at the first order and again when it has gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(_MAX_CHILDREN)
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def compile(self, module: bytes, kind: CodeKind, timeout_seconds: float) -> bytes:
        """The native code of a module, as bytes that only this process may trust.

        Raises `InvalidModule` when the engine does not accept it, `CompileLimitExceeded` over the time or the memory,
        and `ModuleError` when the machine has no room for a compiler.
        """
        deadline = time.monotonic() + timeout_seconds
        if not self._places.acquire(timeout=max(timeout_seconds, 0.001)):
            raise CompileLimitExceeded(
                f"{_MAX_CHILDREN} other modules were compiled during all of the {timeout_seconds:.3g} s left of "
                "max_load_seconds: try again later"
            )
        try:
            return self._compile(module, kind, max(deadline - time.monotonic(), 0.001))
        except OSError as error:
            raise ModuleError(f"it cannot be compiled here: {error.strerror or error}") from error
        finally:
            self._places.release()

    def _compile(self, module: bytes, kind: CodeKind, seconds: float) -> bytes:
        memory_bytes = min(_BASE_MEMORY_BYTES + _PER_MODULE_BYTE * len(module), _MAX_MEMORY_BYTES)
        order = {"kind": attrs.asdict(kind), "seconds": seconds, "memory_bytes": memory_bytes}
        with _scratch_file() as source, _scratch_file() as target:
            source.write(module)
            source.flush()
            exit_code = self._run(json.dumps(order).encode(), source.fileno(), target.fileno(), seconds)
            target.seek(0)
            answer = target.read()
        if exit_code == 0:
            return answer
        if exit_code == compile_server.REFUSED:
            raise InvalidModule(f"the engine does not accept it: {escape(b' '.join(answer.split()))}")
        if exit_code == compile_server.FAILED:
            raise ModuleError(f"compiling it failed: {escape(answer)}; please report it")
        raise CompileLimitExceeded(_why(exit_code, seconds, memory_bytes))

    def _run(self, order: bytes, source: int, target: int, seconds: float) -> int:
        with contextlib.suppress(_ServerGoneError):
            return self._ask(order, source, target, seconds)
        try:  # it was about to end, or somebody ended it
            os.ftruncate(target, 0)
            return self._ask(order, source, target, seconds)
        except _ServerGoneError:
            raise ModuleError(
                "the compile server ended twice before it answered: is the machine out of memory?"
            ) from None

    def _ask(self, order: bytes, source: int, target: int, seconds: float) -> int:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # However this ends, closing our end tells the server that nobody waits for the child any more.
        with ours:
            with theirs:
                self._send(order, [source, target, theirs.fileno()])
            ours.settimeout(seconds + _GRACE_SECONDS)
            try:
                answer = ours.recv(8)
            except TimeoutError:  # the alarm did not end it: stopped from outside, or the machine stands still
                return -signal.SIGALRM
            except ConnectionError:
                answer = b""
        if not answer:
            raise _ServerGoneError
        return int.from_bytes(answer, "little", signed=True)

    def _send(self, message: bytes, fds: list[int]) -> None:
        with self._lock:
            for _ in range(2):
                control = self._control or self._start()
                try:
                    socket.send_fds(control, [message], fds)
                except OSError:
                    self._stop()
                else:
                    return
        raise _ServerGoneError

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # The same import path as ours, and nothing of the environment's: -I ignores PYTHON* and the current folder.
        bootstrap = (
            "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
            "from infrafabric.engine.compile_server import main; main()"
        )
        path = json.dumps([entry or os.getcwd() for entry in sys.path])  # noqa: PTH109 - '' means just this
        try:
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    [sys.executable, "-I", "-S", "-c", bootstrap, path, str(theirs.fileno())],
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    process_group=0,  # Ctrl-C at a terminal reaches a process group
                )
        except BaseException:
            ours.close()
            raise
        self._control = ours
        return ours

    def _stop(self) -> None:
        control, self._control = self._control, None
        process, self._process = self._process, None
        if control is not None:
            control.close()
        if process is not None:
            try:
                process.wait(timeout=1)
            except subprocess.TimeoutExpired:  # stopped from outside, or the machine stands still
                process.kill()
                process.wait()

    def close(self) -> None:
        """End the server; the next order starts another."""
        with self._lock:
            self._stop()

    def after_fork(self) -> None:
        """Forget the parent's server, as a forked child must."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.returncode = 0  # not our child: nothing to wait for, nothing to warn of
        self._process = None
        self._control = None
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(_MAX_CHILDREN)


def _scratch_file() -> IO[bytes]:
    """A file that nobody else can open, in memory where the platform has such."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("infrafabric-compile"), "w+b")
    return tempfile.TemporaryFile()


def _why(exit_code: int, timeout_seconds: float, memory_bytes: int) -> str:
    if exit_code in (-signal.SIGALRM, -signal.SIGXCPU):
        return (
            f"compiling it takes more than the {timeout_seconds:.3g} s left of max_load_seconds; "
            "raise max_load_seconds if you trust the module"
        )
    if exit_code == -signal.SIGKILL:
        return "the system killed its compiler, as it does when the machine runs out of memory; split the module"
    name = signal.Signals(-exit_code).name if exit_code < 0 else f"exit status {exit_code}"
    return f"compiling it takes more than {memory_bytes >> 20} MiB ({name}); split the module or its largest function"


#: The compile server of this process.
COMPILER = Compiler()
atexit.register(COMPILER.close)
os.register_at_fork(after_in_child=COMPILER.after_fork)
