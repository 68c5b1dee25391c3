"""Compiled code on disk, private to its owner.

What lies here is native code that the process will run, so the folder must be ours alone (0700, our uid), a file
carries the digest of its content, and a file that fails the check is deleted and built again. Files are
named by module digest and code kind, written aside and renamed into place (a file that is mapped or being
read is never changed), and the least recently used go when the folder outgrows its limit.

Rejected: wasmtime's own cache (no integrity check, compiles in this process) and a digest kept in a
second file (two files are never replaced together).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path

from infrafabric.engine.settings import CodeKind

#: The folder is kept below this size.
MAX_CACHE_BYTES = 1 << 30

_MAGIC = b"infrafabric code 1\n"
_SUFFIX = ".ifcode"


class CacheRefusedError(Exception):
    """The folder cannot be trusted with code; the message says why and what to do."""


class CodeCache:
    """The code cache in ``folder``, which is made when it is missing.

    Raises `CacheRefusedError` when the folder belongs to somebody else or others may write to it.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = folder.stat()
        except OSError as error:
            raise CacheRefusedError(f"the code cache {folder} cannot be used: {error.strerror}") from error
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise CacheRefusedError(
                f"the code cache {folder} belongs to uid {status.st_uid}, not to uid {os.geteuid()}"
            )
        if status.st_mode & 0o077:
            raise CacheRefusedError(
                f"the code cache {folder} is open to others (mode {stat.S_IMODE(status.st_mode):o}): chmod 700 it"
            )

    def get(self, module_sha256: str, kind: CodeKind) -> bytes | None:
        """The code of a module, or None when it is not here. A damaged file is deleted."""
        path = self._path(module_sha256, kind)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        head = len(_MAGIC) + 32
        code = content[head:]
        if not content.startswith(_MAGIC) or hashlib.sha256(code).digest() != content[len(_MAGIC) : head]:
            path.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # what is used last goes last
        return code

    def put(self, module_sha256: str, kind: CodeKind, code: bytes) -> None:
        """Keep the code of a module. A full disk or a vanished folder only means that it is not kept."""
        with contextlib.suppress(OSError):
            handle, name = tempfile.mkstemp(dir=self.folder, prefix=".new-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_MAGIC + hashlib.sha256(code).digest() + code)
                Path(name).replace(self._path(module_sha256, kind))
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
            self._trim()

    def discard(self, module_sha256: str, kind: CodeKind) -> None:
        """Forget the code of a module, as when the engine does not accept it."""
        self._path(module_sha256, kind).unlink(missing_ok=True)

    def _path(self, module_sha256: str, kind: CodeKind) -> Path:
        return self.folder / f"{module_sha256}-{kind.fingerprint()}{_SUFFIX}"

    def _trim(self) -> None:
        files = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    files.append((status.st_mtime_ns, status.st_size, entry.path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self._max_bytes:
                break
            Path(path).unlink(missing_ok=True)
            total -= size


def default_cache_folder() -> Path:
    """``$XDG_CACHE_HOME/infrafabric``, by default ``~/.cache/infrafabric``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "infrafabric"
