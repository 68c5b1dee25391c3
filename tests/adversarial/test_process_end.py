"""Interpreters that start or end at a bad moment: each in a process of its own, whose end is what is looked at."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]

_BEGIN = '''
import asyncio, faulthandler, os, signal, sys, tempfile, threading, time
from infrafabric.chassis import IFChassis
from infrafabric.testing import contract, wat
MODULE = """(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1)
  (data (i32.const 0) "a\\\\1bb")
  (func (export "spin") (loop (br 0)))
  (func (export "say") (param i32 i32) (result i32) (call $log (i32.const 0) (i32.const 3)) (i32.const 42))
  (func (export "outside") (drop (i32.load (i32.const 70000)))))"""
folder = tempfile.mkdtemp()
chassis = IFChassis(cache_dir=folder, witness_enabled=False)
limits = {"max_concurrent_tasks": 8, "max_execution_time_seconds": 600.0, "max_cpu_percent": 800}
chassis.load_swarm("swarm", wat(MODULE), contract("swarm", resource_limits=limits))
'''

#: name -> (program, exit status)
ENDINGS = {
    "futures run": ("for _ in range(8): chassis.submit_task('swarm', 'spin')\ntime.sleep(0.1)", 0),
    "futures run, and an error": ("chassis.submit_task('swarm', 'spin')\ntime.sleep(0.1)\nraise ValueError", 1),
    "futures run, and sys.exit": ("chassis.submit_task('swarm', 'spin')\ntime.sleep(0.1)\nsys.exit(7)", 7),
    "a daemon thread is inside a guest": (
        (
            "def inside(): chassis.execute_task('swarm', 'spin', check=False)\n"
            "threading.Thread(target=inside, daemon=True).start()\ntime.sleep(0.1)"
        ),
        0,
    ),
    "another thread is inside a guest until it is cancelled": (
        (
            "future = chassis.submit_task('swarm', 'spin', check=False)\n"
            "threading.Thread(target=future.result).start()\n"
            "threading.Timer(0.2, future.cancel).start()"
        ),
        0,
    ),
    "asyncio.run was interrupted": (
        (
            "async def main():\n"
            "    task = asyncio.create_task(chassis.execute_task_async('swarm', 'spin'))\n"
            "    await asyncio.sleep(0.1)\n"
            "asyncio.run(main())"
        ),
        0,
    ),
    "faulthandler came last": (
        "faulthandler.enable()\nassert chassis.execute_task('swarm', 'outside', check=False).status == 'trap'",
        0,
    ),
    "exit handlers run tasks": (
        (
            "import atexit\n"
            "@atexit.register\n"
            "def late():\n"
            "    status = chassis.execute_task('swarm', 'say', {}, check=False).status\n"
            "    os.write(2, b'' if status in ('success', 'cancelled') else status.encode())"
        ),
        0,
    ),
    "garbage is collected while guests run": (
        (
            "import gc\nfuture = chassis.submit_task('swarm', 'spin', check=False)\ntime.sleep(0.05)\n"
            "for _ in range(50): gc.collect()\nfuture.cancel()\nassert future.result(10).status == 'cancelled'"
        ),
        0,
    ),
}

#: What a process that crashes, or is not at peace with its threads, says.
_CRASHES = ("Fatal Python error", "panicked", "Segmentation", "free():", "Aborted", "Exception ignored")
_PROMPT_SECONDS = 8.0


def start(program: str) -> subprocess.Popen[str]:
    """A fresh interpreter with a chassis, which goes on with ``program``."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", _BEGIN + program],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("program", "status"), [pytest.param(*item, id=name) for name, item in ENDINGS.items()])
def test_the_interpreter_ends(program: str, status: int) -> None:
    """Whatever runs when the program ends: the process ends soon, as it would without, and says nothing of a crash."""
    started = time.monotonic()
    process = start(program)
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - started < _PROMPT_SECONDS
    assert process.returncode == status, said
    assert not any(word in said for word in _CRASHES), said
    assert not said or "ValueError" in said


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, -signal.SIGTERM)],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_signal_ends_a_process_inside_a_guest(number: signal.Signals, status: int) -> None:
    """Ctrl-C and a service manager's signal end a process whose main thread is inside a spinning guest, at once."""
    process = start("print('in', flush=True)\nchassis.execute_task('swarm', 'spin')")
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    time.sleep(0.2)
    sent = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - sent < _PROMPT_SECONDS
    assert process.returncode == status, said
    assert not any(word in said for word in _CRASHES), said


def test_the_first_record_of_a_process_near_the_recursion_limit() -> None:
    """What is only done the first time takes no frames that are not there: the task runs, or does not begin."""
    program = """
def at(depth):
    return at(depth - 1) if depth else chassis.execute_task("swarm", "say", {}, check=False).status
seen = set()
for left in range(80):
    try:
        seen.add(at(sys.getrecursionlimit() - left))
    except RecursionError:
        pass
print(sorted(seen))
"""
    out, said = start(program).communicate(timeout=60)
    assert out == "['success']\n", said
