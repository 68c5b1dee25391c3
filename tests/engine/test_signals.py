"""Signals on the main thread: Ctrl-C ends a guest at once, other handlers run, and nothing is corrupted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.engine.driving import python

#: Runs each situation in one process, one after the other: a signal is sent a moment after the guest was entered.
PROGRAM = r'''
import json, os, signal, sys, tempfile, threading, time
from infrafabric.chassis import IFChassis
from infrafabric.testing import contract, wat
from tests.engine import bombs

GUEST = wat("""(module
  (import "env" "log" (func $log (param i32 i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 512)
  (func (export "spin") (loop (br 0)))
  (func (export "sleep")
    (i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 100000000000))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))))
  (func (export "host")
    (loop (drop (call $random (i32.const 1024) (i32.const 65536))) (call $log (i32.const 0) (i32.const 8)) (br 0)))
  (func (export "long_host") (loop (drop (call $random (i32.const 0) (i32.const 33554432))) (br 0)))
  (func (export "spin_a_while") (result i32) (local $left i32) (local.set $left (i32.const 600000000))
    (loop (local.set $left (i32.sub (local.get $left) (i32.const 1))) (br_if 0 (local.get $left))) (i32.const 7))
  (func (export "quick") (result i32) (i32.const 7)))""")
START = wat('(module (func $s (loop (br 0))) (start $s) (func (export "f")))')
BOMB = bombs.table_copies(40_000)

class Alarm(Exception):
    pass

def raise_alarm(number, frame):
    raise Alarm("from the handler")

calls = []
def note(number, frame):
    calls.append(time.perf_counter())

signal.signal(signal.SIGALRM, raise_alarm)
signal.signal(signal.SIGUSR1, note)

chassis = IFChassis(cache_dir=tempfile.mkdtemp())
chassis.load_swarm("free", GUEST, contract("free", resource_limits={"max_execution_time_seconds": 20}))
SLOW = {"max_cpu_percent": 1, "max_execution_time_seconds": 20}
chassis.load_swarm("slow", GUEST, contract("slow", resource_limits=SLOW))
chassis.load_swarm("kept", GUEST, contract("kept", execution={"instance": "swarm"}))

def task(swarm, name):
    return lambda: chassis.execute_task(swarm, name).status

def load(data, seconds):
    return lambda: chassis.load_swarm("new", data, contract("new", resource_limits={"max_load_seconds": seconds}))

SITUATIONS = {
    "spinning": (task("free", "spin"), signal.SIGINT),
    "in a kept instance": (task("kept", "spin"), signal.SIGINT),
    "sleeping": (task("free", "sleep"), signal.SIGINT),
    "throttled": (task("slow", "spin"), signal.SIGINT),
    "in a host function": (task("free", "host"), signal.SIGINT),
    "in a long host function": (task("free", "long_host"), signal.SIGINT),
    "compiling": (load(BOMB, 20), signal.SIGINT),
    "in the start function": (load(START, 20), signal.SIGINT),
    "a handler that raises": (task("free", "spin"), signal.SIGALRM),
    "a handler that raises, sleeping": (task("free", "sleep"), signal.SIGALRM),
    "a handler that returns": (task("free", "spin_a_while"), signal.SIGUSR1),
}

results = {}
for name, (act, number) in SITUATIONS.items():
    calls.clear()
    sent = []
    def send():
        time.sleep(0.15)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), number)
    thread = threading.Thread(target=send)
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGALRM, signal.SIGUSR1)]
    thread.start()
    try:
        ended = str(act())
    except BaseException as error:
        ended = type(error).__name__
    took = time.perf_counter() - (sent[0] if sent else 0)
    thread.join()
    results[name] = {
        "ended": ended,
        "late_ms": took * 1e3,
        "handled": len(calls),
        "handled_late_ms": (calls[0] - sent[0]) * 1e3 if calls else None,
        "handlers_back": handlers == [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGALRM, signal.SIGUSR1)],
        "usable": [chassis.execute_task(swarm, "quick").output for swarm in ("free", "kept")],
        "loaded": chassis.list_loaded_swarms(),
    }
chassis.close()
print(json.dumps(results))
'''

SITUATIONS = {
    "spinning": "KeyboardInterrupt",
    "in a kept instance": "KeyboardInterrupt",
    "sleeping": "KeyboardInterrupt",
    "throttled": "KeyboardInterrupt",
    "in a host function": "KeyboardInterrupt",
    "in a long host function": "KeyboardInterrupt",
    "compiling": "KeyboardInterrupt",
    "in the start function": "KeyboardInterrupt",
    "a handler that raises": "Alarm",
    "a handler that raises, sleeping": "Alarm",
    "a handler that returns": "success",
}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Any]:
    """What became of each situation."""
    done = python(PROGRAM, seconds=90)
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout)
    assert list(results) == list(SITUATIONS)
    return results


@pytest.mark.timing
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_signal_on_the_main_thread(outcomes: dict[str, Any], situation: str) -> None:
    """What the handler raises comes out of the call, at once; handlers are in place and the chassis usable after it."""
    outcome = outcomes[situation]
    assert outcome["ended"] == SITUATIONS[situation]
    assert outcome["handlers_back"]
    assert outcome["usable"] == [7, 7]
    assert outcome["loaded"] == ["free", "slow", "kept"]
    if SITUATIONS[situation] == "success":
        assert outcome["handled"] == 1
        assert outcome["handled_late_ms"] < 100
    else:
        assert outcome["late_ms"] < 150


MANY = r'''
import os, signal, sys, tempfile, threading, time
from infrafabric.chassis import IFChassis
from infrafabric.testing import contract, wat
chassis = IFChassis(cache_dir=tempfile.mkdtemp())
chassis.load_swarm("s", wat("""(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1)
  (func (export "f") (param $left i32) (result i32)
    (loop (call $log (i32.const 0) (i32.const 1)) (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if 0 (local.get $left))) (i32.const 7)))"""), contract("s"))
interrupts = done = 0
end = time.monotonic() + float(sys.argv[1])
def send():
    while time.monotonic() < end:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.0005)
thread = threading.Thread(target=send)
def rain(layers):
    global done, interrupts
    while time.monotonic() < end + 0.1:
        try:
            if layers:  # for the Ctrl-C that comes before the line that counts the last one
                rain(layers - 1)
            while time.monotonic() < end + 0.1:
                output = chassis.execute_task("s", "f", [20]).output
                assert output == 7, output
                done += 1
        except KeyboardInterrupt:
            interrupts += 1
threading.Timer(0.1, thread.start).start()
rain(4)
thread.join()
handler = signal.getsignal(signal.SIGINT)
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    last = chassis.execute_task("s", "f", [-1], 3.0, check=False).status
except KeyboardInterrupt:
    last = "interrupted"
running = chassis.get_runtime_stats("s")["tasks_running"]
chassis.close()
print(interrupts > 50, done > 50, running, handler is signal.default_int_handler, last)
'''


@pytest.mark.timing
def test_a_rain_of_signals_corrupts_nothing() -> None:
    """A thousand Ctrl-C before, in and after tasks that call back: each comes out as itself, and the next one does."""
    done = python(MANY, "1.5", seconds=20)
    assert (done.returncode, done.stdout.strip()) == (0, "True True 0 True interrupted"), done.stderr


THREAD = r"""
import os, signal, sys, tempfile, threading, time
from infrafabric.chassis import IFChassis
from infrafabric.testing import contract, wat
chassis = IFChassis(cache_dir=tempfile.mkdtemp())
chassis.load_swarm("s", wat('(module (func (export "spin") (loop (br 0))))'), contract("s"))
future = chassis.submit_task("s", "spin", None, 10.0)
time.sleep(0.2)
started = time.perf_counter()
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    future.result()
except KeyboardInterrupt:
    print("KeyboardInterrupt", time.perf_counter() - started < 1, future.done(), future.cancel())
chassis.close()
"""


@pytest.mark.timing
def test_a_guest_on_another_thread_is_none_of_the_signals_business() -> None:
    """Ctrl-C while the main thread waits for a task of another thread interrupts the wait; the guest goes on."""
    done = python(THREAD)
    assert done.stdout.strip() == "KeyboardInterrupt True False True", done.stderr
