"""What a chassis would have left behind, and files of events."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from infrafabric.chassis.history import HistoryFolder
from infrafabric.errors import Outcome
from infrafabric.telemetry import ObjectiveTargets, SloEngine
from infrafabric.telemetry.slo.store import read_state, write_state

if TYPE_CHECKING:
    from pathlib import Path

#: An hour that began on the hour.
T0 = 1_763_625_600


def save(
    folder: Path, subject: str, *, good: int, bad: int, minutes_ago: int = 1, targets: dict[str, Any] | None = None
) -> None:
    """A history with successes and traps, all at one moment, as a chassis names its file.

    It says what was promised only where ``targets`` are given.
    """
    now_ns = time.time_ns()
    shift_ns = -minutes_ago * 60 * 10**9
    engine = SloEngine(
        ObjectiveTargets(), lambda: now_ns + shift_ns, lambda: (now_ns + shift_ns) / 1e9, subject=subject
    )
    for number in range(good + bad):
        engine.record(Outcome.TRAP if number < bad else Outcome.SUCCESS, 1_000_000)
    shift_ns += 30 * 10**9
    history = HistoryFolder(folder)
    path = history.file_of(subject)
    engine.save(path)
    state = read_state(path)
    assert state is not None
    write_state(
        path,
        {key: value for key, value in state.items() if key != "targets"} | ({"targets": targets} if targets else {}),
    )
    history.close()


def contract(folder: Path, swarm_id: str, text: str = "") -> Path:
    """A contract's file."""
    path = folder / f"{swarm_id}.yaml"
    path.write_text(f"swarm_id: {swarm_id}\n{text}")
    return path


def lines(path: Path, records: list[dict[str, Any]]) -> Path:
    """A file of events."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def outage() -> list[dict[str, Any]]:
    """Two hours of a task every two seconds; from the second hour on ten minutes of them fail."""
    return [
        {
            "at": T0 + at,
            "outcome": "trap" if 3600 <= at < 4200 else "success",
            "latency_seconds": 0.02,
        }
        for at in range(0, 7200, 2)
    ]
