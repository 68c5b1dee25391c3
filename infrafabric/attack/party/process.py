"""Attacks on the process, with what an application may do meanwhile: fault handlers, small stacks, signals, forks."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from infrafabric.attack.attack import Attack, Call, group, text
from infrafabric.attack.party.everyday import MODULE, TASKS, around, each_ends_well, unjudged
from infrafabric.engine import SCRIBE
from infrafabric.errors import ChassisClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infrafabric.attack.scene import Scene

_STACKS_KIB = (32, 64, 256, 512, 1024, 2048)
#: Distances from the recursion limit that are tried; a guest needs some twenty frames.
_FRAMES_LEFT = range(70)
_JOIN_SECONDS = 30.0


def _fault_handlers(scene: Scene) -> Iterable[str]:
    was_enabled = faulthandler.is_enabled()
    try:
        for turn in range(6):
            (faulthandler.disable if turn % 2 else faulthandler.enable)()
            yield from each_ends_well(f"after switching faulthandler {turn + 1} times", scene.execute)
        for number in (signal.SIGSEGV, signal.SIGFPE, signal.SIGILL, signal.SIGBUS):
            signal.signal(number, signal.SIG_DFL)
        yield from each_ends_well("after taking all handlers away", scene.execute)
    finally:
        (faulthandler.enable if was_enabled else faulthandler.disable)()


def _in_thread(work: Callable[[], object], stack_bytes: int = 0) -> None:
    before = threading.stack_size(stack_bytes)
    try:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join(_JOIN_SECONDS)


def _small_stacks(scene: Scene) -> Iterable[str]:
    faults: list[str] = []

    def run(kib: int) -> None:
        faults.extend(each_ends_well(f"on {kib} KiB of stack", unjudged(scene)))

    for kib in _STACKS_KIB:
        _in_thread(lambda kib=kib: run(kib), kib << 10)  # type: ignore[misc] # mypy cannot infer defaults of a lambda
    return faults


def _near_the_recursion_limit(scene: Scene) -> Iterable[str]:
    faults: list[str] = []
    with scene.neighbour.quiet():  # so that it is here that the first record starts its thread, which takes frames, too
        SCRIBE.flush(5.0)
        SCRIBE.reset()
        _climb(scene, faults)
    _in_thread(lambda: _climb(scene, faults))
    return dict.fromkeys(faults)


def _climb(scene: Scene, faults: list[str]) -> None:
    """Run each task from every depth near the limit: it runs as ever, or nothing runs."""
    top = sys.getrecursionlimit() - _depth() - 4
    for left in _FRAMES_LEFT:
        for task, params, expected in TASKS:
            with contextlib.suppress(RecursionError):
                status, error = _run_at(top - left, scene, task, params)
                if status != expected:
                    faults.append(f"{left} frames below the limit, {task} ended as {status}: {error}")


def _depth() -> int:
    depth, frame = 0, sys._getframe()  # noqa: SLF001 - there is no other way to ask
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    return depth


def _run_at(depth: int, scene: Scene, task: str, params: Any) -> tuple[str, object]:
    if depth > 0:
        return _run_at(depth - 1, scene, task, params)
    result = scene.chassis.execute_task(scene.swarm_id, task, params, check=False)
    return result.status, result.error


def _signals(scene: Scene) -> Iterable[str]:
    """Signals whose handlers run, and raise, while guests are inside."""
    if threading.current_thread() is not threading.main_thread():
        return
    before, seen = signal.getsignal(signal.SIGALRM), []

    def fail(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGALRM, lambda number, _frame: seen.append(number))
        signal.setitimer(signal.ITIMER_REAL, 0.0007, 0.0007)
        for _ in range(20):
            yield from each_ends_well("under a storm of signals", scene.execute)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, fail)
        yield from _interrupts(scene)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if not seen:
        yield "no signal handler ran"
    yield from each_ends_well("after the signals", scene.execute)


def _interrupts(scene: Scene) -> Iterable[str]:
    for _ in range(20):
        interrupted = False
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.005)
            scene.chassis.execute_task(scene.swarm_id, "spin", check=False)
        except KeyboardInterrupt:
            interrupted = True
        if not interrupted:
            yield "an interrupt did not come out of the task that it ended"


def _fork(scene: Scene) -> Iterable[str]:
    """A forked child is told that the chassis is not its own; the parent goes on."""
    child = os.fork()
    if not child:
        status = 1
        try:
            scene.chassis.execute_task(scene.swarm_id, "well", check=False)
        except ChassisClosedError:
            status = 0
        finally:
            os._exit(status)
    end = time.monotonic() + 10
    pid, ending = os.waitpid(child, os.WNOHANG)
    while not pid and time.monotonic() < end:
        time.sleep(0.005)
        pid, ending = os.waitpid(child, os.WNOHANG)
    if not pid:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        yield "a forked child hung"
    elif ending:
        yield f"a forked child ended with {os.waitstatus_to_exitcode(ending)}"
    yield from each_ends_well("after a fork", scene.execute)


ATTACKS = group(
    "process",
    around("fault-handlers", "Fault while faulthandler and other signal handlers come and go.", _fault_handlers),
    around("small-stacks", "Run, fault and recurse on threads with small stacks.", _small_stacks),
    around("recursion-limit", "Run where Python has almost no frames left.", _near_the_recursion_limit),
    around("signals", "Run under a storm of signals, and of handlers that raise.", _signals),
    around("fork", "Run while the application forks.", _fork),
    Attack(
        name="still-standing",
        tries="Run a plain task after everything.",
        module=text(MODULE),
        calls=(Call(task="well", output=42),),
    ),
)
