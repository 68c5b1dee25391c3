"""Inert WASI preview 1: what the default output of toolchains imports without asking for anything.

There is nothing behind it: no files, no environment, no sockets. Arguments and standard input are what the
``command`` convention passes, else empty; standard output and error go to the guest's log line by line, or
become the task's output. Clocks tell milliseconds, sleeping is bounded by the deadline, and file
descriptors other than 0-2 are unknown (``EBADF``). Functions that only make sense with power (``path_*``, ``sock_*``,
``fd_readdir``, ``proc_raise``) are not here, so that a module which wants them is refused at load.

Specification: WASI snapshot preview 1, ``wasi_snapshot_preview1.witx``. Rejected: wasmtime's own WASI, which
reads real clocks, cannot stop a sleeping guest, and whose streams are files.
"""

from __future__ import annotations

import os
import random
import struct
import time

from infrafabric.engine.guestlog import INFO, MAX_RECORD_BYTES
from infrafabric.engine.hostcall import HostFunction, host_function
from infrafabric.engine.running import Run, Verdict
from infrafabric.errors import Outcome

SUCCESS, EBADF, EFAULT, EINVAL, ESPIPE = 0, 8, 21, 28, 70

_MAX_VECTORS = 1024
_MAX_SUBSCRIPTIONS = 1024
_CHUNK_BYTES = 64 * 1024
_MS = 1_000_000
_WARN = 3
_STDIN, _STDOUT, _STDERR = 0, 1, 2
_CHARACTER_DEVICE = 2
_RIGHTS_READ_WRITE = 1 << 1 | 1 << 6
#: The date of a frozen clock: 2000-01-01T00:00:00Z.
_FROZEN_NS = 946_684_800_000_000_000


class WasiState:
    """What one task's WASI functions remember."""

    def __init__(self, args: tuple[bytes, ...] = (), stdin: bytes = b"", *, capture: bool = False) -> None:
        self.args = args
        self.stdin = memoryview(stdin)
        #: Standard output, when it is the task's result; else its lines are logged.
        self.output: bytearray | None = bytearray() if capture else None
        self.lines: dict[int, bytearray] = {}
        self.random: random.Random | None = None
        #: How far a frozen clock has moved: by what the guest slept.
        self.slept_ns = 0

    def flush(self, run: Run) -> None:
        """Log what is left of unfinished lines."""
        for fd, line in self.lines.items():
            if line:
                run.log.write(_level(fd), bytes(line))
        self.lines.clear()


def _level(fd: int) -> int:
    return INFO if fd == _STDOUT else _WARN


def _state(run: Run) -> WasiState:
    if run.wasi is None:
        run.wasi = WasiState()
    return run.wasi


def _write(run: Run, caller: int, pointer: int, layout: str, *values: int) -> int:
    return SUCCESS if run.write_guest(caller, pointer, struct.pack("<" + layout, *values)) else EFAULT


# --- arguments and environment ---------------------------------------------------------------------


def _write_strings(run: Run, caller: int, table: int, buffer: int, strings: tuple[bytes, ...]) -> int:
    for index, text in enumerate(strings):
        if _write(run, caller, table + 4 * index, "I", buffer & 0xFFFF_FFFF) or not run.write_guest(
            caller, buffer, text + b"\0"
        ):
            return EFAULT
        buffer += len(text) + 1
    return SUCCESS


@host_function("i32 i32", "i32")
def _args_get(run: Run, caller: int, table: int, buffer: int) -> int:
    return _write_strings(run, caller, table, buffer, _state(run).args)


@host_function("i32 i32", "i32")
def _args_sizes_get(run: Run, caller: int, count: int, size: int) -> int:
    args = _state(run).args
    return _write(run, caller, count, "I", len(args)) or _write(
        run, caller, size, "I", sum(len(text) + 1 for text in args)
    )


@host_function("i32 i32", "i32")
def _environ_get(_run: Run, _caller: int, _table: int, _buffer: int) -> int:
    return SUCCESS


@host_function("i32 i32", "i32")
def _environ_sizes_get(run: Run, caller: int, count: int, size: int) -> int:
    return _write(run, caller, count, "I", 0) or _write(run, caller, size, "I", 0)


# --- clocks, sleep, random -------------------------------------------------------------------------


def _now_ns(run: Run, clock: int) -> int | None:
    if clock not in (0, 1, 2, 3):
        return None
    if run.deterministic:
        return _state(run).slept_ns + (_FROZEN_NS if clock == 0 else 0)
    # Milliseconds: enough to measure and to seed, too coarse to time a cache.
    return (time.time_ns() if clock == 0 else time.monotonic_ns()) // _MS * _MS


@host_function("i32 i32", "i32")
def _clock_res_get(run: Run, caller: int, clock: int, pointer: int) -> int:
    return _write(run, caller, pointer, "Q", _MS) if clock in (0, 1, 2, 3) else EINVAL


@host_function("i32 i64 i32", "i32")
def _clock_time_get(run: Run, caller: int, clock: int, _precision: int, pointer: int) -> int:
    now_ns = _now_ns(run, clock)
    return EINVAL if now_ns is None else _write(run, caller, pointer, "Q", now_ns)


@host_function("i32 i32", "i32")
def _random_get(run: Run, caller: int, pointer: int, length: int) -> int:
    length &= 0xFFFF_FFFF
    if run.guest_address(caller, pointer, length) is None:
        return EFAULT
    state = _state(run)
    if run.deterministic and state.random is None:
        state.random = random.Random(0)  # noqa: S311 - a reproducible task asks for exactly this
    for offset in range(0, length, _CHUNK_BYTES):
        size = min(_CHUNK_BYTES, length - offset)
        run.write_guest(caller, pointer + offset, state.random.randbytes(size) if state.random else os.urandom(size))
        if not run.ticks(time.monotonic_ns()):
            break
    return SUCCESS


@host_function("", "i32")
def _sched_yield(_run: Run, _caller: int) -> int:
    return SUCCESS


_SUBSCRIPTION = struct.Struct("<QB7xI4xQQH6x")
_EVENT = struct.Struct("<QHB5xQH6x")
_CLOCK_EVENT, _FD_READ_EVENT, _FD_WRITE_EVENT = 0, 1, 2
_ABSOLUTE = 1


@host_function("i32 i32 i32 i32", "i32")
def _poll_oneoff(run: Run, caller: int, subscriptions: int, events: int, count: int, out: int) -> int:
    if not 0 < count <= _MAX_SUBSCRIPTIONS:
        return EINVAL
    raw = run.guest_bytes(caller, subscriptions, count * _SUBSCRIPTION.size, count * _SUBSCRIPTION.size)
    if raw is None:
        return EFAULT
    ready: list[bytes] = []
    sleeps: list[tuple[int, int]] = []
    for userdata, kind, subject, timeout, _precision, flags in _SUBSCRIPTION.iter_unpack(raw):
        if kind == _CLOCK_EVENT:
            now_ns = _now_ns(run, subject)
            if now_ns is None:
                ready.append(_EVENT.pack(userdata, EINVAL, kind, 0, 0))
            else:
                sleeps.append((max(0, timeout - now_ns) if flags & _ABSOLUTE else timeout, userdata))
        elif kind in (_FD_READ_EVENT, _FD_WRITE_EVENT):
            # Standard streams never wait; nothing else exists.
            errno = SUCCESS if subject in (_STDIN, _STDOUT, _STDERR) else EBADF
            ready.append(_EVENT.pack(userdata, errno, kind, 0, 0))
        else:
            return EINVAL
    if not ready:
        shortest_ns = min(sleeps)[0]
        if run.deterministic:
            _state(run).slept_ns += shortest_ns
        elif not run.sleep_until(time.monotonic_ns() + shortest_ns):
            return SUCCESS  # the verdict is set: the guest does not see this
        ready = [_EVENT.pack(userdata, SUCCESS, _CLOCK_EVENT, 0, 0) for ns, userdata in sleeps if ns == shortest_ns]
    if not run.write_guest(caller, events, b"".join(ready)):
        return EFAULT
    return _write(run, caller, out, "I", len(ready))


# --- streams ---------------------------------------------------------------------------------------


def _vectors(run: Run, caller: int, vectors: int, count: int) -> list[tuple[int, int]] | None:
    if not 0 <= count <= _MAX_VECTORS:
        return None
    raw = run.guest_bytes(caller, vectors, 8 * count, 8 * count)
    return None if raw is None else list(struct.iter_unpack("<II", raw))


def _print(run: Run, fd: int, data: bytes) -> None:
    state = _state(run)
    if fd == _STDOUT and state.output is not None:
        if len(state.output) + len(data) > run.payload_limit_bytes:
            limit_mib = run.payload_limit_bytes / (1 << 20)
            run.verdict = Verdict(
                Outcome.INVALID_RESULT, f"the guest wrote more than max_payload_mb = {limit_mib:g} MiB to its output"
            )
        else:
            state.output += data
        return
    line = state.lines.setdefault(fd, bytearray())
    line += data
    *whole, rest = bytes(line).split(b"\n")
    for text in whole:
        run.log.write(_level(fd), text[:MAX_RECORD_BYTES], len(text))
    if len(rest) >= MAX_RECORD_BYTES:
        run.log.write(_level(fd), rest)
        rest = b""
    state.lines[fd] = bytearray(rest)


@host_function("i32 i32 i32 i32", "i32")
def _fd_write(run: Run, caller: int, fd: int, vectors: int, count: int, out: int) -> int:
    if fd not in (_STDOUT, _STDERR):
        return EBADF
    pieces = _vectors(run, caller, vectors, count)
    if pieces is None:
        return EINVAL
    data = bytearray()
    for pointer, length in pieces:
        # A short write is a legal answer: what one call copies is bounded.
        piece = run.guest_bytes(caller, pointer, length, max(0, _CHUNK_BYTES - len(data)))
        if piece is None:
            return EFAULT
        data += piece
    _print(run, fd, bytes(data))
    return _write(run, caller, out, "I", len(data))


@host_function("i32 i32 i32 i32", "i32")
def _fd_read(run: Run, caller: int, fd: int, vectors: int, count: int, out: int) -> int:
    if fd != _STDIN:
        return EBADF
    pieces = _vectors(run, caller, vectors, count)
    if pieces is None:
        return EINVAL
    state, done = _state(run), 0
    for pointer, length in pieces:
        piece = bytes(state.stdin[: min(length, _CHUNK_BYTES)])
        if not run.write_guest(caller, pointer, piece):
            return EFAULT
        state.stdin = state.stdin[len(piece) :]
        done += len(piece)
        if len(piece) < length:
            break
    return _write(run, caller, out, "I", done)


@host_function("i32 i32", "i32")
def _fd_fdstat_get(run: Run, caller: int, fd: int, pointer: int) -> int:
    if fd not in (_STDIN, _STDOUT, _STDERR):
        return EBADF
    return _write(run, caller, pointer, "BxHxxxxQQ", _CHARACTER_DEVICE, 0, _RIGHTS_READ_WRITE, 0)


def _known_fd(params: str, errno_of_stream: int) -> HostFunction:
    """A function that answers ``errno_of_stream`` for the standard streams and ``EBADF`` for the rest."""

    @host_function(params, "i32")
    def answer(_run: Run, _caller: int, fd: int, *_rest: int) -> int:
        return errno_of_stream if fd in (_STDIN, _STDOUT, _STDERR) else EBADF

    return answer


@host_function("i32")
def _proc_exit(run: Run, _caller: int, code: int) -> None:
    # Whether an exit is an error is for the calling convention to say: a command may exit with 0.
    run.verdict = Verdict(Outcome.GUEST_ERROR, f"the guest exited with code {code}", "exit", guest_code=code)


#: Functions of ``wasi_snapshot_preview1`` that `wasi: inert` grants, by name.
INERT: dict[str, HostFunction] = {
    "args_get": _args_get,
    "args_sizes_get": _args_sizes_get,
    "clock_res_get": _clock_res_get,
    "clock_time_get": _clock_time_get,
    "environ_get": _environ_get,
    "environ_sizes_get": _environ_sizes_get,
    "fd_advise": _known_fd("i32 i64 i64 i32", ESPIPE),
    "fd_allocate": _known_fd("i32 i64 i64", EINVAL),
    "fd_close": _known_fd("i32", SUCCESS),
    "fd_datasync": _known_fd("i32", SUCCESS),
    "fd_fdstat_get": _fd_fdstat_get,
    "fd_fdstat_set_flags": _known_fd("i32 i32", SUCCESS),
    "fd_fdstat_set_rights": _known_fd("i32 i64 i64", SUCCESS),
    "fd_filestat_get": _known_fd("i32 i32", EBADF),
    "fd_filestat_set_size": _known_fd("i32 i64", EINVAL),
    "fd_filestat_set_times": _known_fd("i32 i64 i64 i32", EINVAL),
    "fd_pread": _known_fd("i32 i32 i32 i64 i32", ESPIPE),
    "fd_prestat_dir_name": _known_fd("i32 i32 i32", EBADF),
    "fd_prestat_get": _known_fd("i32 i32", EBADF),
    "fd_pwrite": _known_fd("i32 i32 i32 i64 i32", ESPIPE),
    "fd_read": _fd_read,
    "fd_renumber": _known_fd("i32 i32", EBADF),
    "fd_seek": _known_fd("i32 i64 i32 i32", ESPIPE),
    "fd_sync": _known_fd("i32", SUCCESS),
    "fd_tell": _known_fd("i32 i32", ESPIPE),
    "fd_write": _fd_write,
    "poll_oneoff": _poll_oneoff,
    "proc_exit": _proc_exit,
    "random_get": _random_get,
    "sched_yield": _sched_yield,
}
