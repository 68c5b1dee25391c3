"""A board as a file: JSON that one chassis wrote and anybody may hand on, so nothing in it is believed unread.

Writing is whole or not at all; reading bounds the size before the text and the depth before the parser.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any, Final, TypeVar

from infrafabric.board.plain import MAX_DEPTH, from_dict, to_dict
from infrafabric.board.records import FORMAT, Board, Overview, SwarmPage
from infrafabric.errors import BoardError, escape

T = TypeVar("T")

#: A board of three thousand swarms is smaller, or an overview of a hundred thousand objectives.
MAX_BYTES: Final = 64 * 1024 * 1024
#: Lists and mappings, and values: empty ones take thirty times the memory of their text. Boards have one list or
#: mapping for each 70 bytes, and one value for each 8, at least.
MAX_CONTAINERS: Final = 1_200_000
MAX_VALUES: Final = 8_500_000
#: Texts, in which brackets mean nothing, and brackets.
_TOKENS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]+|[\]}]+', re.DOTALL)
#: The envelope, a page, an objective: data of the contract begin so deep, and `MAX_DEPTH` is theirs.
_MAX_NESTING: Final = MAX_DEPTH + 8


def save(board: Board, path: str | os.PathLike[str]) -> None:
    """Write a board to a file, whole or not at all; readable by its owner alone. `BoardError` when it cannot be."""
    target = Path(path)
    text = to_text(board)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise BoardError(f"the board cannot be written to {_shown(path)}: {error.strerror or error}") from error


def read(path: str | os.PathLike[str]) -> Board:
    """The board in a file. `BoardError` says what is wrong with it, and where."""
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise BoardError(f"the board in {_shown(path)} cannot be read: {escape(why)}") from error
    try:
        return from_text(Board, text)
    except BoardError as error:
        raise BoardError(f"{_shown(path)} is no board: {error}") from error


def to_text(record: Board | Overview | SwarmPage) -> bytes:
    """A record as the JSON that files and servers carry."""
    return json.dumps(to_dict(record), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "backslashreplace"
    )


def from_text(kind: type[T], text: bytes) -> T:
    """The record in a text that nobody vouches for. `BoardError` says what does not fit, with the path to it."""
    if len(text) > MAX_BYTES:
        raise BoardError(f"it is larger than {MAX_BYTES // 1024**2} MiB; ask for the page of one swarm instead")
    if (values := text.count(b",")) > MAX_VALUES:
        raise _too_many(f"{values:,} values")
    _check_nesting(text)
    try:
        plain = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BoardError(f"it is not JSON ({escape(str(error), 120)}); write it with `infrafabric report`") from None
    _check_format(plain)
    return from_dict(kind, plain)


def _too_many(what: str) -> BoardError:
    return BoardError(f"it has {what}, more than a board of its size has; ask for the page of one swarm instead")


def _check_nesting(text: bytes) -> None:
    """Refuse nesting before the parser recurses into it, and more lists and mappings than there is memory for."""
    depth = containers = 0
    for token in _TOKENS.finditer(text):
        first, size = text[token.start()], token.end() - token.start()
        if first in b"[{":
            depth += size
            containers += size
            if containers > MAX_CONTAINERS:
                raise _too_many(f"over {MAX_CONTAINERS:,} lists and mappings")
            if depth > _MAX_NESTING:
                raise BoardError(
                    f"it is nested more than {_MAX_NESTING} deep at byte {token.start():,}; a board is not"
                )
        elif first in b"]}":
            depth -= size


def _check_format(plain: Any) -> None:
    found = plain.get("format") if isinstance(plain, dict) else None
    if found == FORMAT:
        return
    if isinstance(found, str) and found.startswith(FORMAT.partition("/")[0] + "/"):
        raise BoardError(
            f"its format is {escape(found, 40)} and this version reads {FORMAT}; use the version that wrote it"
        )
    raise BoardError(f"it does not say format {FORMAT}; write it with `infrafabric report`, or ask a server for it")


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _shown(path: str | os.PathLike[str]) -> str:
    return escape(os.fspath(path), 200)
