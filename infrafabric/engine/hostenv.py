"""The module ``env`` that guests may import: ``log``, and ``abort`` for AssemblyScript."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from infrafabric.engine import guest_memory
from infrafabric.engine.guestlog import INFO, LEVELS, MAX_RECORD_BYTES
from infrafabric.engine.hostcall import HostFunction, Signature, host_function
from infrafabric.engine.running import Verdict
from infrafabric.errors import Outcome, escape

if TYPE_CHECKING:
    from infrafabric.engine.running import Run

_WARN = 3


def _log(run: Run, caller: int, level: int, pointer: int, length: int) -> None:
    text = guest_memory.copy_of(run, caller, pointer, length, MAX_RECORD_BYTES)
    if text is None:
        # The guest's mistake is its author's to see; the guest goes on.
        pointer, length = pointer & 0xFFFF_FFFF, length & 0xFFFF_FFFF
        run.log.write(
            _WARN, b"env.log: %d bytes at %d are not inside the memory this module exports" % (length, pointer)
        )
        return
    run.log.write(level if 0 <= level < len(LEVELS) else INFO, text, length & 0xFFFF_FFFF)


@host_function("i32 i32")
def _log_text(run: Run, caller: int, pointer: int, length: int) -> None:
    _log(run, caller, INFO, pointer, length)


@host_function("i32 i32 i32")
def _log_levelled(run: Run, caller: int, level: int, pointer: int, length: int) -> None:
    _log(run, caller, level, pointer, length)


def _assemblyscript_text(run: Run, caller: int, pointer: int) -> str:
    """A string of AssemblyScript's runtime: UTF-16, its length in bytes in the four bytes before it."""
    head = guest_memory.copy_of(run, caller, pointer - 4, 4, 4) if pointer else None
    if head is None:
        return ""
    (size,) = struct.unpack("<I", head)
    text = guest_memory.copy_of(run, caller, pointer, size, MAX_RECORD_BYTES)
    return escape(text.decode("utf-16-le", "replace")) if text else ""


@host_function("i32 i32 i32 i32")
def _abort(run: Run, caller: int, message: int, file: int, line: int, column: int) -> None:
    said = _assemblyscript_text(run, caller, message) or "no message"
    where = _assemblyscript_text(run, caller, file) or "unknown file"
    position = f"{where}:{line & 0xFFFF_FFFF}:{column & 0xFFFF_FFFF}"
    run.verdict = Verdict(Outcome.TRAP, f"the guest aborted: {said} ({position})", "abort")


#: Host functions of ``env`` by name and signature.
ENV: dict[str, dict[Signature, HostFunction]] = {
    "log": {function.signature: function for function in (_log_text, _log_levelled)},
    "abort": {_abort.signature: _abort},
}
