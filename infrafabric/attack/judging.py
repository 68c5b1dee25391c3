"""What has to hold whatever a guest does: each function looks at one thing and yields what is wrong with it."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from infrafabric.attack.neighbour import KEEPER, SERVER
from infrafabric.errors import InfraFabricError, Outcome, escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.chassis import TaskResult
    from infrafabric.contract import ServiceContract

#: No text that comes from a guest is longer than this, escapes included.
_MAX_TEXT = 65_536
#: A result of more items is not turned into text to see whether that works: it would stop all other threads meanwhile.
_MANY_ITEMS = 1000
#: Loggers whose warnings are other people's: guests, and the witness, which tells of them.
_NOT_THE_HOST = ("infrafabric.swarm.", "infrafabric.witness")
#: A bucket of CPU time, and a late look at it.
_CPU_SLACK_SECONDS = 0.1


def faults_of_text(where: str, text: str) -> Iterator[str]:
    """Text that could hurt a terminal, a log file or whoever reads it."""
    if not text.isprintable():
        yield f"{where} holds characters that are not printable: {escape(text, 80)}"
    if len(text) > _MAX_TEXT:
        yield f"{where} has {len(text):,} characters"


def faults_of_load_error(error: BaseException) -> Iterator[str]:
    """A refusal is one of our errors, and safe to print."""
    if not isinstance(error, InfraFabricError):
        yield f"loading raised {type(error).__name__}, which is none of infrafabric's errors: {escape(str(error), 200)}"
    yield from faults_of_text("the load error", str(error))


def faults_of_result(result: TaskResult, contract: ServiceContract, late_seconds: float) -> Iterator[str]:
    """A result stays within its contract, blames nobody else, and is safe to print and to pass on."""
    limits, usage = contract.resource_limits, result.usage
    if result.outcome is Outcome.INTERNAL:
        yield f"internal error: {result.error}"
    if result.error is not None:
        yield from faults_of_text("the error", result.error.message)
        for line in result.error.backtrace.splitlines():
            yield from faults_of_text("the backtrace", line)
    for record in result.logs:
        yield from faults_of_text("a log record", record.text)
    if not isinstance(result.output, (list, dict)) or len(result.output) < _MANY_ITEMS:
        json.dumps(result.to_dict(), allow_nan=False)
    if usage.peak_memory_bytes > limits.max_memory_bytes:
        yield f"it used {usage.peak_memory_bytes:,} bytes of memory and may use {limits.max_memory_bytes:,}"
    share = limits.max_cpu_percent / 100
    if usage.cpu_seconds > share * usage.wall_seconds + _CPU_SLACK_SECONDS + late_seconds:
        yield f"it used {usage.cpu_seconds:.3f} s of CPU in {usage.wall_seconds:.3f} s with a share of {share:g}"
    if usage.log_bytes > limits.max_log_bytes_per_second * (1 + usage.wall_seconds):
        yield f"it logged {usage.log_bytes:,} bytes in {usage.wall_seconds:.3f} s"


def faults_of_records(records: list[logging.LogRecord], swarm_id: str, neighbour_said: list[str]) -> Iterator[str]:
    """Each record is its own swarm's, on one line; the neighbour's are complete."""
    heard: list[str] = []
    for record in records:
        message, _, logger = record.getMessage(), *record.name.rpartition("infrafabric.swarm.")[1:]
        yield from faults_of_text(f"a record of {record.name}", message)
        if record.name.startswith("infrafabric.swarm."):
            prefix = f"[WASM:{logger}] "
            if not message.startswith(prefix) or logger not in (swarm_id, SERVER, KEEPER):
                yield f"a record of {record.name} begins {message[:40]!r}"
            if logger == SERVER:
                heard.append(message.removeprefix(prefix))
    if heard != neighbour_said:
        yield f"of {len(neighbour_said)} lines of the neighbour {len(heard)} arrived, or not as they were written"


def complaints(records: list[logging.LogRecord]) -> Iterator[str]:
    """What the host itself warned of. A busy machine may make it do so: ticks that come late, for one."""
    for record in records:
        if record.levelno >= logging.WARNING and not record.name.startswith(_NOT_THE_HOST):
            yield f"the host complained: {record.name}: {escape(record.getMessage(), 200)}"
