"""The process that is attacked: runs the attacks named on standard input and answers with a line of JSON for each.

At the end of its input it closes everything and says what is left of it. Its parent (`arena`) survives whatever
happens here.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import sys
import time
from typing import IO, Any

import attrs

from infrafabric.attack.stage import Stage
from infrafabric.attack.watching import Footprint

#: An attack that takes so long hangs: the stacks of all threads go to standard error.
HANG_SECONDS = 60.0
#: Workers end after ten idle seconds at the latest.
_SETTLE_SECONDS = 15.0


def main(party: str) -> None:
    """Serve until standard input ends. ``party`` is ``module:name`` of a tuple of attacks."""
    answers = _private_stdout()
    module, _, name = party.partition(":")
    attacks = {attack.name: attack for attack in getattr(importlib.import_module(module), name)}
    with Stage() as stage:
        before = Footprint.after_cleaning()
        _answer(answers, {"ready": True})
        for line in sys.stdin:
            faulthandler.dump_traceback_later(HANG_SECONDS, repeat=False)
            result = stage.run(attacks[line.strip()])
            faulthandler.cancel_dump_traceback_later()
            _answer(answers, attrs.asdict(result))
    _answer(answers, {"before": attrs.asdict(before), "after": attrs.asdict(_settled(before))})


def _settled(before: Footprint) -> Footprint:
    """What is left once idle threads had the time to end."""
    end = time.monotonic() + _SETTLE_SECONDS
    while (after := Footprint.after_cleaning()).workers > before.workers and time.monotonic() < end:
        time.sleep(0.25)
    return after


def _private_stdout() -> IO[str]:
    """Standard output for our answers alone: whatever else prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def _answer(answers: IO[str], data: dict[str, Any]) -> None:
    answers.write(json.dumps(data) + "\n")
    answers.flush()
