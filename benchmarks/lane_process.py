"""The inside of a lane: one contender, or one probe, in a process of its own.

Started by `lanes` as ``lane_process.py JOB FUNCTION ARGUMENTS THREAD``. Job ``race``: ``FUNCTION`` is a context
manager that gives a `batches.Batch`; numbers of calls come in on standard input, the nanoseconds they took go out.
Job ``probe``: ``FUNCTION`` is called once, and what it returns goes out. Everything is a line of JSON.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.contenders.names import advice  # noqa: E402 - now that it can be found

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

_PR_SET_PDEATHSIG = 1


def find(name: str) -> Any:
    """The function behind ``module:function``."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def on_thread(function: Callable[[], None]) -> None:
    """Run on a thread that is not the main one; end with status 1 when it fails there."""
    finished = []

    def run() -> None:
        function()
        finished.append(True)

    thread = threading.Thread(target=run, name="measured")
    thread.start()
    thread.join()
    if not finished:
        raise SystemExit(1)


def absence(error: ImportError | FileNotFoundError) -> str:
    """What is not here, and how to get it."""
    if isinstance(error, ImportError):
        return f"{error}{advice(error.name or '')}"
    return f"{error.strerror or error}: {error.filename}{advice(str(error.filename))}"


def race(function: str, arguments: dict[str, Any], answers: TextIO) -> None:
    """Set the contender up, say so, and run the batches that are asked for."""

    def say(answer: Any) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    with contextlib.ExitStack() as stack:
        try:
            batch = stack.enter_context(find(function)(**arguments))
            batch(1)
        except (ImportError, FileNotFoundError) as error:
            say({"missing": absence(error)})
            return
        # What setting up left behind is not the measured call's to collect.
        gc.collect()
        gc.freeze()
        say({"ready": True})
        for line in sys.stdin:
            say(batch(int(line)))


def probe(function: str, arguments: dict[str, Any], answers: TextIO) -> None:
    """Call the function and tell its answer, or that it has not got what it needs."""
    try:
        answer = {"answer": find(function)(**arguments)}
    except ModuleNotFoundError as error:
        answer = {"missing": absence(error)}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def main() -> None:
    """Do the job of the command line."""
    if sys.platform == "linux":  # a lane that stands still would otherwise outlive the one who stopped it
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    job, function, arguments, thread = sys.argv[1:]
    # What contenders print is not an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    run = {"race": race, "probe": probe}[job]

    def work() -> None:
        run(function, json.loads(arguments), answers)

    if thread == "main":
        work()
    else:
        on_thread(work)


if __name__ == "__main__":
    main()
