"""Reading untrusted files: a bounded number of bytes, then strict JSON, and one error with its place.

``json.load`` alone lets the last of two equal keys win, takes NaN, and fails in five different ways on junk.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from infrafabric.errors import ContractSyntaxError, escape

if TYPE_CHECKING:
    import os

#: No contract or manifest is larger.
MAX_FILE_BYTES = 1024 * 1024


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a regular file of at most `MAX_FILE_BYTES`, which must be UTF-8.

    Raises `ContractSyntaxError`, also for a file that is missing or cannot be opened.
    """
    name = escape(str(path))
    try:
        regular = stat.S_ISREG(Path(path).stat().st_mode)
        data = _read_bytes(Path(path)) if regular else None  # a pipe would block, a device would never end
    except OSError as error:
        _refuse(f"cannot read {name}: {error.strerror}", error)
    except ValueError as error:
        _refuse(f"cannot read {name}: its name cannot be a path", error)
    if data is None:
        _refuse(f"cannot read {name}: it is not a regular file")
    if len(data) > MAX_FILE_BYTES:
        _refuse(f"{name} is larger than {MAX_FILE_BYTES:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse(f"{name}: byte {error.start} is not UTF-8; save the file as UTF-8", error)


def _read_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


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
