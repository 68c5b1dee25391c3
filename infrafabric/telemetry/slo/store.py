"""The SLO history as one file: written whole or not at all, read whole or refused.

Line one is JSON (format, version, length and SHA-256 of the rest); the rest is the compressed state. A database was
rejected: there is one writer, the state fits in a few kilobytes, and replacing a file is atomic everywhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from infrafabric.errors import SloStateError

_FORMAT: Final = "infrafabric-slo"
_VERSION: Final = 2
_FILE_BYTES_MAX: Final = 8 * 2**20
_STATE_BYTES_MAX: Final = 32 * 2**20
_UNFINISHED: Final = ".tmp"


def write_state(path: str | Path, state: dict[str, Any]) -> None:
    """Write the state so that a crash at any moment leaves the old file or the new one. Raises `OSError`."""
    path = Path(path)
    body = zlib.compress(json.dumps(state, default=_hex, separators=(",", ":"), allow_nan=False).encode(), 1)
    head = {"format": _FORMAT, "version": _VERSION, "bytes": len(body), "sha256": sha256(body).hexdigest()}
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(json.dumps(head).encode() + b"\n" + body)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    _sync_directory(path.parent)


def read_state(path: str | Path) -> dict[str, Any] | None:
    """The state, or None when there is no file. `ValueError` says what is wrong with it; `OSError` when unreadable."""
    try:
        with Path(path).open("rb") as file:
            raw = file.read(_FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        return None
    if len(raw) > _FILE_BYTES_MAX:
        raise ValueError(f"it is larger than {_FILE_BYTES_MAX} bytes")
    line, _, body = raw.partition(b"\n")
    try:
        head = json.loads(line)
    except ValueError as error:
        raise ValueError(f"its first line is not JSON ({len(raw)} bytes in all)") from error
    if not isinstance(head, dict) or head.get("format") != _FORMAT:
        raise ValueError(f"its first line does not say format {_FORMAT!r}")
    if head.get("version") != _VERSION:
        raise ValueError(f"it is of version {head.get('version')!r}; this infrafabric reads {_VERSION}")
    if head.get("bytes") != len(body):
        raise ValueError(f"it holds {len(body)} of {head.get('bytes')!r} bytes")
    if head.get("sha256") != sha256(body).hexdigest():
        raise ValueError("its SHA-256 does not match")
    try:
        state = json.loads(zlib.decompressobj().decompress(body, _STATE_BYTES_MAX), object_hook=_unhex)
    except zlib.error as error:
        raise ValueError(f"it cannot be unpacked ({error})") from error
    if not isinstance(state, dict):
        raise ValueError("it holds no state")  # noqa: TRY004 - the file is wrong, not the caller's type
    return state


def sweep(path: str | Path) -> None:
    """Remove what saves that were killed left beside the file."""
    path = Path(path)
    with contextlib.suppress(OSError):
        for entry in path.parent.iterdir():
            if entry.name.startswith(f".{path.name}.") and entry.suffix == _UNFINISHED:
                entry.unlink()


def refuse(path: str | Path, why: Exception) -> SloStateError:
    """Move the file out of the next save's way; gives the error to raise."""
    aside = _keep_aside(Path(path))
    reason = str(why) if type(why) is ValueError else f"its state does not fit ({type(why).__name__}: {why})"
    return SloStateError(
        f"The SLO history in {path} cannot be used: {reason}. It was moved to {aside} and the history starts empty; "
        f"restore a good copy as {path} and load again to go on from it.",
        str(aside),
    )


def _keep_aside(path: Path) -> Path:
    """Move a refused file to the first free name beside it."""
    for number in range(1, 1000):
        aside = path.with_name(f"{path.name}.refused-{number}")
        if not aside.exists():
            break
    else:
        raise FileExistsError(f"a thousand refused files lie beside {path}; look at them and remove them")
    path.replace(aside)
    _sync_directory(path.parent)
    return aside


def _sync_directory(directory: Path) -> None:
    """Make a rename durable. Where directories cannot be opened (Windows), the rename alone has to do."""
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _hex(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    raise TypeError(f"{type(value).__name__} is no part of a state")


def _unhex(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["hex"]) if value.keys() == {"hex"} else value
