"""The keeper: a chassis's one thread for what is due every few seconds, whether or not tasks come.

It judges the alerts of loaded swarms, so that a change of state is told when nobody asks, and saves the histories that
changed. The thread starts with the first swarm and ends with the last. A timer a swarm was rejected: ten thousand
swarms would be ten thousand wake-ups; saving at each record would put a disk into the hot path.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from infrafabric.errors import SloStateError, escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from infrafabric.chassis.history import HistoryFolder
    from infrafabric.chassis.witness import Witness
    from infrafabric.telemetry import SloEngine

_log = logging.getLogger("infrafabric.chassis")

_NS: Final = 1_000_000_000
#: Alerts are judged, and what is to be saved is looked for, this often.
WATCH_SECONDS: Final = 4.0
#: A history that changed is saved when its last save is this old: with `WATCH_SECONDS`, every 8 s, so that a program
#: that is killed loses less than 10.
SAVE_SECONDS: Final = 7.0
#: Judging took this share of one core's time at most: with very many swarms, it comes round less often.
JUDGING_SHARE: Final = 0.05


class Keeper:
    """Watches SLO engines by their subjects. Any thread may call any method.

    ``folder`` None: nothing is saved. ``witness`` is told of files that cannot be read or written.
    """

    def __init__(
        self,
        folder: HistoryFolder | None,
        witness: Witness,
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._folder = folder
        self._witness = witness
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._watched: dict[str, SloEngine] = {}
        #: How many swarms of a subject are loaded or draining: a replaced one leaves after its successor came.
        self._holders: dict[str, int] = {}
        self._saved_ns: dict[str, int] = {}
        #: Subjects whose file could not be read or written, told once.
        self._failed: set[str] = set()
        self._unreadable: set[str] = set()
        self._judge_ns = clock_ns()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()

    # --- who is watched ------------------------------------------------------------------------------

    def recall(self, engine: SloEngine) -> None:
        """Let a new engine go on from its file. A file that cannot be used is moved aside and told, never an error."""
        if self._folder is None:
            return
        subject, path = engine.subject, self._folder.file_of(engine.subject)
        try:
            engine.load(path)
        except SloStateError as error:
            self._tell("slo_history_set_aside", subject, str(error), kept_as=error.kept_as)
        except OSError as error:
            self._unreadable.add(subject)  # it may be whole: it is not overwritten
            self._tell("slo_history_unreadable", subject, f"{path}: {error.strerror}; it is left as it is")

    def watch(self, engine: SloEngine) -> None:
        """Judge and save this engine until as many `release` as `watch` have come."""
        with self._lock:
            self._watched[engine.subject] = engine
            self._holders[engine.subject] = self._holders.get(engine.subject, 0) + 1
            self._saved_ns.setdefault(engine.subject, self._clock_ns())
            if self._thread is None:
                self._wake.clear()
                thread = threading.Thread(target=self._run, name="infrafabric-keeper", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # the process has no thread left: what was asked for works all the same
                    _log.warning("alerts are judged only when somebody looks: %s", error)
                else:
                    self._thread = thread

    def release(self, subject: str) -> None:
        """One holder less: what changed is saved now, and after the last one it is watched no more."""
        with self._lock:
            engine = self._watched.get(subject)
            self._holders[subject] = self._holders.get(subject, 0) - 1
            if self._holders[subject] <= 0:
                for known in (self._watched, self._holders, self._saved_ns):
                    known.pop(subject, None)
            if not self._watched:
                self._wake.set()
        if engine is not None:
            self._save(subject, engine)

    def close(self) -> None:
        """Save everything and end. The folder may then be another chassis's. Idempotent."""
        with self._lock:
            watched = list(self._watched.items())
        for subject, engine in watched:
            self._save(subject, engine)
        self.abandon()
        if self._folder is not None:
            self._folder.close()

    def abandon(self) -> None:
        """End the thread without saving: the chassis was forgotten, or belongs to another process."""
        with self._lock:
            for known in (self._watched, self._holders, self._saved_ns):
                known.clear()
            self._wake.set()

    # --- what is due ---------------------------------------------------------------------------------

    def step(self) -> None:
        """Do what is due now: judge, then save."""
        now_ns = self._clock_ns()
        with self._lock:
            watched = list(self._watched.items())
        if now_ns >= self._judge_ns:
            for _, engine in watched:
                if not engine.is_empty:
                    engine.evaluate()
            took_ns = self._clock_ns() - now_ns
            self._judge_ns = now_ns + int(took_ns / JUDGING_SHARE)
        for subject, engine in watched if self._folder is not None else ():
            if self._clock_ns() - self._saved_ns.get(subject, 0) >= SAVE_SECONDS * _NS:
                self._save(subject, engine)

    def _save(self, subject: str, engine: SloEngine) -> None:
        if self._folder is None or subject in self._unreadable or not engine.dirty:
            return
        path = self._folder.file_of(subject)
        try:
            engine.save(path)
        except OSError as error:
            if subject not in self._failed:
                self._failed.add(subject)
                self._tell("slo_history_not_saved", subject, f"{path}: {error.strerror}; it is tried again")
        else:
            self._failed.discard(subject)
            with self._lock:
                if subject in self._saved_ns:
                    self._saved_ns[subject] = self._clock_ns()

    def _tell(self, event: str, subject: str, error: str, **facts: str) -> None:
        _log.warning("the SLO history of '%s': %s", escape(subject), error)
        self._witness.event(event, subject, level=logging.WARNING, error=error, **facts)

    def _run(self) -> None:
        while True:
            self._wake.wait(WATCH_SECONDS)
            with self._lock:
                if not self._watched:
                    self._thread = None
                    return
                self._wake.clear()
            try:
                self.step()
            except Exception:  # noqa: BLE001 - the next round is due all the same
                _log.exception("the keeper failed in a round")
