"""What the process looks like from outside: memory, threads, files, and everything that reaches its logs."""

from __future__ import annotations

import contextlib
import gc
import logging
import threading
from pathlib import Path
from typing import Self

import attrs

_STATUS, _FILES, _FORGET_PEAK = Path("/proc/self/status"), Path("/proc/self/fd"), Path("/proc/self/clear_refs")
_WORKER = "infrafabric-worker"


@attrs.frozen(kw_only=True)
class Footprint:
    """What the process holds now. Memory and files are 0 where the platform does not tell (anywhere but on Linux)."""

    memory_mib: float
    peak_memory_mib: float
    #: Threads but for idle workers, which end by themselves after a while.
    threads: int
    workers: int
    files: int

    @classmethod
    def now(cls) -> Footprint:
        """Look."""
        resident, peak = _memory_kib("VmRSS"), _memory_kib("VmHWM")
        files = sum(1 for _ in _FILES.iterdir()) if _FILES.is_dir() else 0
        names = [thread.name for thread in threading.enumerate()]
        workers = names.count(_WORKER)
        return cls(
            memory_mib=resident / 1024,
            peak_memory_mib=peak / 1024,
            threads=len(names) - workers,
            workers=workers,
            files=files,
        )

    @classmethod
    def after_cleaning(cls) -> Footprint:
        """Look after collecting garbage, and let the peak begin here."""
        gc.collect()
        with contextlib.suppress(OSError):  # the peak then is that of the whole life: it only looks worse than it was
            _FORGET_PEAK.write_text("5")
        return cls.now()


def _memory_kib(field: str) -> int:
    try:
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    except (OSError, StopIteration):
        return 0
    return int(line.split()[1])


class LogWatch(logging.Handler):
    """Keeps every record below ``infrafabric`` while it is entered."""

    def __init__(self) -> None:
        super().__init__(1)
        self.records: list[logging.LogRecord] = []
        self._logger = logging.getLogger("infrafabric")
        self._level_before = logging.NOTSET

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self.records.append(record)

    def take(self) -> list[logging.LogRecord]:
        """The records so far; they are forgotten here."""
        taken, self.records = self.records, []
        return taken

    def __enter__(self) -> Self:
        self._level_before = self._logger.level
        self._logger.setLevel(1)
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._logger.removeHandler(self)
        self._logger.setLevel(self._level_before)
