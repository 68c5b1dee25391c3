"""Runs attacks in this process, one after the other, beside a neighbour, and says what did not hold.

`Stage` keeps one chassis and one neighbour for the whole party, so that whatever an attack leaves behind is there for
the next one to trip over. What can only be the attack's doing (a wrong ending, a forged record, a neighbour's wrong
answer) counts at once; what a busy machine can do as well (time and memory) counts when it happens in three tries.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import attrs

from infrafabric.attack.judging import complaints, faults_of_records
from infrafabric.attack.neighbour import Latency, Neighbour
from infrafabric.attack.scene import ATTACKER, Scene
from infrafabric.attack.watching import Footprint, LogWatch
from infrafabric.chassis import IFChassis
from infrafabric.engine import SCRIBE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.attack.attack import Attack

#: The neighbour's median may rise to this many times what it is alone, ...
MEDIAN_FACTOR = 5.0
#: ... or to this, whichever is more: a few turns of the interpreter's lock, which changes hands every 5 ms.
MEDIAN_FLOOR_MS = 15.0
#: No small task of the neighbour takes longer.
WORST_MS = 250.0
#: Resident memory that one attack may leave behind.
LEFT_BEHIND_MIB = 48.0
#: Threads that one attack may leave behind: scribe, warden, alarms.
_IDLE_THREADS = 4

_TRIES = 3
#: Small tasks of the neighbour that are timed before an attack, and that must end after it.
_ALONE, _AFTER = 20, 5
_PATIENCE_SECONDS = 5.0


@attrs.frozen(kw_only=True)
class AttackResult:
    """How one attack went: plain data. ``faults`` says what did not hold, and is empty when everything did.

    The neighbour's figures are milliseconds of its small tasks: the median before the attack, and median, 99th
    percentile and maximum beside it. ``memory_mib`` is how far the process's memory rose.
    """

    name: str
    kind: str
    tries: str
    expected: str
    got: str
    held: bool
    faults: tuple[str, ...] = ()
    seconds: float = 0.0
    neighbour_alone_ms: float = 0.0
    neighbour_p50_ms: float = 0.0
    neighbour_p99_ms: float = 0.0
    neighbour_max_ms: float = 0.0
    memory_mib: float = 0.0


class Stage:
    """One chassis, one neighbour, and all that is watched. A context manager; use it once, from one thread."""

    _neighbour: Neighbour
    _chassis: IFChassis
    _log: LogWatch
    #: What the process held after the last attack, which is before the next one.
    _before: Footprint

    def __init__(self) -> None:
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as exits:
            folder = exits.enter_context(tempfile.TemporaryDirectory(prefix="infrafabric-attack-"))
            self._log = exits.enter_context(LogWatch())
            self._chassis = exits.enter_context(IFChassis(cache_dir=Path(folder) / "code"))
            self._neighbour = Neighbour(self._chassis)
            exits.callback(self._neighbour.stop)
            self._neighbour.start()
            self._neighbour.wait_for(10 * _ALONE, _PATIENCE_SECONDS)
            self._before = Footprint.after_cleaning()
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._exits.close()

    def run(self, attack: Attack) -> AttackResult:
        """Run one attack, up to three times where only time or memory speak against it."""
        for _ in range(_TRIES - 1):
            result, certain = self._try(attack)
            if result.held or certain:
                return result
        return self._try(attack)[0]

    def _try(self, attack: Attack) -> tuple[AttackResult, bool]:
        """The result, and whether what speaks against it is certain."""
        neighbour = self._neighbour
        scene = Scene(attack, self._chassis, neighbour, self._log)
        neighbour.wait_for(_ALONE, _PATIENCE_SECONDS)
        alone = Latency.of(neighbour.samples_ns[-_ALONE:])
        with neighbour.quiet():
            SCRIBE.flush(_PATIENCE_SECONDS)
            self._log.take()
            neighbour.forget()
        started = time.monotonic()
        scene.play()
        seconds = time.monotonic() - started
        if not neighbour.wait_for(_AFTER, _PATIENCE_SECONDS):
            scene.faults.append("the neighbour does not answer any more")
        with neighbour.quiet():
            SCRIBE.flush(_PATIENCE_SECONDS)
            beside = Latency.of(neighbour.samples_ns)
            scene.faults += neighbour.faults
            records = self._log.take()
            scene.faults += faults_of_records(records, ATTACKER, neighbour.said)
            scene.doubts += complaints(records)
        peak_mib = max(0.0, Footprint.now().peak_memory_mib - self._before.memory_mib)
        scene.doubts += _doubts_of_latency(alone, beside)
        scene.doubts += self._doubts_of_memory(scene, peak_mib)
        faults = tuple(dict.fromkeys(scene.faults + scene.doubts))
        result = AttackResult(
            name=attack.name,
            kind=attack.kind,
            tries=attack.tries,
            expected=attack.expected,
            got="; ".join(dict.fromkeys(scene.endings)),
            held=not faults,
            faults=faults,
            seconds=round(seconds, 4),
            neighbour_alone_ms=round(alone.p50_ms, 3),
            neighbour_p50_ms=round(beside.p50_ms, 3),
            neighbour_p99_ms=round(beside.p99_ms, 3),
            neighbour_max_ms=round(beside.max_ms, 3),
            memory_mib=round(peak_mib, 1),
        )
        return result, bool(scene.faults)

    def _doubts_of_memory(self, scene: Scene, peak_mib: float) -> Iterator[str]:
        bound_mib = scene.contract.resource_limits.max_memory_mb + scene.attack.extra_memory_mib
        if peak_mib > bound_mib:
            yield f"the process grew by {peak_mib:.0f} MiB (bound {bound_mib})"
        scene.forget()
        before, after = self._before, Footprint.after_cleaning()
        self._before = after
        if after.memory_mib - before.memory_mib > LEFT_BEHIND_MIB:
            yield f"{after.memory_mib - before.memory_mib:.0f} MiB stayed behind (bound {LEFT_BEHIND_MIB:.0f})"
        if after.threads - before.threads > _IDLE_THREADS:
            yield f"{after.threads - before.threads} threads stayed behind"
        if after.files > before.files + 2:
            yield f"{after.files - before.files} files stayed open"


def _doubts_of_latency(alone: Latency, beside: Latency) -> Iterator[str]:
    bound_ms = max(MEDIAN_FACTOR * alone.p50_ms, MEDIAN_FLOOR_MS)
    if beside.p50_ms > bound_ms:
        yield f"the neighbour's median rose from {alone.p50_ms:.2f} to {beside.p50_ms:.2f} ms (bound {bound_ms:.1f})"
    if beside.max_ms > WORST_MS:
        yield f"a task of the neighbour took {beside.max_ms:.0f} ms (bound {WORST_MS:.0f})"
