"""A task's parameters from the command line: inline JSON, a file, stdin, or ``--param`` by ``--param``.

How a value is read is decided by how it is written, never by what it looks like: inline text and ``@x.json`` are JSON;
any other file, and stdin, is sent as it is; ``--params-format`` says otherwise. ``--param`` follows HTTPie, where ``=``
is text and ``:=`` is JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

Format = Literal["auto", "json", "text", "bytes"]
FORMATS: tuple[Format, ...] = ("auto", "json", "text", "bytes")

#: No contract lets parameters be larger, so no more is read.
MAX_BYTES = 64 << 20


def read_params(params: str | None, params_format: Format, pairs: Sequence[str], *, flag: str = "--params") -> Any:
    """The parameters that the flags describe; None where there are none. Raises `click.UsageError`."""
    if params is not None and pairs:
        raise click.UsageError("give either --params or --param, not both")
    if pairs:
        return _object(pairs)
    if params is None:
        return None
    if params == "-":
        return _decode(_read_stdin(), params_format, "stdin")
    if params.startswith("@"):
        path = Path(params[1:])
        by_name: Format = "json" if params_format == "auto" and path.suffix == ".json" else params_format
        return _decode(_read_file(path, flag), by_name, escape(str(path), 200))
    data = params.encode("utf-8", "surrogateescape")
    return _decode(data, "json" if params_format == "auto" else params_format, flag)


def advice(params: str | None, params_format: Format, pairs: Sequence[str]) -> str | None:
    """What to try when a task does not take parameters that were given so; None where nothing suggests itself."""
    if any(not pair.partition("=")[0].endswith(":") for pair in pairs):
        return "KEY=2 is a text, KEY:=2 a number"
    by_place = params is not None and (params == "-" or params.startswith("@"))
    if by_place and params_format == "auto" and not str(params).endswith(".json"):
        return "they were sent as they are; --params-format json reads them as JSON"
    return None


def _object(pairs: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        is_json = key.endswith(":")
        key = key.removesuffix(":")
        shown = escape(key, 60)
        if not equals or not key:
            text = escape(pair, 60)
            raise click.UsageError(
                f"--param takes KEY=TEXT, KEY=@FILE, KEY:=JSON or KEY:=@FILE, got '{text}'",
            )
        if key in found:
            raise click.UsageError(f"--param {shown} is given twice")
        if value.startswith("@"):
            path = Path(value[1:])
            data, where = _read_file(path, f"--param {shown}"), escape(str(path), 200)
        else:
            data, where = value.encode("utf-8", "surrogateescape"), f"--param {shown}"
        found[key] = _decode(data, "json" if is_json else "text", where)
    return found


def _decode(data: bytes, how: Format, where: str) -> Any:
    if how == "bytes":
        return data
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        if how == "auto":
            return data
        raise click.UsageError(
            f"{where} is not UTF-8 text: byte {error.start} is 0x{data[error.start]:02x}"
            + (
                "; a JSON value cannot hold bytes"
                if where.startswith("--param ")
                else "; --params-format bytes sends it"
            )
        ) from None
    if how != "json":
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise click.UsageError(
            f"{where} is not JSON: {error.msg} at line {error.lineno} column {error.colno}; "
            + _other_than_json(where, text)
        ) from None
    except (ValueError, RecursionError):
        raise click.UsageError(f"{where} is not JSON that can be read: a number or the nesting is too large") from None


def _other_than_json(where: str, text: str) -> str:
    if where.startswith("--param "):
        key = where.removeprefix("--param ")
        return f"{key}=... gives text, {key}:=... JSON"
    if where in {"--params", "PARAMS"} and "\n" not in text and len(text) < 256 and Path(text).is_file():
        sign = "--params @" if where == "--params" else "@"
        return f"to read the file, write {sign}{escape(text)}"
    return "--params-format text sends it as it is"


def _read_file(path: Path, flag: str) -> bytes:
    try:
        with path.open("rb") as file:
            return _bounded(file.read(MAX_BYTES + 1), escape(str(path), 200))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise click.UsageError(f"{flag}: cannot read '{escape(str(path), 200)}': {why}") from None


def _read_stdin() -> bytes:
    if sys.stdin is None:
        raise click.UsageError("--params -: there is no stdin")
    return _bounded(sys.stdin.buffer.read(MAX_BYTES + 1), "stdin")


def _bounded(data: bytes, where: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise click.UsageError(
            f"{where} has more than {MAX_BYTES >> 20} MiB, the most that any contract lets parameters have (--payload)"
        )
    return data
