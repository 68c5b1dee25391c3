"""What the demo's callers ask for: mostly sensible things, and from one swarm more than it can do.

Every sequence is fixed: call number 7 of a swarm is the same in every run, so that what is seen can be told of.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

_JSON: Final = "application/json"
_TEXT: Final = "text/plain"

#: So many calls go well before the runaway forgets to stop: about eight seconds.
_CALM_CALLS: Final = 32


@attrs.frozen
class Call:
    """One request: a task with its body."""

    task: str
    content_type: str
    body: bytes


@attrs.frozen(kw_only=True)
class Caller:
    """Asks one swarm so often, with so many requests under way at most; ``call`` makes number 0, 1, 2 and so on."""

    swarm_id: str
    per_second: float
    threads: int
    call: Callable[[int], Call]


def _json_call(task: str, value: object) -> Call:
    return Call(task, _JSON, json.dumps(value).encode())


_SOURCE: Final = """\
import os
import pickle


def load(data, seen=[]):
    try:
        return pickle.loads(data)
    except:
        return eval(data)
"""


def _analyze(number: int) -> Call:
    """A small file, and every tenth time a larger one."""
    source = _SOURCE * (40 if number % 10 == 9 else 1)
    return _json_call("analyze_code", {"file": f"module_{number % 10}.py", "source": source})


_DOCUMENTS: Final = (
    '{"name": "infrafabric", "tags": ["wasm", "slo"], "stars": 5}',
    "[1, 2, 3, [4, [5, [6]]]]",
    '{"name": "no end"',
    '"a text"',
)


def _validate(number: int) -> Call:
    """Texts that are JSON and texts that are not; every thirtieth call is the caller's own mistake."""
    task = "validat" if number % 30 == 29 else "validate"
    return Call(task, _TEXT, _DOCUMENTS[number % len(_DOCUMENTS)].encode())


def _count_words(number: int) -> Call:
    """A short text, and every thirtieth time one that takes longer than the target."""
    words = "the quick brown fox jumps over the lazy dog "
    return Call("word_frequency", _TEXT, (words * (60_000 if number % 30 == 29 else 20)).encode())


def _slug(number: int) -> Call:
    """A title, and every eightieth time one without a letter."""
    title = "?!" if number % 80 == 40 else f"Number {number}: what a swarm may do"
    return Call("process", _TEXT, title.encode())


def _fib(number: int) -> Call:
    """A small number; five times in a hundred, in a row, one that is too large."""
    return _json_call("fib", [30 if 40 <= number % 100 < 45 else 14])


def _spin(number: int) -> Call:
    """A little work; after a while every third task never ends by itself."""
    if number >= _CALM_CALLS and number % 3 == 0:
        return _json_call("spin", [])
    return _json_call("spin_for", [200_000])


CALLERS: Final = (
    Caller(swarm_id="code-analyzer", per_second=5, threads=1, call=_analyze),
    Caller(swarm_id="json-validator", per_second=20, threads=2, call=_validate),
    Caller(swarm_id="text-tool", per_second=3, threads=1, call=_count_words),
    Caller(swarm_id="slug-maker", per_second=4, threads=1, call=_slug),
    Caller(swarm_id="number-cruncher", per_second=3, threads=1, call=_fib),
    Caller(swarm_id="runaway", per_second=4, threads=5, call=_spin),
)
