"""What a task's result is sent as: all of it as JSON, or its output alone; a problem when it did not succeed.

The JSON is that of `TaskResult.to_dict`, without its walk through every value: outputs are JSON data already, but for
bytes and numbers that JSON cannot hold. That walk costs half as much as running a small task.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import attrs

from infrafabric.chassis import Usage
from infrafabric.server.accepting import BYTES, JSON, TEXT
from infrafabric.server.asgi import send_bytes, send_problem, to_json
from infrafabric.server.problems import problem_of

if TYPE_CHECKING:
    from starlette.types import Send

    from infrafabric.chassis import TaskResult

#: Larger answers are written on a thread of their own.
_INLINE_BYTES: Final = 32 << 10
#: An output with more parts than this counts as large.
_INLINE_PARTS: Final = 500

_USAGE: Final = tuple(field.name for field in attrs.fields(Usage))


async def send_result(send: Send, result: TaskResult, media: str) -> None:
    """Answer with what came of a task, in a type of `MEDIA_TYPES`."""
    if not result.ok:
        await send_problem(send, problem_of(result))
    elif _is_small(result.output):
        await _send_output(send, *_encoded(result, media))
    else:
        await _send_output(send, *await asyncio.to_thread(_encoded, result, media))


async def _send_output(send: Send, media: str, body: bytes) -> None:
    await send_bytes(send, HTTPStatus.OK, body, (b"content-type", media.encode()), (b"vary", b"Accept"))


def _encoded(result: TaskResult, media: str) -> tuple[str, bytes]:
    """The answer's type and bytes: the whole result, or its output alone."""
    if media == JSON:
        return JSON, result_json(result)
    output = result.output
    if isinstance(output, bytes):  # no text, whatever was asked for
        return BYTES, output
    if isinstance(output, str):
        text = output
    else:
        text = "" if output is None else json.dumps(output, ensure_ascii=False, separators=(",", ":"))
    return f"{TEXT}; charset=utf-8" if media == TEXT else BYTES, text.encode("utf-8", "backslashreplace")


def result_json(result: TaskResult) -> bytes:
    """The JSON of a successful result, the same as of its `to_dict`."""
    usage = result.usage
    plain: dict[str, Any] = {
        "status": result.status,
        "swarm_id": result.swarm_id,
        "task_name": result.task_name,
        "execution_time_seconds": result.execution_time_seconds,
        "output": result.output,
        "usage": {name: getattr(usage, name) for name in _USAGE},
        "logs": [attrs.asdict(record) for record in result.logs],
        "metadata": result.metadata,
        "error": None,
    }
    try:
        return to_json(plain)
    except (TypeError, ValueError):  # bytes, NaN and infinities have words of their own
        return to_json(result.to_dict())


def _is_small(output: Any) -> bool:
    """Whether writing an output takes no notable time."""
    waiting, parts, size = [output], 0, 0
    while waiting:
        value = waiting.pop()
        parts += 1
        if isinstance(value, str | bytes):
            size += len(value)
        elif isinstance(value, dict):
            parts += len(value)
            waiting.extend(value.values() if len(value) <= _INLINE_PARTS else ())
        elif isinstance(value, list | tuple):
            parts += len(value)
            waiting.extend(value if len(value) <= _INLINE_PARTS else ())
        if parts > _INLINE_PARTS or size > _INLINE_BYTES:
            return False
    return True
