"""Inert WASI preview 1: every function a guest may call, with honest and hostile arguments."""

from __future__ import annotations

import struct
import threading
import time

import pytest

from infrafabric.engine import Verdict, stop
from infrafabric.engine.guestlog import MAX_RECORD_BYTES, PENDING_RECORDS
from infrafabric.engine.wasi import INERT
from infrafabric.errors import Outcome
from tests.engine.driving import PAGE, Ending, Guest

SUCCESS, EBADF, EFAULT, EINVAL, ESPIPE = 0, 8, 21, 28, 70
MS = 1_000_000
END = PAGE  # the first address that the guest does not have


def wrapper(name: str, params: tuple[str, ...], results: tuple[str, ...]) -> tuple[str, str]:
    """An import of a WASI function, and an export of the same name that calls it."""
    signature = f"(param {' '.join(params)}) (result {' '.join(results)})" if results else f"(param {' '.join(params)})"
    arguments = " ".join(f"(local.get {index})" for index in range(len(params)))
    return (
        f'(import "wasi_snapshot_preview1" "{name}" (func ${name} {signature}))',
        f'(func (export "{name}") {signature} (call ${name} {arguments}))',
    )


WRAPPERS = [wrapper(name, *function.signature) for name, function in INERT.items()]
ALL = "\n".join(
    ["(module", *(given for given, _ in WRAPPERS), '(memory (export "memory") 1)', *(own for _, own in WRAPPERS), ")"]
)


class Wasi(Guest):
    """A guest that calls what it is told, in one instance whose memory a test can see."""

    def call(self, name: str, *arguments: int, seconds: float = 10.0) -> int:
        """The error number that a function answers."""
        answer = self.run(name, list(arguments), abi="scalar", seconds=seconds).ok()
        assert isinstance(answer, int)
        return answer

    def peek(self, pointer: int, layout: str) -> tuple[int, ...]:
        """Numbers in the guest's memory."""
        return struct.unpack("<" + layout, self.read(pointer, struct.calcsize("<" + layout)))

    def read(self, pointer: int, length: int) -> bytes:
        """Bytes of the guest's memory."""
        instance = self.runtime._kept
        assert instance is not None
        assert instance.holds(pointer, length)
        return instance.read(pointer, length)

    def poke(self, pointer: int, data: bytes) -> None:
        """Write into the guest's memory."""
        if self.runtime._kept is None:
            self.start()
        assert self.runtime._kept is not None
        assert self.runtime._kept.holds(pointer, len(data))
        self.runtime._kept.write(pointer, data)

    def vectors(self, *pieces: tuple[int, int], at: int = 0) -> None:
        """Write vectors of pointer and length."""
        self.poke(at, b"".join(struct.pack("<II", *piece) for piece in pieces))


@pytest.fixture
def wasi() -> Wasi:
    """A guest with every function."""
    return Wasi(ALL, kept=True)


# --- errors ----------------------------------------------------------------------------------------

#: What each function on file descriptors answers for the standard streams, with good arguments behind the fd.
ON_STREAMS: dict[str, tuple[tuple[int, ...], tuple[int, int, int]]] = {
    "fd_advise": ((0, 0, 0), (ESPIPE, ESPIPE, ESPIPE)),
    "fd_allocate": ((0, 0), (EINVAL, EINVAL, EINVAL)),
    "fd_close": ((), (SUCCESS, SUCCESS, SUCCESS)),
    "fd_datasync": ((), (SUCCESS, SUCCESS, SUCCESS)),
    "fd_fdstat_get": ((64,), (SUCCESS, SUCCESS, SUCCESS)),
    "fd_fdstat_set_flags": ((0,), (SUCCESS, SUCCESS, SUCCESS)),
    "fd_fdstat_set_rights": ((0, 0), (SUCCESS, SUCCESS, SUCCESS)),
    "fd_filestat_get": ((64,), (EBADF, EBADF, EBADF)),
    "fd_filestat_set_size": ((0,), (EINVAL, EINVAL, EINVAL)),
    "fd_filestat_set_times": ((0, 0, 0), (EINVAL, EINVAL, EINVAL)),
    "fd_pread": ((0, 0, 0, 64), (ESPIPE, ESPIPE, ESPIPE)),
    "fd_prestat_dir_name": ((64, 1), (EBADF, EBADF, EBADF)),
    "fd_prestat_get": ((64,), (EBADF, EBADF, EBADF)),
    "fd_pwrite": ((0, 0, 0, 64), (ESPIPE, ESPIPE, ESPIPE)),
    "fd_read": ((0, 0, 64), (SUCCESS, EBADF, EBADF)),
    "fd_renumber": ((1,), (EBADF, EBADF, EBADF)),
    "fd_seek": ((0, 0, 64), (ESPIPE, ESPIPE, ESPIPE)),
    "fd_sync": ((), (SUCCESS, SUCCESS, SUCCESS)),
    "fd_tell": ((64,), (ESPIPE, ESPIPE, ESPIPE)),
    "fd_write": ((0, 0, 64), (EBADF, SUCCESS, SUCCESS)),
}


def test_the_table_of_file_descriptors_is_complete() -> None:
    """Every function on file descriptors is tested below."""
    assert set(ON_STREAMS) == {name for name in INERT if name.startswith("fd_")}


@pytest.mark.parametrize("fd", [0, 1, 2])
@pytest.mark.parametrize("name", ON_STREAMS)
def test_standard_streams(wasi: Wasi, name: str, fd: int) -> None:
    """The three streams answer as streams do."""
    arguments, errors = ON_STREAMS[name]
    assert wasi.call(name, fd, *arguments) == errors[fd]


@pytest.mark.parametrize("fd", [3, 4, 1000, -1, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("name", ON_STREAMS)
def test_nothing_else_is_open(wasi: Wasi, name: str, fd: int) -> None:
    """Any other file descriptor is bad, whatever is asked of it."""
    assert wasi.call(name, fd, *ON_STREAMS[name][0]) == EBADF


#: Calls with a pointer that leaves the memory.
BAD_POINTERS: list[tuple[str, tuple[int, ...]]] = [
    ("args_sizes_get", (END - 3, 0)),
    ("args_sizes_get", (0, END - 3)),
    ("args_sizes_get", (-1, 0)),
    ("environ_sizes_get", (END, 0)),
    ("environ_sizes_get", (0, -4)),
    ("clock_res_get", (0, END - 7)),
    ("clock_res_get", (0, -8)),
    ("clock_time_get", (0, 0, END - 7)),
    ("clock_time_get", (1, 0, -1)),
    ("random_get", (END - 3, 4)),
    ("random_get", (0, -1)),
    ("random_get", (-1, 1)),
    ("random_get", (-16, 32)),
    ("fd_fdstat_get", (1, END - 23)),
    ("fd_fdstat_get", (1, -1)),
    ("fd_write", (1, 0, 0, END - 3)),
    ("fd_write", (1, 0, 0, -1)),
    ("fd_read", (0, 0, 0, END - 3)),
    ("poll_oneoff", (END - 47, 0, 1, 8)),
    ("poll_oneoff", (0, END - 31, 1, 8)),
    ("poll_oneoff", (0, 64, 1, END - 3)),
    ("poll_oneoff", (-48, 64, 1, 8)),
]


@pytest.mark.parametrize(("name", "arguments"), BAD_POINTERS, ids=str)
def test_pointers_outside_memory_are_faults(wasi: Wasi, name: str, arguments: tuple[int, ...]) -> None:
    """A result that has no place, or an argument that is not there, is EFAULT; the memory is as it was."""
    wasi.start()
    assert wasi.call(name, *arguments) == EFAULT
    assert not any(wasi.read(0, PAGE))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("args_sizes_get", (END - 4, 0)),
        ("clock_res_get", (0, END - 8)),
        ("clock_time_get", (0, 0, END - 8)),
        ("random_get", (END - 4, 4)),
        ("random_get", (END, 0)),
        ("fd_fdstat_get", (1, END - 24)),
        ("fd_write", (1, 0, 0, END - 4)),
        ("fd_write", (1, END, 0, 8)),
    ],
    ids=str,
)
def test_the_last_bytes_of_memory_are_inside(wasi: Wasi, name: str, arguments: tuple[int, ...]) -> None:
    """Just inside every one of those bounds it works."""
    assert wasi.call(name, *arguments) == SUCCESS


@pytest.mark.parametrize("name", ["clock_res_get", "clock_time_get"])
@pytest.mark.parametrize("clock", [4, -1, 2**31 - 1])
def test_unknown_clocks(wasi: Wasi, name: str, clock: int) -> None:
    """There are four clocks."""
    arguments = (clock, 64) if name == "clock_res_get" else (clock, 0, 64)
    assert wasi.call(name, *arguments) == EINVAL


# --- arguments, environment, clocks, random --------------------------------------------------------


def test_there_are_no_arguments_and_no_environment(wasi: Wasi) -> None:
    """A function sees neither; the counts are written as zero."""
    for name in ("args", "environ"):
        wasi.poke(64, b"\xff" * 8)
        assert wasi.call(f"{name}_sizes_get", 64, 68) == SUCCESS
        assert wasi.peek(64, "II") == (0, 0)
        assert wasi.call(f"{name}_get", 64, 68) == SUCCESS
        assert wasi.peek(64, "II") == (0, 0)


@pytest.mark.parametrize("clock", [0, 1, 2, 3])
def test_clocks_tell_milliseconds(wasi: Wasi, clock: int) -> None:
    """Every clock has whole milliseconds, does not go back, and the first is the time of day."""
    assert wasi.call("clock_res_get", clock, 64) == SUCCESS
    assert wasi.peek(64, "Q") == (MS,)
    readings: list[int] = []
    before = time.time_ns()
    for _ in range(3):
        assert wasi.call("clock_time_get", clock, 0, 64) == SUCCESS
        readings += wasi.peek(64, "Q")
    assert readings == sorted(readings)
    assert all(reading % MS == 0 for reading in readings)
    if clock == 0:
        assert before - MS <= readings[0] <= time.time_ns()


def test_random_fills_exactly_the_range(wasi: Wasi) -> None:
    """Every byte of the range changes, none beside it, and never twice the same."""
    wasi.poke(0, b"\0" * 1000)
    assert wasi.call("random_get", 100, 400) == SUCCESS
    first = wasi.read(0, 1000)
    assert not any(first[:100])
    assert not any(first[500:])
    assert first[100:500].count(0) < 20
    assert wasi.call("random_get", 100, 400) == SUCCESS
    assert wasi.read(0, 1000) != first


def test_random_larger_than_a_chunk_is_whole() -> None:
    """More than one chunk is filled to its end."""
    wasi = Wasi(ALL.replace('"memory") 1)', '"memory") 4)'), kept=True)
    assert wasi.call("random_get", 5, 3 * PAGE + 7) == SUCCESS
    content = wasi.read(0, 4 * PAGE)
    assert not any(content[:5])
    assert not any(content[5 + 3 * PAGE + 7 :])
    assert all(any(content[at : at + 64]) for at in range(5, 3 * PAGE, 64))
    wasi.close()


@pytest.mark.timing
def test_random_without_end_ends_at_the_deadline() -> None:
    """A guest cannot hold the host with one huge request."""
    guest = Wasi(ALL.replace('"memory") 1)', '"memory") 16384)'), memory_bytes=16384 * PAGE, kept=True)
    ended = guest.run("random_get", [0, 16384 * PAGE], seconds=0.1)
    assert ended.outcome is Outcome.TIMEOUT
    assert ended.seconds < 1.5


def test_yielding_does_nothing(wasi: Wasi) -> None:
    """``sched_yield`` succeeds."""
    assert wasi.call("sched_yield") == SUCCESS


# --- streams ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fd", "level"), [(1, "info"), (2, "warn")])
def test_output_is_logged_line_by_line(wasi: Wasi, fd: int, level: str) -> None:
    """Whole lines become records; what is left is one when the task ends."""
    wasi.poke(100, b"one\ntwo\n\nrest")
    wasi.vectors((100, 13))
    ended = wasi.run("fd_write", [fd, 0, 1, 64])
    assert ended.ok() == SUCCESS
    assert wasi.peek(64, "I") == (13,)
    assert [(record.level, record.text) for record in ended.logs] == [
        (level, text) for text in ("one", "two", "", "rest")
    ]


def test_lines_over_the_budget_hold_nobody_up() -> None:
    """A thousand lines in one call rest for none of them: the guest cannot look at its deadline meanwhile."""
    wasi = Wasi(ALL, kept=True, log_bytes_per_second=0)
    wasi.poke(100, b"\n" * 900)
    wasi.vectors((100, 900))
    ended = wasi.run("fd_write", [1, 0, 1, 64])
    assert ended.ok() == SUCCESS
    assert (ended.dropped, wasi.log.dropped, ended.texts) == (900, 900, [])
    assert ended.seconds < 0.05


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([], ""),
        ([(100, 0)], ""),
        ([(100, 3), (100, 3), (101, 2)], "abcabcbc"),
        ([(100, 1), (END, 0), (102, 1)], "ac"),
        ([(END - 1, 1)], "\\x00"),
    ],
    ids=["none", "empty", "overlapping", "empty at the end", "the last byte"],
)
def test_vectors(wasi: Wasi, pieces: list[tuple[int, int]], text: str) -> None:
    """The pieces are written one after the other, wherever they lie."""
    wasi.poke(100, b"abc")
    wasi.vectors(*pieces)
    ended = wasi.run("fd_write", [1, 0, len(pieces), 64])
    assert ended.ok() == SUCCESS
    assert wasi.peek(64, "I") == (sum(length for _, length in pieces),)
    assert "".join(ended.texts) == text


@pytest.mark.parametrize(("count", "answer"), [(1024, SUCCESS), (1025, EINVAL), (-1, EINVAL), (2**31 - 1, EINVAL)])
@pytest.mark.parametrize("name", ["fd_write", "fd_read"])
def test_the_number_of_vectors_is_bounded(wasi: Wasi, name: str, count: int, answer: int) -> None:
    """Up to 1024 pieces."""
    wasi.vectors(*[(0, 0)] * 1024)
    assert wasi.call(name, 0 if name == "fd_read" else 1, 0, count, 64) == answer


@pytest.mark.parametrize(
    "pieces",
    [[(END - 1, 2)], [(0, 1), (END, 1)], [(0, 2**32 - 1)], [(2**32 - 1, 1)], [(100, 3), (2**32 - 8, 16)]],
    ids=["one over", "the second", "everything", "the last address", "wraps around"],
)
def test_a_piece_outside_memory_is_a_fault(wasi: Wasi, pieces: list[tuple[int, int]]) -> None:
    """Nothing is written then, neither to the log nor the count."""
    wasi.vectors(*pieces, at=200)
    ended = wasi.run("fd_write", [1, 200, len(pieces), 64])
    assert ended.ok() == EFAULT
    assert ended.texts == []
    assert wasi.peek(64, "I") == (0,)


@pytest.mark.parametrize("vectors", [END - 7, -8, -1])
def test_vectors_outside_memory_are_invalid(wasi: Wasi, vectors: int) -> None:
    """The list itself has to be in memory."""
    assert wasi.call("fd_write", 1, vectors, 1, 64) in (EINVAL, EFAULT)
    assert wasi.call("fd_read", 0, vectors, 1, 64) in (EINVAL, EFAULT)


def test_one_call_writes_a_bounded_amount() -> None:
    """A short write is a legal answer: 64 KiB a call, whatever the pieces add up to."""
    wasi = Wasi(ALL.replace('"memory") 1)', '"memory") 4)'), kept=True)
    wasi.poke(4096, b"x" * (3 * PAGE))
    wasi.vectors((4096, 1000), (4096, 3 * PAGE), (4096, 5))
    ended = wasi.run("fd_write", [1, 0, 3, 64])
    assert ended.ok() == SUCCESS
    assert wasi.peek(64, "I") == (PAGE,)
    wasi.close()


def test_a_line_without_end_is_cut(wasi: Wasi) -> None:
    """A line longer than a record does not pile up in the host: it becomes records as it grows."""
    wasi.poke(1000, b"x" * 60_000)
    wasi.vectors((1000, 3000))
    ended = wasi.run("fd_write", [1, 0, 1, 64])
    assert ended.texts == ["x" * 3000]
    wasi.vectors((1000, 60_000))
    ended = wasi.run("fd_write", [1, 0, 1, 64])
    assert ended.texts == ["x" * MAX_RECORD_BYTES + "... (60000 bytes)"]
    wasi.poke(61_000, b"\n")
    wasi.vectors((1000, 60_001))
    ended = wasi.run("fd_write", [1, 0, 1, 64])
    assert ended.texts == ["x" * MAX_RECORD_BYTES + "... (60000 bytes)"]


def test_lines_of_two_streams_do_not_mix() -> None:
    """Each stream has its own unfinished line."""
    guest = Guest(
        """(module (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1) (data (i32.const 100) "out\\nerr\\n")
          (func $put (param $fd i32) (param $at i32) (param $size i32)
            (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $size))
            (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
          (func (export "f")
            (call $put (i32.const 1) (i32.const 100) (i32.const 2))
            (call $put (i32.const 2) (i32.const 104) (i32.const 2))
            (call $put (i32.const 1) (i32.const 102) (i32.const 2))
            (call $put (i32.const 2) (i32.const 106) (i32.const 2))))"""
    )
    assert [(record.level, record.text) for record in guest.run("f").logs] == [("info", "out"), ("warn", "err")]


@pytest.mark.timing
def test_a_flood_of_newlines_is_counted_not_looked_at(wasi: Wasi) -> None:
    """One write of 64 Ki newlines costs the host a bounded time; all but what a queue can hold are dropped."""
    wasi.poke(0, b"\n" * PAGE)
    wasi.vectors((0, PAGE), at=0)
    ended = wasi.run("fd_write", [1, 0, 1, PAGE - 4])
    assert ended.ok() == SUCCESS
    assert ended.dropped >= PAGE - 16 - PENDING_RECORDS
    assert ended.seconds < 0.5


def test_standard_input_is_at_its_end(wasi: Wasi) -> None:
    """Without input, reading answers nothing."""
    wasi.vectors((100, 50))
    assert wasi.call("fd_read", 0, 0, 1, 64) == SUCCESS
    assert wasi.peek(64, "I") == (0,)


def test_the_streams_look_like_terminals(wasi: Wasi) -> None:
    """A character device that can be read and written: libraries then buffer by line."""
    assert wasi.call("fd_fdstat_get", 1, 64) == SUCCESS
    assert wasi.peek(64, "BxHxxxxQQ") == (2, 0, 1 << 1 | 1 << 6, 0)


# --- exits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 134, -1])
def test_an_exit_inside_a_function_is_the_guests_error(wasi: Wasi, code: int) -> None:
    """A function that exits has no answer: guest_error, with the code; nothing runs after it."""
    ended = wasi.run("proc_exit", [code], abi="scalar")
    assert ended.outcome is Outcome.GUEST_ERROR
    assert ended.verdict is not None
    assert ended.verdict.guest_code == code
    assert ended.message == f"the guest exited with code {code}"
    assert wasi.call("sched_yield") == SUCCESS


# --- sleeping --------------------------------------------------------------------------------------

CLOCK, READ, WRITE = 0, 1, 2
RELATIVE, ABSOLUTE = 0, 1


def clock(userdata: int, timeout_ns: int, flags: int = RELATIVE, clock_id: int = 1) -> bytes:
    """A subscription to a clock."""
    return struct.pack("<QB7xI4xQQH6x", userdata, CLOCK, clock_id, timeout_ns, 0, flags)


def stream(userdata: int, kind: int, fd: int) -> bytes:
    """A subscription to a file descriptor."""
    return struct.pack("<QB7xI28x", userdata, kind, fd)


def poll(wasi: Wasi, *subscriptions: bytes, seconds: float = 10.0) -> tuple[Ending, list[tuple[int, int, int]]]:
    """Poll, and the events as (userdata, error, kind)."""
    content = b"".join(subscriptions)
    events = len(content)
    wasi.poke(0, content + bytes(32 * len(subscriptions)) + b"\xff" * 4)
    ended = wasi.run("poll_oneoff", [0, events, len(subscriptions), events + 32 * len(subscriptions)], seconds=seconds)
    if ended.output != SUCCESS:
        return ended, []
    (count,) = wasi.peek(events + 32 * len(subscriptions), "I")
    found = [wasi.peek(events + 32 * index, "QHB5xQH6x") for index in range(count)]
    return ended, [(event[0], event[1], event[2]) for event in found]


@pytest.mark.timing
@pytest.mark.parametrize("clock_id", [0, 1])
@pytest.mark.parametrize("flags", [RELATIVE, ABSOLUTE])
def test_a_sleep_is_as_long_as_asked(wasi: Wasi, clock_id: int, flags: int) -> None:
    """Relative and absolute sleeps last their time, on either clock."""
    timeout_ns = 30 * MS
    wasi.start()
    if flags == ABSOLUTE:
        timeout_ns += time.time_ns() if clock_id == 0 else time.monotonic_ns()
    ended, events = poll(wasi, clock(7, timeout_ns, flags, clock_id))
    assert events == [(7, SUCCESS, CLOCK)]
    assert 0.028 <= ended.seconds < 1.0


@pytest.mark.parametrize(
    ("timeout_ns", "flags"), [(0, RELATIVE), (0, ABSOLUTE), (1, ABSOLUTE)], ids=["nothing", "the epoch", "long ago"]
)
def test_a_time_that_has_come_is_not_slept_for(wasi: Wasi, timeout_ns: int, flags: int) -> None:
    """What lies in the past is an event at once."""
    ended, events = poll(wasi, clock(7, timeout_ns, flags))
    assert events == [(7, SUCCESS, CLOCK)]
    assert ended.seconds < 1.0


@pytest.mark.timing
def test_the_first_of_many_clocks_wakes(wasi: Wasi) -> None:
    """1024 subscriptions: the shortest wakes, with all that have the same time, in their order."""
    subscriptions = [clock(index, 3600 * 1000 * MS + index) for index in range(500)]
    subscriptions[17] = clock(17, 5 * MS)
    subscriptions[300] = clock(300, 5 * MS)
    ended, events = poll(wasi, *subscriptions)
    assert events == [(17, SUCCESS, CLOCK), (300, SUCCESS, CLOCK)]
    assert ended.seconds < 1.0


@pytest.mark.parametrize(("count", "answer"), [(0, EINVAL), (1024, SUCCESS), (1025, EINVAL), (-1, EINVAL)])
def test_the_number_of_subscriptions_is_bounded(count: int, answer: int) -> None:
    """Between one and 1024."""
    wasi = Wasi(ALL.replace('"memory") 1)', '"memory") 4)'), kept=True)
    wasi.poke(0, clock(1, 0) * 1024)
    assert wasi.call("poll_oneoff", 0, PAGE, count, 3 * PAGE) == answer
    wasi.close()


@pytest.mark.timing
@pytest.mark.parametrize("timeout_ns", [3600 * 1000 * MS, 2**63, 2**64 - 1])
@pytest.mark.parametrize("flags", [RELATIVE, ABSOLUTE])
def test_a_long_sleep_ends_at_the_deadline(wasi: Wasi, timeout_ns: int, flags: int) -> None:
    """However long a guest wants to sleep, its deadline wakes and ends it."""
    start = time.monotonic_ns() if flags == ABSOLUTE and timeout_ns < 2**62 else 0
    ended, _ = poll(wasi, clock(1, timeout_ns + start, flags), seconds=0.1)
    assert ended.outcome is Outcome.TIMEOUT
    assert 0.09 <= ended.seconds < 0.6


@pytest.mark.timing
def test_a_sleeping_guest_can_be_cancelled(wasi: Wasi) -> None:
    """A stop from another thread wakes and ends it within a tick or so."""
    wasi.poke(0, clock(1, 60_000 * MS))
    run = wasi.new_run(60)
    timer = threading.Timer(0.05, stop, (run, Verdict(Outcome.CANCELLED, "enough")))
    timer.start()
    ended = wasi.run("poll_oneoff", [0, 64, 1, 128], run=run)
    timer.join()
    assert (ended.outcome, ended.message) == (Outcome.CANCELLED, "enough")
    assert ended.seconds < 0.6


def test_streams_never_wait(wasi: Wasi) -> None:
    """Events on file descriptors are there at once, so no clock is slept for; unknown ones are bad."""
    ended, events = poll(
        wasi,
        clock(1, 3600 * 1000 * MS),
        stream(2, READ, 0),
        stream(3, WRITE, 1),
        stream(4, WRITE, 3),
        stream(5, READ, 2**32 - 1),
        clock(6, 0, clock_id=9),
    )
    assert events == [
        (2, SUCCESS, READ),
        (3, SUCCESS, WRITE),
        (4, EBADF, WRITE),
        (5, EBADF, READ),
        (6, EINVAL, CLOCK),
    ]
    assert ended.seconds < 1.0


def test_the_end_of_standard_input_is_a_hangup(wasi: Wasi) -> None:
    """A read event on empty input says that nothing comes any more."""
    poll(wasi, stream(1, READ, 0))
    assert wasi.peek(48, "QHB5xQH6x") == (1, SUCCESS, READ, 0, 1)


def test_an_unknown_kind_of_event_is_invalid(wasi: Wasi) -> None:
    """There are three kinds."""
    ended, _ = poll(wasi, clock(1, 0), stream(2, 3, 1))
    assert ended.ok() == EINVAL


# --- deterministic ---------------------------------------------------------------------------------

FROZEN = 946_684_800_000 * MS


@pytest.fixture
def frozen() -> Wasi:
    """A guest whose clock is frozen."""
    return Wasi(ALL, kept=True, deterministic=True)


def now(wasi: Wasi, clock_id: int = 0) -> int:
    """What a clock says."""
    assert wasi.call("clock_time_get", clock_id, 0, 64) == SUCCESS
    return wasi.peek(64, "Q")[0]


def test_a_frozen_clock_stands(frozen: Wasi) -> None:
    """It is always the beginning of 2000, and other clocks begin at zero."""
    assert [now(frozen), now(frozen), now(frozen, 1)] == [FROZEN, FROZEN, 0]


SLEEPER = """(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "slept") (param $ns i64) (param $times i32) (param $clock i32) (result i64)
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (local.get $ns))
    (loop
      (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
      (local.set $times (i32.sub (local.get $times) (i32.const 1)))
      (br_if 0 (local.get $times)))
    (drop (call $clock (local.get $clock) (i64.const 0) (i32.const 200)))
    (i64.load (i32.const 200)))
  (func (export "work") (result i64) (local $left i32)
    (drop (call $random (i32.const 0) (i32.const 64)))
    (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 200)))
    (local.set $left (i32.load16_u (i32.const 0)))
    (loop
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if 0 (i32.gt_s (local.get $left) (i32.const 0))))
    (i64.xor (i64.load (i32.const 8)) (i64.load (i32.const 200)))))"""


@pytest.mark.parametrize(
    ("sleep_ns", "times", "clock_id", "reading"),
    [
        (3600 * 1000 * MS, 1, 1, 3600 * 1000 * MS),
        (3600 * 1000 * MS, 3, 0, FROZEN + 3 * 3600 * 1000 * MS),
        (2**63 - 1, 1, 1, 2**63 - 1),
        (-1, 1, 1, 2**64 - 1 - FROZEN - 2**64),
        (-1, 5, 0, -1),
    ],
    ids=["an hour", "three hours", "centuries", "longer than the clock", "again and again"],
)
def test_sleeping_moves_a_frozen_clock_at_once(sleep_ns: int, times: int, clock_id: int, reading: int) -> None:
    """A deterministic task sleeps by moving its own clock, which stops at its last value and never overflows."""
    ended = Guest(SLEEPER, deterministic=True).run("slept", [sleep_ns, times, clock_id])
    assert ended.ok() == reading
    assert ended.seconds < 2.0


def test_the_same_input_has_the_same_output_and_fuel_anywhere() -> None:
    """On any thread and in any order, a deterministic task answers the same and costs the same."""
    guest = Guest(SLEEPER, deterministic=True, fuel=10_000_000)
    results: set[tuple[int, int | None]] = set()

    def work() -> None:
        for _ in range(5):
            ended = guest.run("work")
            assert ended.run is not None
            results.add((ended.ok(), ended.run.fuel_used))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    work()
    for thread in threads:
        thread.join()
    ((_, fuel),) = results
    assert fuel is not None
    assert fuel > 100
    assert len({Guest(SLEEPER).run("work").ok() for _ in range(4)}) == 4
