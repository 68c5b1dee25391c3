"""What one task costs when the guest does nothing, beside what others ask for less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.contenders import names
from benchmarks.figures import Bar, Row, Spread, at_most
from benchmarks.lanes import Contender, race

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort

_EXTISM = "extism, warm plug-in"
_EXTISM_NEW = "extism, new plug-in"
_EXTISM_COMPILED = "extism, new plug-in of a compiled one"
_WASMTIME = "wasmtime-py, warm call"
_WASMTIME_FRESH = "wasmtime-py, new store and instance"
_FLOOR = "the bare C call in a loop"
_WASM3 = "pywasm3, warm call"
_MONTY = "pydantic-monty, one expression"
_WORKER = "a warm worker process, over a pipe"
_CLI = "the wasmtime command"
_PYTHON = "python -c, a process each"
_MONTY_CODE = "pydantic-monty, the same function"
_FIB = 20
_NATIVE = "a native program, a process each"
_PYTHON_CODE = "Python code instead of a module"
_TRUSTED = "trusted Python code instead of a module"


def measure(effort: Effort) -> Iterator[Row]:
    """Kept and fresh instances, on a thread and on the main thread."""
    run = race(
        [
            Contender("kept", f"{names.OURS}:scalar", {"kept": True}),
            Contender("fresh", f"{names.OURS}:scalar", {"kept": False}),
            Contender(_EXTISM, f"{names.EXTISM}:warm_call"),
            Contender(_EXTISM_NEW, f"{names.EXTISM}:new_plugin", {"compiled": False}),
            Contender(_EXTISM_COMPILED, f"{names.EXTISM}:new_plugin", {"compiled": True}),
            Contender(_WASMTIME, f"{names.WASMTIME}:warm_call"),
            Contender(_WASMTIME_FRESH, f"{names.WASMTIME}:fresh_call"),
            Contender(_FLOOR, f"{names.WASMTIME}:floor"),
            Contender(_WASM3, f"{names.OTHERS}:wasm3"),
            Contender(_MONTY, f"{names.OTHERS}:monty"),
            Contender(_WORKER, f"{names.OTHERS}:warm_worker"),
            Contender("kept, main thread", f"{names.OURS}:scalar", {"kept": True}, main_thread=True),
            Contender("fresh, main thread", f"{names.OURS}:scalar", {"kept": False}, main_thread=True),
        ],
        effort.pick(15, 60),
        heats=effort.pick(1, 3),
    )
    kept, fresh = "governed task, kept instance", "governed task, fresh instance"
    yield run.row(kept, "kept", _EXTISM, bar=Bar(limit=0.6, of="ratio"), note=run.quickest("kept", _EXTISM))
    yield run.row(kept, "kept", _WASMTIME, note="the peer limits nothing and keeps no record")
    yield run.row(kept, "kept", _FLOOR, note="no task can cost less than this")
    yield run.row(kept, "kept", _WASM3, note="the peer limits nothing; an interpreter: its compute is slower")
    yield run.row(fresh, "fresh", _EXTISM, bar=Bar(limit=1.2, of="ratio"), note=run.quickest("fresh", _EXTISM))
    yield run.row(fresh, "fresh", _EXTISM_NEW, bar=Bar(limit=20, at_most=False, of="speed"))
    yield run.row(fresh, "fresh", _EXTISM_COMPILED)
    yield run.row(fresh, "fresh", _WASMTIME_FRESH, note="the peer limits nothing and keeps no record")
    yield run.row(fresh, "fresh", _MONTY, note=_PYTHON_CODE)
    yield run.row(fresh, "fresh", _WORKER, note=_TRUSTED)
    for what, name in ((kept, "kept"), (fresh, "fresh")):
        yield run.row(f"{what}, main thread", f"{name}, main thread", name, note="the peer is ours on another thread")
    yield _extra(run.rounds, "kept")
    yield _extra(run.rounds, "fresh")
    yield from _processes(effort, fresh)
    yield from _work(effort)


def _extra(rounds: dict[str, list[float]], name: str) -> Row:
    """What the main thread costs more, round by round: Ctrl-C has to work there."""
    more = [main - other for main, other in zip(rounds[f"{name}, main thread"], rounds[name], strict=True)]
    return Row(
        what=f"what the main thread adds, {name} instance",
        ours=Spread.of(more).median / 1e3,
        unit="us",
        bar=at_most(8, "us"),
    )


def _processes(effort: Effort, what: str) -> Iterator[Row]:
    run = race(
        [
            Contender("fresh", f"{names.OURS}:scalar", {"kept": False}),
            Contender(_CLI, f"{names.OTHERS}:wasmtime_cli"),
            Contender(_PYTHON, f"{names.OTHERS}:python_process"),
            Contender(_NATIVE, f"{names.OTHERS}:native_process"),
        ],
        effort.pick(5, 15),
    )
    yield run.row(what, "fresh", _CLI, note="a process each, compiling each time")
    yield run.row(what, "fresh", _PYTHON, note=_TRUSTED)
    yield run.row(what, "fresh", _NATIVE, note="printf: trusted, and nothing is computed")


def _work(effort: Effort) -> Iterator[Row]:
    """The same work for all who can be told of it: fib(20), some 22,000 calls."""
    given = {"guest": "fib", "task": "fib", "numbers": [_FIB]}
    fib = {"fib": _FIB}
    run = race(
        [
            Contender("fresh", f"{names.OURS}:scalar", {**given, "kept": False}),
            Contender(_WASMTIME, f"{names.WASMTIME}:warm_call", given),
            Contender(_WASM3, f"{names.OTHERS}:wasm3", fib),
            Contender(_MONTY_CODE, f"{names.OTHERS}:monty", fib),
            Contender(_WORKER, f"{names.OTHERS}:warm_worker", fib),
            Contender(_CLI, f"{names.OTHERS}:wasmtime_cli", fib),
            Contender(_PYTHON, f"{names.OTHERS}:python_process", fib),
        ],
        effort.pick(5, 15),
    )
    what = f"fib({_FIB}), governed task, fresh instance"
    yield run.row(what, "fresh", _WASMTIME, note="the peer limits nothing")
    yield run.row(what, "fresh", _WASM3, note="an interpreter")
    yield run.row(what, "fresh", _MONTY_CODE, note=f"an interpreter of Python; {_PYTHON_CODE}")
    yield run.row(what, "fresh", _WORKER, note=_TRUSTED)
    yield run.row(what, "fresh", _CLI, note="a process each, compiling each time")
    yield run.row(what, "fresh", _PYTHON, note=_TRUSTED)
