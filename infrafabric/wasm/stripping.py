"""A module without its custom sections: what the engine gets.

Custom sections change nothing that a module does, and cost a host that unfolds them: names that every frame of a
backtrace repeats, mangled names of 300 bytes that stand for gigabytes, debug information that is read at each trap. The
reader here keeps what it needs of them, bounded.
"""

from __future__ import annotations

_HEADER_BYTES = 8
_CUSTOM = 0


def without_custom_sections(data: bytes) -> bytes:
    """The module in ``data``, which `inspect_module` has read, without custom sections."""
    kept, at = [data[:_HEADER_BYTES]], _HEADER_BYTES
    while at < len(data):
        size, body = _size(data, at + 1)
        if data[at] != _CUSTOM:
            kept.append(data[at : body + size])
        at = body + size
    return b"".join(kept)


def _size(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned LEB128 number there, and the position behind it."""
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return number, at
