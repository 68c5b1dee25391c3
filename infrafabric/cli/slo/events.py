"""Past events from JSON lines: what `infrafabric.witness` logged, or anybody else."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from infrafabric.errors import Blame, Outcome, escape
from infrafabric.telemetry.slo.replay import PastEvent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LINE_MAX = 1 << 20
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
#: Times up to the year 2200.
_AT_MAX = 7.2e9
_SECONDS_MAX = 90 * 86_400.0


def read_events(path: Path, swarm: str | None, task: str | None) -> list[PastEvent]:
    """The events of a swarm (None: of the only one there is) and task (None: all). `click.UsageError` with the line."""
    name = escape(str(path), 200)
    found: list[PastEvent] = []
    swarms: set[str] = set()
    try:
        with path.open("rb") as file:
            for number, record in _records(file, name):
                about = record.get("swarm_id")
                if swarm is not None and about not in {None, swarm}:
                    continue
                if task is not None and record.get("task_name") != task:
                    continue
                if isinstance(about, str):
                    swarms.add(about)
                found.append(_event(record, f"{name}:{number}"))
    except OSError as error:
        raise click.UsageError(f"cannot read '{name}': {error.strerror}") from None
    if len(swarms) > 1:
        known = ", ".join(escape(about, 100) for about in sorted(swarms)[:10])
        raise click.UsageError(f"'{name}' has events of {len(swarms)} swarms: give --swarm, one of {known}")
    if not found:
        raise click.UsageError(
            f"'{name}' has no event" + ("" if swarm is None else f" of swarm '{escape(swarm, 100)}'")
        )
    return found


def _records(file: Any, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines that say how a task ended. The witness logs other events, too."""
    number = 0
    while line := file.readline(_LINE_MAX):
        number += 1
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            raise click.UsageError(
                f'{name}:{number}: expected a JSON object, as in {{"at": 1763625600, "outcome": "trap"}}'
            )
        if record.get("event", "task_ended") == "task_ended":
            yield number, record


def _event(record: dict[str, Any], where: str) -> PastEvent:
    code = record.get("outcome", record.get("status"))
    blame = record.get("blame")
    outcome = _OUTCOMES.get(code) if isinstance(code, str) else None
    if outcome is None:
        raise click.UsageError(f"{where}: outcome is {_shown(code)}; expected one of {', '.join(_OUTCOMES)}")
    if blame is not None and blame not in list(Blame):
        raise click.UsageError(f"{where}: blame is {_shown(blame)}; expected one of {', '.join(Blame)}")
    seconds = record.get("latency_seconds", record.get("execution_time_seconds", 0))
    if not _is_number(seconds) or not 0 <= seconds <= _SECONDS_MAX:
        raise click.UsageError(f"{where}: latency_seconds is {_shown(seconds)}; expected seconds, from 0")
    return PastEvent(_time(record.get("at"), where), outcome, float(seconds), None if blame is None else Blame(blame))


def _time(at: Any, where: str) -> float:
    seconds = at
    if isinstance(at, str):
        try:
            moment = datetime.fromisoformat(at)
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except ValueError:
            seconds = None
    if not _is_number(seconds) or not 0 <= seconds <= _AT_MAX:
        raise click.UsageError(
            f"{where}: at is {_shown(at)}; expected epoch seconds, or a time as 2026-11-20T08:00:00Z"
        )
    return float(seconds)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shown(value: Any) -> str:
    return escape(json.dumps(value, default=str), 100)
