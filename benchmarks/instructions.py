"""Machine instructions of one task, counted by callgrind: exact on any machine, however busy.

Callgrind runs the whole program on an emulated processor, guests' code included. Each measured piece runs on a thread
of its own, because callgrind counts by thread, and several times, of which the least counts: now and then a thread does
housekeeping for others. A build of Python takes more or fewer instructions for the same work than the next one, so a
fixed piece of Python is counted beside, and budgets are compared in its terms.

The compile server would make code for the real processor, which the emulated one is not; so the code is made here and
put into the cache. Rejected: `perf stat` (virtual machines and containers have no counters: it answers "not
supported"), and ``--toggle-collect`` or ``--dump-before`` (a Python function is no symbol).
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:  # run as a script, under valgrind
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.contenders.ours import contract
from benchmarks.guest_modules import module
from infrafabric.chassis import IFChassis
from infrafabric.engine import CodeCache, binding
from infrafabric.engine.engines import code_kind, on_demand_engine

if TYPE_CHECKING:
    from collections.abc import Callable

#: Tasks, and turns, of a piece. Each kind takes more instructions than the one before it, so they are told apart.
_TURNS = {"kept": 80, "fresh": 160, "reference": 60_000}
_PIECES = 3
_TIMEOUT_SECONDS = 300


def count() -> dict[str, float]:
    """Instructions of a kept and of a fresh task, and of a turn of the reference loop.

    Raises `FileNotFoundError` without valgrind, `RuntimeError` when it does not do what is expected of it.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        message = "no valgrind: apt-get install valgrind"
        raise FileNotFoundError(message)
    with tempfile.TemporaryDirectory(prefix="infrafabric-callgrind-") as folder:
        out = Path(folder, "counts")
        command = [valgrind, "-q", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={out}"]
        ran = subprocess.run(
            [*command, sys.executable, __file__],
            env={"PYTHONHASHSEED": "0", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        if ran.returncode:
            raise RuntimeError(f"callgrind ended with status {ran.returncode}: {ran.stderr[-2000:]}")
        totals = [_total(path.read_text()) for path in Path(folder).glob("counts-*")]
    return _tell_apart([total for thread, total in totals if thread != 1])


def _total(profile: str) -> tuple[int, int]:
    """The thread and its instructions."""
    thread, total = (re.search(rf"^{name}: (\d+)$", profile, re.MULTILINE) for name in ("thread", "totals"))
    return (int(thread[1]), int(total[1])) if thread and total else (1, 0)


def _tell_apart(totals: list[int]) -> dict[str, float]:
    """What a turn of each kind takes, from the instructions of all threads."""
    most = sorted(totals)[-_PIECES * len(_TURNS) :]
    found, below = {}, 0
    for place, (kind, turns) in enumerate(_TURNS.items()):
        pieces = most[place * _PIECES : (place + 1) * _PIECES]
        if len(pieces) < _PIECES or pieces[0] < 1.1 * below:
            raise RuntimeError(f"the threads cannot be told apart by their instructions: {sorted(totals)}")
        found[kind], below = pieces[0] / turns, pieces[-1]
    return found


# --- what valgrind runs ------------------------------------------------------------------------------


class _Thing:
    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def next(self, step: int) -> _Thing:
        return _Thing(self.number + step)


def _reference(turns: int) -> None:
    """What Python mostly does for a task: calls, attributes, small objects, a dictionary, a C function."""
    thing, known = _Thing(0), {"step": 1}
    for _ in range(turns):
        thing = thing.next(known["step"])
        binding.memory_data_size.restype  # noqa: B018 - an attribute of a C object


def _on_threads(pieces: list[Callable[[], None]]) -> None:
    """Each piece on a thread of its own, one after the other; none ends before all have run, so that none is reused."""
    over = threading.Event()
    threads = []
    for piece in pieces:
        ran = threading.Event()

        def work(piece: Callable[[], None] = piece, ran: threading.Event = ran) -> None:
            piece()
            ran.set()
            over.wait()

        threads.append(threading.Thread(target=work))
        threads[-1].start()
        ran.wait()
    over.set()
    for thread in threads:
        thread.join()


def _put_code(folder: str, wasm: bytes) -> None:
    """Compile here, for the processor that this is."""
    kind, compiled = code_kind(), ctypes.c_void_p()
    error = binding.module_new(on_demand_engine(kind).pointer, wasm, len(wasm), ctypes.byref(compiled))
    if error:
        raise RuntimeError(binding.take_error(error))
    CodeCache(Path(folder)).put(hashlib.sha256(wasm).hexdigest(), kind, binding.serialize(compiled))


def _main() -> None:
    wasm = module("nothing")
    with tempfile.TemporaryDirectory() as folder:
        _put_code(folder, wasm)
        with IFChassis(cache_dir=folder) as chassis:
            for name in ("kept", "fresh"):
                chassis.load_swarm(name, wasm, contract(name, kept=name == "kept"))

            def tasks(name: str, count: int) -> Callable[[], None]:
                def run() -> None:
                    for _ in range(count):
                        chassis.execute_task(name, "run")

                return run

            _on_threads([tasks("kept", 10), tasks("fresh", 10)])
            gc.collect()
            gc.freeze()
            gc.disable()
            pieces = [tasks(name, _TURNS[name]) for name in ("kept", "fresh")]
            pieces.append(lambda: _reference(_TURNS["reference"]))
            _on_threads(pieces * _PIECES)


if __name__ == "__main__":
    _main()
