"""Reading untrusted files: a bounded number of bytes, then strict text or JSON, and one error with its place.

``json.load`` alone lets the last of two equal keys win, takes NaN, and fails in five different ways on junk.
"""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from infrafabric.contract import text_rules
from infrafabric.errors import ContractSyntaxError, Problem, escape

if TYPE_CHECKING:
    import os

    from infrafabric.contract.rules import Rule

#: No contract or manifest is larger.
MAX_FILE_BYTES = 1024 * 1024

#: Control characters, halves of surrogate pairs and non-characters: no text format of ours allows them.
_HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_OTHER_ENCODINGS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a regular file of at most `MAX_FILE_BYTES`, which must be UTF-8.

    Raises `ContractSyntaxError`, also for a file that is missing or cannot be opened.
    """
    text = try_read(path)
    if isinstance(text, Problem):
        _refuse(f"{escape(str(path))}: {text.message}" + (f"; {text.fix}" if text.fix else ""))
    return text


def try_read(path: str | os.PathLike[str]) -> str | Problem:
    """The text of a regular file of at most `MAX_FILE_BYTES`; what is wrong with it where it is no such file."""
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):  # a pipe would block, a device would never end
            return _problem(text_rules.UNREADABLE, "cannot be read: it is not a regular file")
        data = read_bytes(Path(path), MAX_FILE_BYTES)
    except OSError as error:
        return _problem(text_rules.UNREADABLE, f"cannot be read: {error.strerror}")
    except ValueError:
        return _problem(text_rules.UNREADABLE, "cannot be read: its name cannot be a path")
    return _problem(text_rules.FILE_TOO_LARGE, _TOO_LARGE) if data is None else decode(data)


def read_bytes(path: Path, max_bytes: int) -> bytes | None:
    """The content of a file; None when it is larger than ``max_bytes``. Raises `OSError`."""
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)
    return data if len(data) <= max_bytes else None


def decode(data: bytes) -> str | Problem:
    """The text of UTF-8 bytes, without a byte order mark; what is wrong with them where they are no text."""
    fix = "save the file as UTF-8"
    for mark, encoding in _OTHER_ENCODINGS:
        if data.startswith(mark):
            return _problem(text_rules.NOT_TEXT, f"expected UTF-8, got {encoding}", fix, (1, 1))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        message = f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8"
        return _problem(text_rules.NOT_TEXT, message, fix, _place_after(before))
    return hidden_character(text) or text


def hidden_character(text: str) -> Problem | None:
    """What is wrong with a text that holds characters which no file format of ours allows, or is too long."""
    if len(text) > MAX_FILE_BYTES:
        return _problem(text_rules.FILE_TOO_LARGE, _TOO_LARGE)
    found = _HIDDEN.search(text)
    if found is None:
        return None
    message = f"the character U+{ord(found.group()):04X} is not allowed"
    fix = "remove it, or write it as an escape in quotes"
    return _problem(text_rules.NOT_TEXT, message, fix, _place_after(text[: found.start()]))


_TOO_LARGE = f"larger than {MAX_FILE_BYTES:,} bytes"


def _place_after(text: str) -> tuple[int, int]:
    lines = re.split(r"\r\n|\n|\r", text)
    return len(lines), len(lines[-1]) + 1


def _problem(
    rule: Rule, message: str, fix: str | None = None, place: tuple[int | None, int | None] = (None, None)
) -> Problem:
    return Problem(rule=rule.id, path="", message=message, fix=fix, line=place[0], column=place[1])


def parse_json(text: str, name: str) -> Any:
    """The value that strict JSON text says. ``name`` stands for the text in `ContractSyntaxError`."""
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"{escape(name)}:{error.lineno}:{error.colno}"
        _refuse(f"{where}: this is not JSON: {error.msg}", error)
    except _NotStrictError as error:
        _refuse(f"{escape(name)}: {error}", error)
    except RecursionError as error:
        _refuse(f"{escape(name)}: nested too deep", error)
    except ValueError as error:  # Python's own bound on the digits of an integer
        _refuse(f"{escape(name)}: a number has too many digits", error)


class _NotStrictError(Exception):
    """The text is what lenient readers take and RFC 8259 does not."""


def _refuse(text: str, cause: Exception | None = None) -> NoReturn:
    raise ContractSyntaxError(text) from cause


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            text = f'the key "{escape(key, 60)}" stands twice in one mapping; remove one'
            raise _NotStrictError(text)
        found[key] = value
    return found


def _no_constant(word: str) -> NoReturn:
    text = f"{word} is not JSON; leave the key out to get its default"
    raise _NotStrictError(text)
