"""A position in the bytes, and the primitives of the binary format read from there.

Integers are LEB128, vectors begin with a count, names are UTF-8 (WebAssembly specification 3.0, 5.2). A cursor over
the whole file with an end was chosen over slices per section: nothing is copied and every offset is the file's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from infrafabric.errors import InvalidModule

if TYPE_CHECKING:
    from infrafabric.wasm.bounds import Bounded, Budget

_CONTINUES = 0x80
_PAYLOAD = 0x7F


class Cursor:
    """Reads ``data`` from ``position`` up to ``end`` and never past it.

    ``place`` names the section for messages. Reading methods raise `InvalidModule` with the offset of the item that
    could not be read, and leave the cursor somewhere inside it.
    """

    __slots__ = ("budget", "data", "end", "place", "position")

    def __init__(self, data: bytes, position: int, end: int, place: str, budget: Budget) -> None:
        self.data = data
        self.position = position
        self.end = end
        self.place = place
        self.budget = budget

    def at(self, offset: int) -> str:
        """Where ``offset`` is, for people."""
        return f"byte {offset} (0x{offset:x}), {self.place}"

    def fail(self, what: str, offset: int | None = None) -> NoReturn:
        """Raise the `InvalidModule` that says ``what`` is wrong at ``offset`` (default: here)."""
        offset = self.position if offset is None else offset
        message = f"Invalid WebAssembly module at {self.at(offset)}: {what}. Build it again, or copy it again."
        raise InvalidModule(message, offset)

    def byte(self) -> int:
        """The next byte."""
        position = self.position
        if position >= self.end:
            self.fail("unexpected end, one more byte was due")
        self.position = position + 1
        return self.data[position]

    def u32(self) -> int:
        """An unsigned LEB128 of at most 32 bits."""
        position = self.position
        if position < self.end:
            byte = self.data[position]
            if byte < _CONTINUES:
                self.position = position + 1
                return byte
        return self._unsigned(32)

    def u64(self) -> int:
        """An unsigned LEB128 of at most 64 bits."""
        return self._unsigned(64)

    def _unsigned(self, bits: int) -> int:
        start = self.position
        result, last, used = self._leb(bits)
        if used * 7 > bits and last >> (bits - (used - 1) * 7):
            self.fail(f"the LEB128 number does not fit {bits} bits", start)
        return result

    def skip_signed(self, bits: int) -> None:
        """Step over a signed LEB128 of at most ``bits`` bits."""
        start = self.position
        _, last, used = self._leb(bits)
        if used * 7 > bits:
            sign_and_unused = last >> (bits - (used - 1) * 7 - 1)
            if sign_and_unused not in {0, _PAYLOAD >> (bits - (used - 1) * 7 - 1)}:
                self.fail(f"the LEB128 number does not fit {bits} bits", start)

    def _leb(self, bits: int) -> tuple[int, int, int]:
        """The bits of a LEB128 number as unsigned, its last byte, and how many bytes it took."""
        start = position = self.position
        data, end = self.data, self.end
        result = shift = 0
        while True:
            if position >= end:
                self.fail("unexpected end inside a LEB128 number", start)
            byte = data[position]
            position += 1
            result |= (byte & _PAYLOAD) << shift
            shift += 7
            if byte < _CONTINUES:
                self.position = position
                return result, byte, position - start
            if shift >= bits:
                self.fail(f"the LEB128 number is longer than {bits} bits need", start)

    def skip(self, size: int, what: str) -> int:
        """Step over ``size`` bytes of ``what``; returns where they begin."""
        start = self.position
        if size > self.end - start:
            self.fail(f"{what} takes {size:,} bytes and {self.end - start:,} are left", start)
        self.position = start + size
        return start

    def count(self, what: Bounded, smallest: int = 1) -> int:
        """The length of a vector, paid for; its items take at least ``smallest`` bytes each."""
        start = self.position
        count = self.u32()
        if count * smallest > self.end - self.position:
            left = self.end - self.position
            self.fail(f"{count:,} {what.replace('_', ' ')} cannot fit in the {left:,} bytes left", start)
        self.budget.spend(what, count, self.at(start))
        return count

    def name(self, what: str) -> str:
        """A UTF-8 name, paid for; ``what`` says whose it is."""
        start = self.position
        size = self.u32()
        text = self.skip(size, what)
        budget = self.budget
        if size > budget.bounds.name_bytes:
            budget.refuse("name_bytes", size, f"{what} at {self.at(start)}")
        budget.spend("total_name_bytes", size, self.at(start))
        try:
            name = self.data[text : self.position].decode()
        except UnicodeDecodeError as error:
            self.fail(f"{what} is not UTF-8 ({error.reason})", text + error.start)
        return name
