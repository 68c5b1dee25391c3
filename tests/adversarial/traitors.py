"""Attacks that succeed, to show that the arena sees it: they are helped from inside the process."""

from __future__ import annotations

import ctypes
import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from infrafabric.attack.attack import Attack, Call, run, text
from infrafabric.attack.neighbour import SERVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infrafabric.attack.scene import Scene

_WELL = text('(module (func (export "run") (result i32) (i32.const 42)))')
_HOARD: list[bytes] = []


def _abort(_scene: Scene) -> Iterable[str]:
    os.abort()


def _exit(_scene: Scene) -> Iterable[str]:
    os._exit(3)


def _hang(_scene: Scene) -> Iterable[str]:
    time.sleep(3600)
    return ()


def _hold_the_interpreter(_scene: Scene) -> Iterable[str]:
    ctypes.PyDLL(None).usleep(400_000)
    return ()


def _forge(_scene: Scene) -> Iterable[str]:
    logging.getLogger(f"infrafabric.swarm.{SERVER}").info("[WASM:%s] never said", SERVER)
    return ()


def _break_the_line(scene: Scene) -> Iterable[str]:
    logging.getLogger(f"infrafabric.swarm.{scene.swarm_id}").info("[WASM:%s] one\ntwo", scene.swarm_id)
    return ()


def _take_the_neighbour_away(scene: Scene) -> Iterable[str]:
    scene.chassis.unload_swarm(SERVER)
    return ()


def _hoard(_scene: Scene) -> Iterable[str]:
    _HOARD.append(b"x" * (200 << 20))
    return ()


def _leave_threads(_scene: Scene) -> Iterable[str]:
    for _ in range(40):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return ()


def _performs(name: str, perform: Callable[[Scene], Iterable[str]]) -> Attack:
    return Attack(name=name, kind="traitors", tries="Be helped from inside.", module=_WELL, perform=perform)


TRAITORS = (
    Attack(name="as-expected", tries="Do nothing.", module=_WELL, calls=run(output=42)),
    Attack(name="other-ending", tries="End otherwise.", module=_WELL, calls=run("trap")),
    Attack(name="other-output", tries="Answer otherwise.", module=_WELL, calls=run(output=41)),
    Attack(name="other-loading", tries="Load after all.", module=_WELL, load=("invalid_module",)),
    Attack(
        name="late",
        tries="End long after the deadline that was meant.",
        module=text('(module (func (export "run") (loop br 0)))'),
        calls=(Call(expect=("timeout",)),),
        limits={"max_execution_time_seconds": 0.1},
        late_seconds=-0.05,
    ),
    _performs("abort", _abort),
    _performs("exit", _exit),
    _performs("hang", _hang),
    _performs("hold-the-interpreter", _hold_the_interpreter),
    _performs("forge", _forge),
    _performs("break-the-line", _break_the_line),
    _performs("hoard", _hoard),
    _performs("leave-threads", _leave_threads),
    _performs("take-the-neighbour-away", _take_the_neighbour_away),
)
