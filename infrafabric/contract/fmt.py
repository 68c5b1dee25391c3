"""One layout for the files of contracts: keys in one order, two spaces, comments where they were.

Lines are moved and shifted, never written anew: what the author quoted, folded or aligned stays as it is, and a
comment goes with the key below it or the value beside it. Dumping the data again was rejected: it loses all of that.
Before a text is given back it is read once more; one that would mean anything else, or lack a comment, is not used.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infrafabric.contract.document import Format, Source
from infrafabric.contract.files import read_document, require_document
from infrafabric.contract.fmt_toml import arrange_toml
from infrafabric.contract.fmt_yaml import arrange_yaml
from infrafabric.contract.key_order import CONTRACT, Shape
from infrafabric.contract.toml_text import Scan, comments_in
from infrafabric.contract.writing import dump_json
from infrafabric.contract.yaml_tree import comments_of, read_tree

if TYPE_CHECKING:
    from collections.abc import Iterator


def format_text(text: str, format: Format = "yaml", name: str = "<text>") -> str:  # noqa: A002 - the word
    """The text in the one layout. It need not be a valid contract, but its grammar has to be right.

    Raises `ContractSyntaxError` or `ContractValidationError` (doubled keys, tags) for what cannot be read as data.
    """
    text = re.sub(r"\r\n?", "\n", text.removeprefix("\ufeff"))
    source = Source(name, text)
    meant = _meaning(source, format)
    for candidate in _layouts(text, format):
        if candidate == text or _meaning(Source(name, candidate), format) == meant:
            return candidate
    return text


def is_formatted(text: str, format: Format = "yaml") -> bool:  # noqa: A002 - the word
    """Whether `format_text` would change nothing."""
    return format_text(text, format) == text


def _layouts(text: str, format: Format) -> Iterator[str]:  # noqa: A002 - the word
    if format == "json":
        yield dump_json(_arranged(read_document(Source("", text), format).data, CONTRACT))
    elif format == "toml":
        for reorder in (True, False):
            yield arrange_toml(text, Scan(text).statements, reorder=reorder)
    else:
        root = read_tree(text)
        if root is None:
            yield "\n".join(line.rstrip() for line in text.split("\n")).strip("\n") + "\n"
            return
        aliases = any(node.kind == "alias" for node in root.walk())
        for reorder in (False,) if aliases else (True, False):  # an anchor stands before its aliases
            yield arrange_yaml(text, root, reorder=reorder)


def _arranged(data: Any, shape: Shape | None) -> Any:
    if shape is None or not isinstance(data, dict):
        return data
    items = shape.arrange(data.items(), lambda item: item[0])
    return {key: _arranged(value, shape.below(key)) for key, value in items}


def _meaning(source: Source, format: Format) -> tuple[Any, list[str]]:  # noqa: A002 - the word
    """The data of a text, exactly, and its comments."""
    document = require_document(source, format)
    comments: list[str] = []
    if format == "yaml":
        comments = comments_of(source.text, read_tree(source.text))
    elif format == "toml":
        comments = comments_in(source.text)
    return _exact(document.data), sorted(comments)


def _exact(value: Any) -> Any:
    """Data that can be compared: 1, 1.0 and true differ, the order of keys does not count."""
    if isinstance(value, dict):
        return "mapping", sorted(((repr(key), _exact(item)) for key, item in value.items()), key=lambda pair: pair[0])
    if isinstance(value, list):
        return "list", [_exact(item) for item in value]
    return type(value).__name__, repr(value)
