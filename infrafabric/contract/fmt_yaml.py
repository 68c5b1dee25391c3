"""The lines of a YAML contract, moved and shifted into the one layout. See `fmt`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from infrafabric.contract.document import Source
from infrafabric.contract.key_order import CONTRACT, Shape

if TYPE_CHECKING:
    from infrafabric.contract.yaml_tree import Node

_INDENT: Final = 2
_GAP: Final = re.compile(r"[ \t]*:[ \t]*")
_EDITOR_LINE: Final = re.compile(r"#\s*yaml-language-server:")


def arrange_yaml(text: str, root: Node, *, reorder: bool) -> str:
    """The text in the one layout. ``root`` is its tree; without ``reorder`` keys stay where they are."""
    return _Arranger(text, root, reorder=reorder).arrange()


@attrs.frozen(eq=False)
class _Entry:
    """A key with its value: the lines of comments above it, and the first and last line of its own."""

    key: Node
    value: Node
    above: list[int]
    first: int
    last: int


class _Arranger:
    def __init__(self, text: str, root: Node, *, reorder: bool) -> None:
        self._text = text
        self._root = root
        self._reorder = reorder
        self._source = Source("", text)
        self._lines = text.split("\n")
        self._inside = self._lines_inside_scalars()
        self._out: list[str] = []
        self._blank_before_next = False

    def arrange(self) -> str:
        last = len(self._lines) - 1
        if self._root.kind == "mapping" and self._root.is_block and self._root.entries:
            self._mapping(self._root, CONTRACT, 0, 0, last)
        else:
            self._out = [self._shifted(number, 0) for number in range(last + 1)]
        return "\n".join(self._out).rstrip("\n") + "\n"

    def _line_of(self, offset: int) -> int:
        return self._source.place(offset)[0] - 1

    def _column(self, node: Node) -> int:
        return self._source.place(node.start)[1] - 1

    def _last_line(self, node: Node) -> int:
        return self._line_of(max(node.end - 1, node.start))

    def _lines_inside_scalars(self) -> set[int]:
        """Lines whose blanks at the end may belong to a value."""
        inside: set[int] = set()
        for node in self._root.walk():
            if node.kind == "scalar":
                first, last = self._line_of(node.start), self._last_line(node)
                inside.update(range(first + 1, last + 1) if node.is_block else range(first, last))
        return inside

    def _mapping(self, node: Node, shape: Shape, indent: int, first: int, last: int) -> None:
        """Lay out the lines of a block mapping, comments before and after it included."""
        entries, tail = self._entries(node, first, last)
        if any(not self._begins_its_line(entry.key) for entry in entries):  # "? key", or a key with an anchor
            shift = indent - self._column(node)
            self._out += [self._shifted(number, shift) for number in range(first, last + 1)]
            return
        if node is self._root:
            self._header(entries[0])
        ordered = shape.arrange(entries, lambda entry: entry.key.text) if self._reorder else entries
        for place, entry in enumerate(ordered):
            self._comments(entry.above, indent, at_start=place == 0)
            self._entry(entry, shape.below(entry.key.text), indent)
        self._comments(tail, indent, at_start=False)

    def _begins_its_line(self, key: Node) -> bool:
        line = self._lines[self._line_of(key.start)]
        return key.kind == "scalar" and not line[: self._column(key)].strip() and self._text[key.start] not in "&!"

    def _entries(self, node: Node, first: int, last: int) -> tuple[list[_Entry], list[int]]:
        """The entries with their lines, and the lines after the last one."""
        column = self._column(node)
        entries: list[_Entry] = []
        pairs = node.pairs()
        above = list(range(first, self._line_of(pairs[0][0].start)))
        for number, (key, value) in enumerate(pairs):
            until = self._line_of(pairs[number + 1][0].start) if number + 1 < len(pairs) else last + 1
            end = max(self._last_line(key), self._last_line(value) if value.end > value.start else 0)
            own = end
            for line in range(end + 1, until):
                text = self._lines[line]
                if text.strip() and _indent(text) <= column:
                    break
                own = line if text.strip() else own
            entries.append(_Entry(key, value, above, self._line_of(key.start), own))
            above = list(range(own + 1, until))
        return entries, above

    def _header(self, entry: _Entry) -> None:
        """Write what stands at the top of the file whatever its first key is, and take it from that entry."""
        cut = len(entry.above)
        while cut and self._is_comment(entry.above[cut - 1]):
            cut -= 1
        header = entry.above[:cut]
        del entry.above[:cut]
        self._comments(header, 0, at_start=True)
        if self._out and not self._lines[header[-1]].strip():
            self._out.append("")

    def _is_comment(self, number: int) -> bool:
        line = self._lines[number].strip()
        return line.startswith("#") and not _EDITOR_LINE.match(line)

    def _comments(self, numbers: list[int], indent: int, *, at_start: bool) -> None:
        """Write comments at an indentation, with at most one blank line before each, none at the start or end."""
        blank = False
        for number in numbers:
            line = self._lines[number].strip()
            if line:
                if blank and not at_start:
                    self._out.append("")
                self._out.append((" " * indent + line) if line.startswith("#") else self._lines[number].rstrip())
                at_start = False
            blank = not line
        self._blank_before_next = blank and not at_start

    def _entry(self, entry: _Entry, shape: Shape | None, indent: int) -> None:
        if self._blank_before_next:
            self._out.append("")
        key, value = entry.key, entry.value
        shift = indent - self._column(key)
        starts = self._line_of(value.start)
        if shape is not None and value.kind == "mapping" and value.is_block and value.entries and starts > entry.first:
            self._out.append(self._shifted(entry.first, shift))
            self._mapping(value, shape, indent + _INDENT, entry.first + 1, entry.last)
            return
        self._out.append(" " * indent + self._first_line(entry, shape))
        if starts > entry.first and value.end > value.start:
            shift = indent + _INDENT - self._column(value)
        for number in range(entry.first + 1, entry.last + 1):
            line = self._shifted(number, shift)
            if number not in self._inside and line.lstrip().startswith("#"):
                # a comment further out would be about the next key when the text is read again
                line = " " * max(_indent(line), indent + _INDENT) + line.lstrip()
            self._out.append(line)

    def _first_line(self, entry: _Entry, shape: Shape | None) -> str:
        """The line of a key from the key on: one blank before the value, a value on this line in order."""
        key, value = entry.key, entry.value
        line_end = self._text.find("\n", key.start)
        line_end = len(self._text) if line_end < 0 else line_end
        if value.end == value.start or value.start > line_end:
            rest = self._text[key.start : line_end]
            return rest if entry.first in self._inside else rest.rstrip()
        gap = self._text[key.end : value.start]
        start = self._text[key.start : key.end] + (": " if _GAP.fullmatch(gap) else gap)
        if value.end <= line_end:
            return (start + self._flow(value, shape) + self._text[value.end : line_end]).rstrip()
        rest = self._text[value.start : line_end]
        return start + (rest if entry.first in self._inside else rest.rstrip())

    def _flow(self, node: Node, shape: Shape | None) -> str:
        """A value that stands on one line, with the keys of records in order."""
        text = self._text[node.start : node.end]
        if shape is None or node.kind != "mapping" or not node.entries or not self._reorder or not text.startswith("{"):
            return text
        pairs = shape.arrange(node.pairs(), lambda pair: pair[0].text)
        if any(not self._is_plain_pair(key, value) for key, value in pairs):
            return text
        parts = [
            f"{self._text[key.start : key.end]}: {self._flow(value, shape.below(key.text))}" for key, value in pairs
        ]
        return "{" + ", ".join(parts) + "}"

    def _is_plain_pair(self, key: Node, value: Node) -> bool:
        gap = self._text[key.end : value.start]
        return key.kind == "scalar" and value.end > value.start and _GAP.fullmatch(gap) is not None

    def _shifted(self, number: int, shift: int) -> str:
        """A line, further in by ``shift`` columns, or out as far as it can go."""
        line = self._lines[number]
        if number not in self._inside:
            line = line.rstrip()
        if shift >= 0 or line.startswith("\t"):
            return " " * max(shift, 0) + line if line else line
        return line[min(-shift, _indent(line)) :]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
