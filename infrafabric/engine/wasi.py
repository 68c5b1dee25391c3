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

import struct
from itertools import accumulate
from typing import TYPE_CHECKING

from infrafabric.engine import guest_memory, wasi_time
from infrafabric.engine.guestlog import MAX_RECORD_BYTES, PENDING_RECORDS
from infrafabric.engine.hostcall import HostFunction, host_function
from infrafabric.engine.running import Verdict
from infrafabric.engine.wasi_state import (
    CHUNK_BYTES,
    EBADF,
    EFAULT,
    EINVAL,
    ESPIPE,
    STDERR,
    STDIN,
    STDOUT,
    STREAMS,
    SUCCESS,
    WasiState,
    level_of,
    state_of,
    write_values,
)
from infrafabric.errors import Outcome

if TYPE_CHECKING:
    from infrafabric.engine.running import Run

__all__ = ["INERT", "WasiState"]

_MAX_VECTORS = 1024
_CHARACTER_DEVICE = 2
_RIGHTS_READ_WRITE = 1 << 1 | 1 << 6
_U32 = 0xFFFF_FFFF

# --- arguments and environment ---------------------------------------------------------------------


@host_function("i32 i32", "i32")
def _args_get(run: Run, caller: int, table: int, buffer: int) -> int:
    args = state_of(run).args
    texts = b"".join(text + b"\0" for text in args)
    if not guest_memory.write(run, caller, buffer, texts):
        return EFAULT
    buffer &= _U32  # the texts lie inside the memory, so the sums below do not wrap
    places = accumulate((len(text) + 1 for text in args[:-1]), initial=buffer) if args else ()
    return write_values(run, caller, table, f"{len(args)}I", *places)


@host_function("i32 i32", "i32")
def _args_sizes_get(run: Run, caller: int, count: int, size: int) -> int:
    args = state_of(run).args
    return write_values(run, caller, count, "I", len(args)) or write_values(
        run, caller, size, "I", sum(map(len, args)) + len(args)
    )


@host_function("i32 i32", "i32")
def _environ_get(_run: Run, _caller: int, _table: int, _buffer: int) -> int:
    return SUCCESS


@host_function("i32 i32", "i32")
def _environ_sizes_get(run: Run, caller: int, count: int, size: int) -> int:
    return write_values(run, caller, count, "I", 0) or write_values(run, caller, size, "I", 0)


# --- streams ---------------------------------------------------------------------------------------


def _vectors(run: Run, caller: int, vectors: int, count: int) -> list[tuple[int, int]] | None:
    if not 0 <= count <= _MAX_VECTORS:
        return None
    raw = guest_memory.copy_of(run, caller, vectors, 8 * count, 8 * count)
    return None if raw is None else list(struct.iter_unpack("<II", raw))


def _print(run: Run, fd: int, data: bytes) -> None:
    state = state_of(run)
    if fd == STDOUT and state.output is not None:
        if len(state.output) + len(data) > run.terms.payload_bytes:
            limit_mib = run.terms.payload_bytes / (1 << 20)
            run.verdict = Verdict(
                Outcome.INVALID_RESULT, f"the guest wrote more than max_payload_mb = {limit_mib:g} MiB to its output"
            )
        else:
            state.output += data
        return
    line = state.lines.setdefault(fd, bytearray())
    line += data
    *whole, rest = bytes(line).split(b"\n")
    looked_at = 0
    # The queue of a swarm holds no more: the rest is only counted, or newlines alone could hold the host up.
    for text in whole[:PENDING_RECORDS]:
        looked_at += 1
        if not run.log.write(level_of(fd), text[:MAX_RECORD_BYTES], len(text)):
            break
    if len(whole) > looked_at:
        run.log.drop(len(whole) - looked_at)
    if len(rest) >= MAX_RECORD_BYTES:
        run.log.write(level_of(fd), rest[:MAX_RECORD_BYTES], len(rest))
        rest = b""
    state.lines[fd] = bytearray(rest)


@host_function("i32 i32 i32 i32", "i32")
def _fd_write(run: Run, caller: int, fd: int, vectors: int, count: int, out: int) -> int:
    if fd not in (STDOUT, STDERR):
        return EBADF
    pieces = _vectors(run, caller, vectors, count)
    if pieces is None:
        return EINVAL
    data = bytearray()
    for pointer, length in pieces:
        # A short write is a legal answer: what one call copies is bounded.
        piece = guest_memory.copy_of(run, caller, pointer, length, max(0, CHUNK_BYTES - len(data)))
        if piece is None:
            return EFAULT
        data += piece
    _print(run, fd, bytes(data))
    return write_values(run, caller, out, "I", len(data))


@host_function("i32 i32 i32 i32", "i32")
def _fd_read(run: Run, caller: int, fd: int, vectors: int, count: int, out: int) -> int:
    if fd != STDIN:
        return EBADF
    pieces = _vectors(run, caller, vectors, count)
    if pieces is None:
        return EINVAL
    state, done = state_of(run), 0
    for pointer, length in pieces:
        piece = bytes(state.stdin[: min(length, CHUNK_BYTES)])
        if not guest_memory.write(run, caller, pointer, piece):
            return EFAULT
        state.stdin = state.stdin[len(piece) :]
        done += len(piece)
        if len(piece) < length:
            break
    return write_values(run, caller, out, "I", done)


@host_function("i32 i32", "i32")
def _fd_fdstat_get(run: Run, caller: int, fd: int, pointer: int) -> int:
    if fd not in STREAMS:
        return EBADF
    return write_values(run, caller, pointer, "BxHxxxxQQ", _CHARACTER_DEVICE, 0, _RIGHTS_READ_WRITE, 0)


def _known_fd(params: str, errno_of_stream: int) -> HostFunction:
    """A function that answers ``errno_of_stream`` for the standard streams and ``EBADF`` for the rest."""

    @host_function(params, "i32")
    def answer(_run: Run, _caller: int, fd: int, *_rest: int) -> int:
        return errno_of_stream if fd in STREAMS else EBADF

    return answer


@host_function("i32")
def _proc_exit(run: Run, _caller: int, code: int) -> None:
    # Whether an exit is an error is for the calling convention to say: a command may exit with 0.
    run.verdict = Verdict(Outcome.GUEST_ERROR, f"the guest exited with code {code}", "exit", guest_code=code)


#: Functions of ``wasi_snapshot_preview1`` that `wasi: inert` grants, by name.
INERT: dict[str, HostFunction] = {
    "args_get": _args_get,
    "args_sizes_get": _args_sizes_get,
    "clock_res_get": wasi_time.clock_res_get,
    "clock_time_get": wasi_time.clock_time_get,
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
    "poll_oneoff": wasi_time.poll_oneoff,
    "proc_exit": _proc_exit,
    "random_get": wasi_time.random_get,
    "sched_yield": wasi_time.sched_yield,
}
