"""The command line as a program of its own: through pipes, on a terminal of a given width, and interrupted."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

GUESTS = Path(__file__).resolve().parents[2] / "guests"
PROGRAM = (sys.executable, "-m", "infrafabric")

_TIMEOUT_SECONDS = 60

#: What may be sent to a terminal: styles, and what a spinner needs (hiding the cursor, erasing its own line).
HARMLESS = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[2K|\x1b\[1A")


def guest(name: str) -> Path:
    """The checked-in module of an example guest."""
    return GUESTS / name / f"{name}.wasm"


@attrs.frozen
class Ended:
    """How a command line ended."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        """What it printed, as text."""
        return self.stdout.decode()

    @property
    def err(self) -> str:
        """What it said on stderr, as text."""
        return self.stderr.decode()

    @property
    def json(self) -> Any:
        """What it printed, which is JSON on one line."""
        assert self.out.count("\n") == 1, self
        return json.loads(self.out)


def run_program(*arguments: object, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Ended:
    """Run a command line as a program, with pipes for all its streams."""
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=_TIMEOUT_SECONDS,
        env=os.environ | dict(env or {}),
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@attrs.frozen
class Shown:
    """What a terminal got of a command line: both of its streams in order."""

    status: int
    raw: str

    @property
    def lines(self) -> list[str]:
        """The lines without their styles."""
        return HARMLESS.sub("", self.raw).replace("\r\n", "\n").splitlines()

    @property
    def text(self) -> str:
        """As `lines`, in one text."""
        return "\n".join(self.lines)


def show(*arguments: object, columns: int = 80, env: Mapping[str, str] | None = None) -> Shown:
    """Run a command line on a terminal of its own, ``columns`` wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm-256color"} | dict(env or {}),
        start_new_session=True,
    )
    os.close(theirs)
    try:
        raw = _read_all(ours)
        return Shown(process.wait(_TIMEOUT_SECONDS), raw.decode())
    finally:
        os.close(ours)
        process.kill()
        process.wait()


def _read_all(terminal: int) -> bytes:
    pieces = []
    end = time.monotonic() + _TIMEOUT_SECONDS
    with contextlib.suppress(OSError):  # EIO: the program has ended
        while select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0]:
            piece = os.read(terminal, 65_536)
            if not piece:
                break
            pieces.append(piece)
    return b"".join(pieces)
