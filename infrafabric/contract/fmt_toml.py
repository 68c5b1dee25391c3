"""The lines of a TOML contract, moved into the one layout. See `fmt`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from infrafabric.contract.document import Path, Source
from infrafabric.contract.key_order import CONTRACT, Shape

if TYPE_CHECKING:
    from infrafabric.contract.toml_text import Statement

_EQUALS: Final = re.compile(r"[ \t]*=[ \t]*$")
_UNKNOWN: Final = 1_000_000


@attrs.frozen(eq=False)
class _Block:
    """A statement with the comments above it."""

    statement: Statement
    above: list[str]
    lines: list[str]


def arrange_toml(text: str, statements: list[Statement], *, reorder: bool) -> str:
    """The text in the one layout; without ``reorder`` everything stays where it is."""
    source = Source("", text)
    lines = text.split("\n")
    blocks: list[_Block] = []
    at = 0
    for statement in statements:
        first, last = (source.place(offset)[0] - 1 for offset in (statement.start, max(statement.end - 1, 0)))
        body = _first_line(text, statement, lines[first], source.place(statement.start)[1] - 1)
        blocks.append(_Block(statement, lines[at:first], [body, *lines[first + 1 : last + 1]]))
        at = last + 1
    header = _header(blocks)
    if reorder:
        blocks = _ordered(blocks)
    out = [*_clean(header), ""] if any(map(str.strip, header)) else []
    for block in blocks:
        wants_blank = block.statement.is_header or (bool(block.above) and not block.above[0].strip())
        if out and out[-1] and wants_blank:
            out.append("")
        out += _clean(block.above) + block.lines
    tail = _clean(lines[at:])
    if tail and not lines[at].strip():
        out.append("")
    return "\n".join(out + tail).strip("\n") + "\n"


def _first_line(text: str, statement: Statement, line: str, column: int) -> str:
    rest = line[column:].rstrip() if statement.end <= statement.start + len(line) - column else line[column:]
    if statement.is_header:
        return rest
    key = text[statement.start : statement.value]
    return _EQUALS.sub(" = ", key) + rest[len(key) :] if _EQUALS.search(key) else rest


def _header(blocks: list[_Block]) -> list[str]:
    """What stands at the top of the file, with a blank line after it; it is taken from the first statement."""
    if not blocks:
        return []
    above = blocks[0].above
    cut = max((number + 1 for number, line in enumerate(above) if not line.strip()), default=0)
    header = above[:cut]
    del above[:cut]
    return header


def _clean(comments: list[str]) -> list[str]:
    """Comments without indentation, with at most one blank line between two, none before and after all."""
    lines: list[str] = []
    for comment in comments:
        line = comment.strip()
        if line or (lines and lines[-1]):
            lines.append(line)
    return lines[:-1] if lines and not lines[-1] else lines


def _ordered(blocks: list[_Block]) -> list[_Block]:
    """The statements before the first table in order, then the tables in order, each with its own in order."""
    sections: list[list[_Block]] = [[]]
    for block in blocks:
        if block.statement.is_header:
            sections.append([])
        sections[-1].append(block)
    seen: dict[Path, int] = {}

    def key(block: _Block) -> tuple[Any, ...]:
        return _place(block.statement.path, seen)

    for section in sections:
        for block in section:
            key(block)  # names and unknown keys keep the order in which they are met
    top = sorted(sections[0], key=key)
    tables = sorted(sections[1:], key=lambda section: key(section[0]))
    return [*top, *(block for first, *rest in tables for block in (first, *sorted(rest, key=key)))]


def _place(path: Path, seen: dict[Path, int]) -> tuple[int, ...]:
    shape: Shape | None = CONTRACT
    place = []
    for depth, step in enumerate(path):
        rank = shape.rank(step) if shape is not None and isinstance(step, str) else None
        if rank is None:
            rank = _UNKNOWN + seen.setdefault(path[: depth + 1], len(seen))
        place.append(rank)
        shape = shape.below(step) if shape is not None and isinstance(step, str) else None
    return tuple(place)
