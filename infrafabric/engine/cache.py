"""Compiled code on disk, private to its owner.

What lies here is native code that the process will run, so the folder must be ours alone (0700, our uid), a file
carries the digest of its content, and a file that fails the check is deleted and built again. Files are
named by module digest and code kind, written aside and renamed into place (a file that is mapped or being
read is never changed), and the least recently used go when the folder outgrows its limit.

Rejected: a folder that others may read or write, however trusted (code is not checked against its module again);
wasmtime's own cache (no integrity check, compiles in this process) and a digest kept in a
second file (two files are never replaced together).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infrafabric.engine.settings import CodeKind

#: The folder is kept below this size.
MAX_CACHE_BYTES = 1 << 30

_MAGIC = b"infrafabric code 1\n"
_SUFFIX = ".ifcode"
#: A file that is being written.
_NEW = ".ifnew-"


class CacheRefusedError(Exception):
    """The folder cannot be trusted with code; the message says why and what to do."""


class CodeCache:
    """The code cache in ``folder``, which is made when it is missing.

    Raises `CacheRefusedError` when the folder belongs to somebody else or others may write to it.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        #: What may be written before the folder's size is looked at again.
        self._unwatched_bytes = 0
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
            # What is not a plain file of ours was not written by us, whoever may have put it here.
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                status = os.fstat(file.fileno())
                ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
                content = file.read() if ours else b""
        except OSError:
            return None
        head = len(_MAGIC) + 32
        code = content[head:]
        if not content.startswith(_MAGIC) or _digest(path.name, code) != content[len(_MAGIC) : head]:
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # what is used last goes last
        return code

    def put(self, module_sha256: str, kind: CodeKind, code: bytes) -> None:
        """Keep the code of a module. A full disk or a vanished folder only means that it is not kept."""
        path = self._path(module_sha256, kind)
        with contextlib.suppress(OSError):
            handle, name = tempfile.mkstemp(dir=self.folder, prefix=_NEW)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.writelines((_MAGIC, _digest(path.name, code), code))
                Path(name).replace(path)
            except BaseException:  # a full disk, or Ctrl-C
                Path(name).unlink(missing_ok=True)
                raise
            self._unwatched_bytes -= len(_MAGIC) + len(code)
            if self._unwatched_bytes <= 0:
                self._trim()

    def discard(self, module_sha256: str, kind: CodeKind) -> None:
        """Forget the code of a module, as when the engine does not accept it."""
        with contextlib.suppress(OSError):
            self._path(module_sha256, kind).unlink()

    def _path(self, module_sha256: str, kind: CodeKind) -> Path:
        return self.folder / f"{module_sha256}-{kind.fingerprint()}{_SUFFIX}"

    def _trim(self) -> None:
        files = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                # The folder may hold what is not ours to delete.
                if not entry.name.endswith(_SUFFIX) and not entry.name.startswith(_NEW):
                    continue
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    files.append((status.st_mtime_ns, status.st_size, entry.path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self._max_bytes:
                break
            Path(path).unlink(missing_ok=True)
            total -= size
        # An eighth of what is left: others may write there, too. With thousands of files, looking is what a put costs.
        self._unwatched_bytes = (self._max_bytes - total) // 8


def _digest(name: str, code: bytes) -> bytes:
    # With the name, so that a file does not stand in for another.
    digest = hashlib.sha256(name.encode())
    digest.update(code)
    return digest.digest()


def default_cache_folder() -> Path:
    """``$XDG_CACHE_HOME/infrafabric``, by default ``~/.cache/infrafabric``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "infrafabric"
