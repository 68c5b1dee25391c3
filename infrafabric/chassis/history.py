"""Where the SLO history of a chassis is kept between runs of the program: one file for each swarm, or task, with one.

A swarm's id may be any printable text, so a file is named after a digest of it; what can be read in the name is only
for people. One file for everything was rejected: a swarm that is busy would write the history of all others again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import weakref
from pathlib import Path
from typing import Final

_READABLE_CHARACTERS: Final = 48


class HistoryFolder:
    """A folder of SLO histories, held by one chassis at a time. `ValueError` when it cannot be used or is in use."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._lock: int | None = None
        _OPEN.add(self)
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ValueError(f"state_dir: {self.path} cannot be used ({error.strerror}); choose another") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.forget()
            raise ValueError(
                f"state_dir: {self.path} is in use by another chassis; give each chassis a folder of its own"
            ) from None

    def file_of(self, subject: str) -> Path:
        """The file of a subject: another one for each, below this folder whatever the subject is."""
        digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        readable = re.sub(r"[^A-Za-z0-9._-]", "_", subject)[:_READABLE_CHARACTERS]
        return self.path / f"{digest}-{readable}.slo"

    def close(self) -> None:
        """Let another chassis have it. Idempotent."""
        if self._lock is not None:
            fcntl.flock(self._lock, fcntl.LOCK_UN)  # a child that was just forked may not have let go yet
        self.forget()

    def forget(self) -> None:
        """Close what is open without giving the folder up: in a forked child it is the parent's."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def __del__(self) -> None:
        self.close()


#: A forked child would hold its parent's folders for as long as it lives.
_OPEN: weakref.WeakSet[HistoryFolder] = weakref.WeakSet()


def _forget_all() -> None:
    for folder in list(_OPEN):
        folder.forget()


os.register_at_fork(after_in_child=_forget_all)
