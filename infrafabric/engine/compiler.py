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

import attrs

from infrafabric.engine import compile_server
from infrafabric.engine.settings import CodeKind
from infrafabric.errors import CompileLimitExceeded, InvalidModule, escape

#: Address space of a compile child: this much, and `_PER_MODULE_BYTE` for each byte of the module, ...
_BASE_MEMORY_BYTES = 1 << 30
_PER_MODULE_BYTE = 256
#: ... but no more than this.
_MAX_MEMORY_BYTES = 4 << 30
#: How long after its alarm a child may take to be reaped.
_GRACE_SECONDS = 5.0


class _ServerGoneError(Exception):
    """The server ended between two orders, as it does when it is idle."""


class Compiler:
    """The process's compile server, started at the first order and again when it has gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def compile(self, module: bytes, kind: CodeKind, timeout_seconds: float) -> bytes:
        """The native code of a module, as bytes that only this process may trust.

        Raises `InvalidModule` when the engine does not accept it, `CompileLimitExceeded` over the time or the memory.
        """
        memory_bytes = min(_BASE_MEMORY_BYTES + _PER_MODULE_BYTE * len(module), _MAX_MEMORY_BYTES)
        order = {"kind": attrs.asdict(kind), "seconds": max(timeout_seconds, 0.001), "memory_bytes": memory_bytes}
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
            source.write(module)
            source.flush()
            try:
                exit_code = self._run(order, source.fileno(), target.fileno())
            except _ServerGoneError:
                exit_code = self._run(order, source.fileno(), target.fileno())
            target.seek(0)
            answer = target.read()
        if exit_code == 0:
            return answer
        if exit_code == compile_server.REFUSED:
            raise InvalidModule(f"the engine does not accept it: {escape(answer)}")
        raise CompileLimitExceeded(_why(exit_code, timeout_seconds, memory_bytes))

    def _run(self, order: dict[str, object], source: int, target: int) -> int:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            with theirs:
                self._send(json.dumps(order).encode(), [source, target, theirs.fileno()])
            ours.settimeout(float(str(order["seconds"])) + _GRACE_SECONDS)
            pid = 0
            try:
                pid = int.from_bytes(ours.recv(8), "little")
                if not pid:
                    raise _ServerGoneError
                return int.from_bytes(ours.recv(8) or b"\x01", "little", signed=True)
            except TimeoutError:
                # The alarm did not end it: stopped from outside, or the machine stands still.
                with contextlib.suppress(OSError):
                    if pid:
                        os.kill(pid, signal.SIGKILL)
                return -signal.SIGALRM
            except BaseException:
                # Ctrl-C while it compiles: nobody waits for the child any more.
                with contextlib.suppress(OSError):
                    if pid:
                        os.kill(pid, signal.SIGKILL)
                raise

    def _send(self, message: bytes, fds: list[int]) -> None:
        with self._lock:
            for attempt in range(2):
                control = self._control or self._start()
                try:
                    socket.send_fds(control, [message], fds)
                except OSError:
                    self._stop()
                    if attempt:
                        raise
                else:
                    return

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # The same import path as ours, and nothing of the environment's: -I ignores PYTHON* and the current folder.
        bootstrap = (
            "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
            "from infrafabric.engine.compile_server import main; main()"
        )
        path = json.dumps([entry or os.getcwd() for entry in sys.path])  # noqa: PTH109 - '' means just this
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", bootstrap, path, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self._control = ours
        return ours

    def _stop(self) -> None:
        control, self._control = self._control, None
        process, self._process = self._process, None
        if control is not None:
            control.close()
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)

    def close(self) -> None:
        """End the server; the next order starts another."""
        with self._lock:
            self._stop()

    def after_fork(self) -> None:
        """Forget the parent's server, as a forked child must."""
        if self._control is not None:
            self._control.close()
        self._process = None
        self._control = None
        self._lock = threading.Lock()


def _why(exit_code: int, timeout_seconds: float, memory_bytes: int) -> str:
    if exit_code in (-signal.SIGALRM, -signal.SIGXCPU, -signal.SIGKILL):
        return (
            f"compiling it takes more than the {timeout_seconds:.3g} s left of max_load_seconds; "
            "raise max_load_seconds if you trust the module"
        )
    name = signal.Signals(-exit_code).name if exit_code < 0 else f"exit status {exit_code}"
    return f"compiling it takes more than {memory_bytes >> 20} MiB ({name}); split the module or its largest function"


#: The compile server of this process.
COMPILER = Compiler()
atexit.register(COMPILER.close)
os.register_at_fork(after_in_child=COMPILER.after_fork)
