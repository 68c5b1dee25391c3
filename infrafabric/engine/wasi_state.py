"""What the WASI functions of one task share: its state, error numbers, and writing into the guest."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from infrafabric.engine import guest_memory
from infrafabric.engine.guestlog import INFO

if TYPE_CHECKING:
    import random

    from infrafabric.engine.running import Run

#: Error numbers of the specification.
SUCCESS, EBADF, EFAULT, EINVAL, ESPIPE = 0, 8, 21, 28, 70
#: The file descriptors that exist.
STDIN, STDOUT, STDERR = STREAMS = (0, 1, 2)
#: What one call copies at most between two looks at the deadline.
CHUNK_BYTES = 64 * 1024

_WARN = 3


class WasiState:
    """What one task's WASI functions remember."""

    __slots__ = ("args", "lines", "output", "random", "slept_ns", "stdin")

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
                run.log.write(level_of(fd), bytes(line))
        self.lines.clear()


def level_of(fd: int) -> int:
    """The log level of a stream's lines."""
    return INFO if fd == STDOUT else _WARN


def state_of(run: Run) -> WasiState:
    """The state of a task, made when it is first asked for."""
    if run.wasi is None:
        run.wasi = WasiState()
    return run.wasi


def write_values(run: Run, caller: int, pointer: int, layout: str, *values: int) -> int:
    """Write numbers, little-endian in a `struct` layout, to the guest: `SUCCESS`, or `EFAULT` outside its memory."""
    return SUCCESS if guest_memory.write(run, caller, pointer, struct.pack("<" + layout, *values)) else EFAULT
