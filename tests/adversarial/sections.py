"""Modules as lists of sections, to be taken apart, changed and put together again."""

from __future__ import annotations

from infrafabric.attack import binary

HEADER = binary.HEADER
IMPORT, FUNCTION, CODE = 2, 3, 10

Sections = list[tuple[int, bytes]]


def read_leb(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned number of a well-formed module, and the position behind it."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return number, at


def split(module: bytes) -> Sections:
    """The sections of a well-formed module: number and content."""
    found, at = [], len(HEADER)
    while at < len(module):
        number = module[at]
        size, at = read_leb(module, at + 1)
        found.append((number, module[at : at + size]))
        at += size
    return found


def join(sections: Sections) -> bytes:
    """A module of these sections, whatever they are."""
    return HEADER + b"".join(binary.section(number, content) for number, content in sections)


def items(content: bytes) -> tuple[int, int]:
    """How many entries a section says it has, and where the first begins."""
    return read_leb(content, 0)


def without_imports(module: bytes) -> bytes:
    """The module with functions that do nothing in place of those it imports: indices stay what they are.

    Only for modules that import functions without results, and nothing else.
    """
    sections = dict(split(module))
    if IMPORT not in sections:
        return module
    types = _imported_types(sections.pop(IMPORT))
    count, start = items(sections.get(FUNCTION, b"\0"))
    sections[FUNCTION] = binary.leb(len(types) + count) + b"".join(types) + sections.get(FUNCTION, b"\0")[start:]
    count, start = items(sections.get(CODE, b"\0"))
    bodies = binary.body(b"") * len(types)
    sections[CODE] = binary.leb(len(types) + count) + bodies + sections.get(CODE, b"\0")[start:]
    order = [1, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]
    return join([(number, sections[number]) for number in order if number in sections])


def _imported_types(content: bytes) -> list[bytes]:
    count, at = items(content)
    types = []
    for _ in range(count):
        for _ in range(2):
            size, at = read_leb(content, at)
            at += size
        assert content[at] == 0, "only functions"
        index, at = read_leb(content, at + 1)
        types.append(binary.leb(index))
    return types
