"""Lanes: every contender in a process of its own, one moving at a time.

In one process contenders slow each other down (a ticker here, a timer thread there, one garbage collector for all), so
each gets its own, and those that are not being measured are stopped with a signal. Rounds go A B C, C B A, A B C: each
round gives one figure of each, taken within a fraction of a second of each other, and the drift of the machine cancels.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import attrs

from benchmarks.figures import Row, Spread, ratios

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.figures import Bar

_PROGRAM = Path(__file__).with_name("lane_process.py")
#: A batch lasts about this long, so that starting and stopping lanes weighs nothing.
BATCH_NS = 25_000_000
_MAX_CALLS = 20_000
_NS = {"us": 1e3, "ms": 1e6, "s": 1e9}


class LaneError(RuntimeError):
    """A contender failed; its own words are on standard error."""


@attrs.frozen
class Contender:
    """Who runs: a name for people, and ``module:function`` with its arguments, plain JSON data.

    The function is a context manager that gives a `batches.Batch`.
    """

    name: str
    function: str
    arguments: dict[str, Any] = attrs.field(factory=dict)
    main_thread: bool = False


class Lane:
    """A contender's process. It stands still but for its batches."""

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        self.calls = 1
        self.missing: str | None = None
        thread = "main" if contender.main_thread else "other"
        self._process = _start("race", contender.function, contender.arguments, thread)

    def get_ready(self, batch_ns: int) -> None:
        """Wait until the contender is set up, and find how many calls fill a batch."""
        self.missing = self._read().get("missing")
        if self.missing is not None:
            return
        took_ns = self._batch(1)
        while took_ns < batch_ns // 2 and self.calls < _MAX_CALLS:
            self.calls = min(_MAX_CALLS, max(2 * self.calls, batch_ns * self.calls // max(took_ns, 1)))
            took_ns = self._batch(self.calls)
        self._process.send_signal(signal.SIGSTOP)

    def run(self) -> float:
        """Run one batch: nanoseconds of one call."""
        self._process.send_signal(signal.SIGCONT)
        took_ns = self._batch(self.calls)
        self._process.send_signal(signal.SIGSTOP)
        return took_ns / self.calls

    def close(self) -> None:
        """End the process; a contender that hangs is killed."""
        self._process.send_signal(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired, BrokenPipeError):
            self._process.communicate(timeout=20)
        self._process.kill()
        self._process.wait()

    def _batch(self, calls: int) -> int:
        _pipe(self._process.stdin).write(f"{calls}\n")
        _pipe(self._process.stdin).flush()
        took_ns: int = self._read()
        return took_ns

    def _read(self) -> Any:
        line = _pipe(self._process.stdout).readline()
        if not line:
            raise LaneError(f"'{self.contender.name}' ended with status {self._process.wait()}")
        return json.loads(line)


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def _start(*arguments: Any) -> subprocess.Popen[str]:
    job, function, values, thread = arguments
    return subprocess.Popen(
        [sys.executable, str(_PROGRAM), job, function, json.dumps(values), thread],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )


@attrs.frozen
class Race:
    """The figures of all lanes, in nanoseconds of one call, round by round; and who could not take part, and why."""

    rounds: dict[str, list[float]]
    missing: dict[str, str]

    def row(
        self, what: str, ours: str, peer: str = "", *, unit: str = "us", bar: Bar | None = None, note: str = ""
    ) -> Row:
        """One of ours beside one of theirs; without the peer's figures where it is missing.

        Raises `LaneError` when it is ours that is missing.
        """
        if ours in self.missing:
            raise LaneError(f"'{ours}' cannot run: {self.missing[ours]}")
        per_unit = _NS[unit]
        own = self.rounds[ours]
        theirs = self.rounds.get(peer)
        return Row(
            what=what,
            ours=Spread.of(own).median / per_unit,
            unit=unit,
            peer=peer,
            theirs=None if theirs is None else Spread.of(theirs).median / per_unit,
            ratio=None if theirs is None else ratios(own, theirs),
            bar=bar,
            note=note,
            missing=f"{peer}: {self.missing[peer]}" if peer in self.missing else "",
        )

    def quickest(self, ours: str, peer: str) -> str:
        """The best batch of each in words: what a machine with nothing else to do might show."""
        if peer not in self.rounds:
            return ""
        own, theirs = min(self.rounds[ours]) / 1e3, min(self.rounds[peer]) / 1e3
        return f"the quickest batch of each: {own:.1f} and {theirs:.1f} us"


def race(contenders: Sequence[Contender], rounds: int, *, heats: int = 1, batch_ns: int = BATCH_NS) -> Race:
    """Let the contenders run against each other, in ``heats`` of new processes with their part of the rounds each.

    One process may be lucky with where its code lies in memory, by some percent. Raises `LaneError` when one fails.
    """
    figures: dict[str, list[float]] = {}
    missing: dict[str, str] = {}
    for heat in range(heats):
        with _open(contenders, batch_ns) as lanes:
            missing |= {lane.contender.name: lane.missing for lane in lanes if lane.missing is not None}
            ready = [lane for lane in lanes if lane.missing is None]
            for number in range(rounds * heat // heats, rounds * (heat + 1) // heats):
                for lane in ready if number % 2 == 0 else reversed(ready):
                    figures.setdefault(lane.contender.name, []).append(lane.run())
    for name in figures.keys() & missing.keys():
        raise LaneError(f"'{name}' took part in some heats only: {missing[name]}")
    return Race(figures, missing)


@contextlib.contextmanager
def _open(contenders: Iterable[Contender], batch_ns: int) -> Iterator[list[Lane]]:
    lanes: list[Lane] = []
    try:
        for contender in contenders:
            lanes.append(Lane(contender))
            lanes[-1].get_ready(batch_ns)
        yield lanes
    finally:
        for lane in lanes:
            lane.close()


def probe(function: str, **arguments: Any) -> Any:
    """What ``module:function`` returns in a process of its own, on a thread that is not its main one.

    Raises `LaneError` when it fails, ModuleNotFoundError when it needs what is not installed.
    """
    process = _start("probe", function, arguments, "other")
    answer, _ = process.communicate()
    if process.returncode or not answer:
        raise LaneError(f"'{function}' ended with status {process.returncode}")
    told = json.loads(answer)
    if "missing" in told:
        raise ModuleNotFoundError(told["missing"])
    return told["answer"]
