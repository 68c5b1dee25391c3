"""What guests say: ``env.log`` and the lines of their stdout and stderr, bounded and out of their hands.

A record is copied (cut at `MAX_RECORD_BYTES`), decoded with replacement, escaped, and kept in three
places: the first `RESULT_RECORDS` of a task in its result, the task's sink (its trace span), and a bounded queue
of its swarm, which one daemon thread, the *scribe*, empties onto the logger ``infrafabric.swarm.<id>``. So a slow
logging handler delays neither a guest nor another swarm's deadline, and a flood costs its swarm only: over
``max_log_bytes_per_second``, or with `PENDING_RECORDS` waiting, records are dropped and counted.

Rejected: calling handlers from the host function (they may raise, wait or log back into the chassis inside the
guest's deadline), and one shared queue (a flooding swarm would push a quiet one's records out).
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, TypeAlias

import attrs

from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: A record is cut at this many bytes.
MAX_RECORD_BYTES = 4096
#: The first so many records of a task are kept for its result.
RESULT_RECORDS = 100
#: After so many records over the budget their guest sleeps for so long: one that went on at full speed would take the
#: interpreter from everybody else a few hundred thousand times a second, for nothing.
DROPPED_IN_A_ROW = 8
DROP_SECONDS = 0.001
#: The scribe lets records gather for so long: one that woke for each would take turns with the guest that writes them.
GATHER_SECONDS = 0.002
#: So many records of a swarm may wait for the logging handlers.
PENDING_RECORDS = 1000
#: So many records of a swarm are kept for whoever looks at it, each cut at so many characters.
RECENT_RECORDS = 200
RECENT_CHARACTERS = 500
#: What every record costs of the byte budget beside its text, so that empty ones are not free.
RECORD_OVERHEAD_BYTES = 32

#: Levels of ``env.log``: trace, debug, info, warn, error.
LEVELS = (5, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
LEVEL_NAMES = ("trace", "debug", "info", "warn", "error")
INFO = 2

_NS = 1_000_000_000
logging.addLevelName(LEVELS[0], "TRACE")


@attrs.frozen
class LogRecord:
    """One line of a guest: escaped text, its level's name, and the seconds since the task began."""

    level: str
    text: str
    at_seconds: float


#: A record that waits for handlers: level, text, epoch second, and what it carries beside.
_Pending: TypeAlias = "tuple[int, str, float, Mapping[str, str] | None]"


class RecentRecords:
    """The last records of one swarm id, cut, for whoever looks at it. The scribe keeps them: no guest pays for it."""

    __slots__ = ("_records",)

    def __init__(self) -> None:
        self._records: deque[tuple[int, str, float]] | None = None  # most swarms say nothing

    def keep(self, level: int, text: str, created: float) -> None:
        """Keep one record, and forget the oldest."""
        if self._records is None:
            self._records = deque(maxlen=RECENT_RECORDS)
        self._records.append((level, cut(text), created))

    def kept(self) -> list[tuple[int, str, float]]:
        """What is kept, oldest first."""
        return [*(self._records or ())]  # in one step of the interpreter; a tuple may collect garbage on the way


def cut(text: str) -> str:
    """The text of a record as `RecentRecords` keeps it."""
    return text if len(text) <= RECENT_CHARACTERS else escape(text, RECENT_CHARACTERS)


class SwarmLog:
    """The log of one swarm: its logger, its byte budget, and the records that wait for handlers."""

    def __init__(self, swarm_id: str, bytes_per_second: int) -> None:
        # A dot would make one swarm's logger the parent of another's.
        self._logger = logging.getLogger(
            f"infrafabric.swarm.{escape(swarm_id).replace('%', '%25').replace('.', '%2E')}"
        )
        self._prefix = f"[WASM:{escape(swarm_id)}] "
        self._rate = bytes_per_second
        self._tokens_ns = bytes_per_second * _NS
        self._at_ns = time.monotonic_ns()
        self._lock = threading.Lock()
        self.pending: deque[_Pending] = deque()
        #: The last records that the scribe has emitted; whoever replaces the swarm goes on with them.
        self.recent = RecentRecords()
        self.dropped = 0
        #: Whether it is in the scribe's line: once, or a flood would stand there for every record, before all others.
        self.in_line = False

    def admit(self, size_bytes: int, now_ns: int) -> bool:
        """Take ``size_bytes`` from the budget: a bucket of one second's worth. False: over it, drop the record."""
        with self._lock:
            self._tokens_ns = min(self._rate * _NS, self._tokens_ns + (now_ns - self._at_ns) * self._rate)
            self._at_ns = now_ns
            if self._tokens_ns < size_bytes * _NS or len(self.pending) >= PENDING_RECORDS:
                self.dropped += 1
                return False
            self._tokens_ns -= size_bytes * _NS
            return True

    def drop(self, count: int) -> None:
        """Count records that were not even looked at."""
        with self._lock:
            self.dropped += count

    def used_bytes(self, now_ns: int) -> int:
        """How much of the budget of one second is used now."""
        with self._lock:
            tokens_ns = self._tokens_ns + max(0, now_ns - self._at_ns) * self._rate
            return max(0, self._rate - tokens_ns // _NS)

    def last(self) -> list[tuple[int, str, float]]:
        """Level, text and epoch second of the last `RECENT_RECORDS` records, oldest first, emitted or waiting."""
        waiting = [(level, cut(text), created) for level, text, created, _ in [*self.pending][-RECENT_RECORDS:]]
        return [*self.recent.kept(), *waiting][-RECENT_RECORDS:]

    def emit(self, most: int = 64) -> bool:
        """Hand up to ``most`` waiting records to the logger; True when more wait. Only the scribe calls this."""
        for _ in range(min(most, len(self.pending))):
            level, text, created, fields = self.pending.popleft()
            self.recent.keep(level, text, created)
            if self._logger.isEnabledFor(level):
                record = self._logger.makeRecord(
                    self._logger.name, level, "(guest)", 0, self._prefix + text, (), None, "guest"
                )
                record.created, record.msecs = created, (created % 1) * 1000
                if fields is not None:
                    record.__dict__.update(fields)
                self._logger.handle(record)
        return bool(self.pending)


class TaskLog:
    """The log of one task. Used by the thread that runs it."""

    __slots__ = ("_fields", "_refused", "_started_ns", "_swarm", "bytes", "count", "dropped", "records", "sink")

    def __init__(
        self,
        swarm: SwarmLog,
        started_ns: int,
        sink: Callable[[LogRecord], None] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        self._swarm = swarm
        self._started_ns = started_ns
        self.sink = sink
        #: Further attributes of every record that reaches the logger.
        self._fields = fields
        self.records: list[LogRecord] = []
        #: Records kept and their bytes, and records dropped over the budget.
        self.count = 0
        self.bytes = 0
        self.dropped = 0
        #: Of those, the ones that were asked for one by one.
        self._refused = 0

    def write(self, level: int, text: bytes, full_size_bytes: int | None = None) -> bool:
        """Keep one record, or drop and count it: False. ``full_size_bytes``: how long it was before it was cut.

        A host function with more to say stops at the first that is dropped: resting for each would outlast a deadline.
        """
        now_ns = time.monotonic_ns()
        size = len(text)
        if not self._swarm.admit(size + RECORD_OVERHEAD_BYTES, now_ns):
            self.dropped += 1
            self._refused += 1
            if self._refused % DROPPED_IN_A_ROW == 0:
                time.sleep(DROP_SECONDS)
            return False
        self.count += 1
        self.bytes += size
        decoded = text.decode("utf-8", "replace")
        if not decoded.isprintable():
            decoded = escape(decoded, limit=MAX_RECORD_BYTES)
        if full_size_bytes is not None and full_size_bytes > size:
            decoded = f"{decoded}... ({full_size_bytes} bytes)"
        if len(self.records) < RESULT_RECORDS:
            record = LogRecord(LEVEL_NAMES[level], decoded, (now_ns - self._started_ns) / _NS)
            self.records.append(record)
            if self.sink is not None:
                self.sink(record)
        self._swarm.pending.append((LEVELS[level], decoded, time.time(), self._fields))
        SCRIBE.wake(self._swarm)
        return True

    def drop(self, count: int) -> None:
        """Count ``count`` more records as dropped."""
        self.dropped += count
        self._swarm.drop(count)


class Scribe:
    """The daemon thread that hands records to logging handlers, swarm by swarm."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything, as a forked child must: the parent's thread is not there, and its locks may be held."""
        self._waiting: deque[SwarmLog] = deque()
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        #: Set while somebody waits for it to be idle.
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def wake(self, log: SwarmLog) -> None:
        """Tell the scribe that ``log`` has records waiting."""
        if not log.in_line:
            log.in_line = True
            self._waiting.append(log)
        if not self._wake.is_set():
            self._idle.clear()
            self._wake.set()
            if self._thread is None or not self._thread.is_alive():
                self.start()

    def start(self) -> None:
        """See that the thread runs: when a swarm is loaded, since starting it takes more frames than a callback has."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._run, name="infrafabric-scribe", daemon=True)
                # Where no thread can be had, as at interpreter shutdown, records wait: the guest is not to blame.
                with contextlib.suppress(RuntimeError):
                    thread.start()
                    self._thread = thread

    def flush(self, timeout_seconds: float = 1.0) -> bool:
        """Wait until what was written has reached the handlers. False when they took longer."""
        if threading.current_thread() is self._thread:
            return False
        if not self._idle.is_set():
            self._hurry.set()
        return self._idle.wait(timeout_seconds)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._hurry.wait(GATHER_SECONDS)
            self._wake.clear()
            while self._waiting:
                log = self._waiting.popleft()
                log.in_line = False
                if _emit(log) and not log.in_line:
                    log.in_line = True
                    self._waiting.append(log)  # its turn comes again after its neighbours'
            if not self._wake.is_set():
                self._hurry.clear()
                self._idle.set()
                if self._waiting:  # written between the lines above
                    self._idle.clear()


def _emit(log: SwarmLog) -> bool:
    try:
        return log.emit()
    except BaseException:
        # The handler that failed may well be the one that this reaches too.
        with contextlib.suppress(BaseException):
            logging.getLogger("infrafabric.engine").exception("a logging handler failed on a guest's record")
        return bool(log.pending)


#: The scribe of this process.
SCRIBE = Scribe()
os.register_at_fork(after_in_child=SCRIBE.reset)
