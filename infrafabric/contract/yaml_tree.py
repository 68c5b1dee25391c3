"""The layout of a YAML text: which node stands from where to where, and where its comments are.

For whoever changes a text without rewriting it. The library's round-trip objects were rejected: they hang a comment
on the key before it, so that keys which change places take the wrong comments along.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[^\n]*", re.MULTILINE)


@attrs.define(eq=False)
class Node:
    """A scalar, alias, list or mapping: the offsets of its beginning and end, and what is in it.

    ``end`` of a block collection is the end of its last part. ``entries`` are the keys and values of a mapping in
    turn, or the items of a list. ``is_block``: it is spread over lines by indentation.
    """

    kind: str
    start: int
    end: int
    is_block: bool
    text: str = ""
    entries: list[Node] = attrs.field(factory=list)

    def pairs(self) -> list[tuple[Node, Node]]:
        """Keys and values of a mapping."""
        return list(zip(self.entries[::2], self.entries[1::2], strict=True))

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in the order of the text."""
        yield self
        for entry in self.entries:
            yield from entry.walk()


def read_tree(text: str) -> Node | None:
    """The root of a text that is known to be YAML of bounded depth; None where it holds nothing."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only YAML needs it

    root: Node | None = None
    waiting: list[Node] = []
    for event in YAML(typ="safe", pure=True).parse(text):
        kind = type(event).__name__
        start, end = event.start_mark.index, event.end_mark.index
        if kind in {"MappingEndEvent", "SequenceEndEvent"}:
            closed = waiting.pop()
            closed.end = closed.entries[-1].end if closed.is_block and closed.entries else max(end, closed.start)
            continue
        node = _node(kind, event, start, end, text)
        if node is None:
            continue
        if waiting:
            if (
                node.kind == "scalar" and node.start == node.end and waiting[-1].entries
            ):  # nothing is written: it is where its key ends
                node.start = node.end = waiting[-1].entries[-1].end
            waiting[-1].entries.append(node)
        root = root or node
        if node.kind in {"mapping", "list"}:
            waiting.append(node)
    return root


def _node(kind: str, event: Any, start: int, end: int, text: str) -> Node | None:
    if kind == "ScalarEvent":
        is_block = event.style in {"|", ">"}
        if is_block and "+" not in text[start:end].partition("\n")[0]:
            end = start + len(text[start:end].rstrip("\n"))  # a line of blanks alone may belong to the text
        return Node("scalar", start, end, is_block, event.value)
    if kind == "AliasEvent":
        return Node("alias", start, end, is_block=False)
    if kind in {"MappingStartEvent", "SequenceStartEvent"}:
        return Node("mapping" if kind == "MappingStartEvent" else "list", start, end, not event.flow_style)
    return None


def comments_of(text: str, root: Node | None) -> list[str]:
    """The comments of a text, in order, without blanks at their ends."""
    scalars = [(node.start, node.end) for node in root.walk() if node.kind == "scalar"] if root else []
    found = []
    at = 0
    for start, end in [*scalars, (len(text), len(text))]:
        found += [comment.group().rstrip() for comment in _COMMENT.finditer(text, at, start)]
        at = max(at, end)
    return found
