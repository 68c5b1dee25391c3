"""The process that compiles: it stays warm and forks one limited child for each module.

Compilation is the one thing an engine does that no fuel, epoch or store limit applies to, and nine kilobytes
of hostile code can make it take six gigabytes. So it runs here, in a child with an address-space limit, a
CPU limit and an alarm clock, whose end, however violent, is a number. The server itself only receives
requests and reaps children: it never looks at a module.

A request is one datagram on the control socket: the compile order as JSON, and three file descriptors (the
module, where to put the code, a status socket). The server answers with the child's pid, and at its end with
its wait status.

Rejected: compiling in a thread (its memory is the host's), and a fresh interpreter for each module (60 ms).
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
import sys

#: The server ends when it had nothing to do for this long.
IDLE_SECONDS = 60.0
#: Exit status of a child whose module the engine did not accept; its message is in the output file.
REFUSED = 3


def compile_one(order: dict[str, object], source: int, target: int) -> int:
    """Compile the module in file ``source`` into file ``target``. Runs in the child, under its limits."""
    import ctypes  # noqa: PLC0415 - the server forks before it needs an engine
    import mmap  # noqa: PLC0415

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
    code = binding.serialize(module)
    _write_all(target, code)
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
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _child(order: dict[str, object], source: int, target: int) -> None:
    status = 1
    try:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 2)  # what the engine prints when memory runs out is not for the user's terminal
        _limit(order)
        status = compile_one(order, source, target)
    except MemoryError:
        status = 2
    finally:
        os._exit(status)


def serve(control: socket.socket) -> None:
    """Serve compile orders until the other end is closed or nothing came for `IDLE_SECONDS`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the user's word to the host, not to its compiler
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
    os.set_blocking(wake_write, False)
    os.set_blocking(wake_read, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    children: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([control, wake_read], [], [], None if children else IDLE_SECONDS)
        if not ready and not children:
            return
        if wake_read in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wake_read, 4096)
        _reap(children)
        if control in ready:
            order, fds, _, _ = socket.recv_fds(control, 65536, 3)
            if not order:
                return
            _start(json.loads(order), fds, children)


def _start(order: dict[str, object], fds: list[int], children: dict[int, socket.socket]) -> None:
    source, target, status_fd = fds
    pid = os.fork()
    if not pid:
        signal.set_wakeup_fd(-1)
        _child(order, source, target)
    os.close(source)
    os.close(target)
    status = socket.socket(fileno=status_fd)
    children[pid] = status
    with contextlib.suppress(OSError):
        status.send(pid.to_bytes(8, "little"))


def _reap(children: dict[int, socket.socket]) -> None:
    while children:
        try:
            pid, wait_status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        status = children.pop(pid, None)
        if status is not None:
            with status, contextlib.suppress(OSError):
                status.send(os.waitstatus_to_exitcode(wait_status).to_bytes(8, "little", signed=True))


def main() -> None:
    """Serve on the socket whose descriptor is the last argument."""
    from infrafabric.engine import binding, settings  # noqa: F401, PLC0415 - warm: children inherit the loaded engine

    serve(socket.socket(fileno=int(sys.argv[-1])))
