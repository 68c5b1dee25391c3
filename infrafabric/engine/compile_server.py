"""The process that compiles: it stays warm and forks one limited child for each module.

Compilation is the one thing an engine does that no fuel, epoch or store limit applies to, and nine kilobytes
of hostile code can make it take six gigabytes. So it runs here, in a child with an address-space limit, a
CPU limit and an alarm clock, whose end, however violent, is a number. The server itself only receives
requests and reaps children: it never looks at a module.

A request is one datagram on the control socket: the compile order as JSON, and three file descriptors (the
module, where to put the code, a status socket). The answer on the status socket is the child's exit code. Closing
either end of it takes the request back: a client that went away ends its child, and a server that was killed is
seen at once by those who wait for it.

Rejected: compiling in a thread (its memory is the host's), and a fresh interpreter for each module (60 ms).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
from pathlib import Path

#: The server ends when it had nothing to do for this long.
IDLE_SECONDS = 60.0
#: Exit codes of a child: no memory left; a module that the engine does not accept; a failure of our own. Of the last
#: two the message is in the output file.
OUT_OF_MEMORY, REFUSED, FAILED = 2, 3, 4

_PR_SET_PDEATHSIG = 1


def compile_one(order: dict[str, object], source: int, target: int) -> int:
    """Compile the module in file ``source`` into file ``target``. Runs in the child, under its limits."""
    import mmap  # noqa: PLC0415 - the server forks before it needs an engine

    from infrafabric.engine import binding, settings  # noqa: PLC0415

    kind = settings.CodeKind(**order["kind"])  # type: ignore[arg-type]
    engine = settings.new_engine(kind)
    size = os.fstat(source).st_size
    with mmap.mmap(source, size, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE) as view:
        data = ctypes.create_string_buffer(bytes(view), size)
    module = ctypes.c_void_p()
    error = binding.module_new(engine, data, size, ctypes.byref(module))
    if error:
        _write_all(target, binding.take_error(error))
        return REFUSED
    _write_all(target, binding.serialize(module))
    return 0


def _write_all(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


def _limit(order: dict[str, object]) -> None:
    seconds = float(str(order["seconds"]))
    memory_bytes = int(str(order["memory_bytes"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 1))
    with contextlib.suppress(ValueError, OSError):  # a stricter hard limit is already in force
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    with contextlib.suppress(OSError):  # Linux: when the machine runs out of memory, this goes before the host
        Path("/proc/self/oom_score_adj").write_text("1000")
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _end_with(server: int) -> None:
    """Let the kernel end this child when its server is killed, where it can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(FAILED)


def _child(order: dict[str, object], source: int, target: int, server: int) -> None:
    status = FAILED
    try:
        _end_with(server)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 2)  # what the engine prints when memory runs out is not for the user's terminal
        _limit(order)
        status = compile_one(order, source, target)
    except MemoryError:
        status = OUT_OF_MEMORY
    except Exception as error:  # noqa: BLE001 - the client raises it
        with contextlib.suppress(OSError):
            os.ftruncate(target, 0)
            _write_all(target, f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
    finally:
        os._exit(status)


class Server:
    """Serves compile orders from a control socket, each in a child of its own."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        #: The status socket of each child; None when nobody waits for it any more.
        self._children: dict[int, socket.socket | None] = {}
        self._wake, self._wake_end = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._wake_end, False)

    def serve(self) -> None:
        """Serve until the other end is closed, or nothing came for `IDLE_SECONDS`."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the user's word to the host, not to its compiler
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_end, warn_on_full_buffer=False)
        while True:
            clients = {status.fileno(): pid for pid, status in self._children.items() if status is not None}
            timeout = None if self._children else IDLE_SECONDS
            ready, _, _ = select.select([self._control.fileno(), self._wake, *clients], [], [], timeout)
            if not ready and not self._children:
                return
            if self._wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake, 4096)
            for client in clients.keys() & set(ready):
                self._client_gone(clients[client])
            self._reap()
            if self._control.fileno() in ready and not self._receive():
                return

    def _receive(self) -> bool:
        order, fds, _, _ = socket.recv_fds(self._control, 65536, 3)
        if order:
            self._start(json.loads(order), fds)
            return True
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)  # not reaped yet, so the pid is still the child's
        return False

    def _start(self, order: dict[str, object], fds: list[int]) -> None:
        source, target, status_fd = fds
        status = socket.socket(fileno=status_fd)
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError:  # no room for a process: the client sees its socket closed
            status.close()
        else:
            if not pid:
                signal.set_wakeup_fd(-1)
                self._close_in_child(status)
                _child(order, source, target, server)
            self._children[pid] = status
        os.close(source)
        os.close(target)

    def _close_in_child(self, status: socket.socket) -> None:
        # Whoever still holds one of these keeps its other end waiting after the server is gone.
        for held in (self._control, status, *self._children.values()):
            if held is not None:
                held.close()
        os.close(self._wake)
        os.close(self._wake_end)

    def _client_gone(self, pid: int) -> None:
        status, self._children[pid] = self._children[pid], None
        if status is not None:
            status.close()
        os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        while self._children:
            pid, wait_status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            status = self._children.pop(pid, None)
            if status is not None:
                with status, contextlib.suppress(OSError):
                    status.send(os.waitstatus_to_exitcode(wait_status).to_bytes(8, "little", signed=True))


def main() -> None:
    """Serve on the socket whose descriptor is the last argument."""
    from infrafabric.engine import binding, settings  # noqa: F401, PLC0415 - warm: children inherit the loaded engine

    Server(socket.socket(fileno=int(sys.argv[-1]))).serve()
