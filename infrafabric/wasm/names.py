"""Two custom sections: "name" (what functions, parameters and the module are called) and "producers" (what made it).

Both are decoration: the engine ignores their mistakes, and so does this module. What can be read before a mistake
counts, nothing here raises, and everything is bounded. The name section is kept as bytes and indexed at the first
question, because most loads never ask. Format: specification 3.0, appendix 7.4; tool-conventions, ProducersSection.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from infrafabric.errors import InvalidModule
from infrafabric.wasm.bounds import Budget, ReadBounds
from infrafabric.wasm.cursor import Cursor
from infrafabric.wasm.records import Producer

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODULE, _FUNCTIONS, _LOCALS = 0, 1, 2

#: Producers read, and bytes of each of their texts.
_MAX_PRODUCERS, _MAX_PRODUCER_TEXT = 64, 256


def _text(cursor: Cursor, limit: int) -> str:
    """The name here, its first ``limit`` bytes, whatever they are."""
    size = cursor.u32()
    start = cursor.skip(size, "a name")
    return cursor.data[start : start + min(size, limit)].decode("utf-8", "replace")


class NameSection:
    """The names in a "name" section of ``data``, looked up by index. Empty ``data`` knows no names."""

    __slots__ = ("_bounds", "_data", "_functions", "_locals", "_module")

    def __init__(self, data: bytes, bounds: ReadBounds) -> None:
        self._data = data
        self._bounds = bounds
        self._module: str | None = None
        self._functions: dict[int, int] | None = None
        self._locals: dict[int, int] = {}

    def module(self) -> str | None:
        """What the module calls itself."""
        self._index()
        return self._module

    def function(self, index: int) -> str | None:
        """What function ``index`` is called."""
        at = self._index().get(index)
        if at is None:
            return None
        return _text(self._cursor(at), self._bounds.name_bytes)

    def locals(self, function: int, count: int) -> dict[int, str]:
        """The names of the first ``count`` locals (parameters come first) of a function, by index."""
        self._index()
        found: dict[int, str] = {}
        at = self._locals.get(function)
        if at is not None:
            with suppress(InvalidModule):
                cursor = self._cursor(at)
                for _ in range(cursor.u32()):
                    local = cursor.u32()
                    if local >= count:
                        break  # names are sorted by index
                    found[local] = _text(cursor, self._bounds.name_bytes)
        return found

    def _cursor(self, position: int) -> Cursor:
        return Cursor(self._data, position, len(self._data), "name section", Budget(self._bounds))

    def _index(self) -> dict[int, int]:
        """Where the name of each function is. Two threads that race here find the same and store it twice."""
        if self._functions is None:
            functions: dict[int, int] = {}
            with suppress(InvalidModule):
                for part, cursor in self._parts():
                    if part == _MODULE:
                        self._module = _text(cursor, self._bounds.name_bytes)
                    elif part == _FUNCTIONS:
                        self._index_functions(cursor, functions)
                    elif part == _LOCALS:
                        self._index_locals(cursor)
            self._functions = functions
        return self._functions

    def _parts(self) -> Iterator[tuple[int, Cursor]]:
        """Each subsection's number and a cursor over it."""
        whole = self._cursor(0)
        while whole.position < whole.end:
            part = whole.byte()
            size = whole.u32()
            start = whole.skip(size, "a subsection")
            yield part, Cursor(self._data, start, whole.position, "name section", whole.budget)

    def _index_functions(self, cursor: Cursor, functions: dict[int, int]) -> None:
        for _ in range(min(cursor.u32(), self._bounds.debug_names)):
            index = cursor.u32()
            at = cursor.position
            cursor.skip(cursor.u32(), "a name")
            functions[index] = at

    def _index_locals(self, cursor: Cursor) -> None:
        left = self._bounds.debug_names
        for _ in range(min(cursor.u32(), left)):
            function = cursor.u32()
            at = cursor.position
            count = cursor.u32()
            left -= count
            if left < 0:
                return
            for _ in range(count):
                cursor.u32()
                cursor.skip(cursor.u32(), "a name")
            self._locals[function] = at


def read_producers(data: bytes, start: int, end: int) -> tuple[Producer, ...]:
    """The entries of the "producers" section whose content is ``data[start:end]``, up to the first mistake."""
    found: list[Producer] = []
    cursor = Cursor(data, start, end, "producers section", Budget(ReadBounds()))
    with suppress(InvalidModule):
        for _ in range(min(cursor.u32(), _MAX_PRODUCERS)):
            field = _text(cursor, _MAX_PRODUCER_TEXT)
            for _ in range(cursor.u32()):
                name, version = _text(cursor, _MAX_PRODUCER_TEXT), _text(cursor, _MAX_PRODUCER_TEXT)
                found.append(Producer(field, name, version))
                if len(found) >= _MAX_PRODUCERS:
                    return tuple(found)
    return tuple(found)
