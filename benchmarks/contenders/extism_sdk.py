"""The Python SDK of extism: the nearest relative, an embedding with a plug-in's own calling convention."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import extism
from extism.extism import CompiledPlugin

from benchmarks.batches import Batch, loop, timed
from benchmarks.guest_modules import distinct, module, payload

if TYPE_CHECKING:
    from collections.abc import Iterator


def _manifest(wasm: bytes, **more: Any) -> dict[str, Any]:
    return {"wasm": [{"data": wasm}], **more}


@contextlib.contextmanager
def warm_call(*, guest: str = "nothing") -> Iterator[Batch]:
    """Call one plug-in over and over: nothing is fresh, nothing is limited."""
    plugin = extism.Plugin(_manifest(module(guest)))
    yield loop(lambda: plugin.call("run", b""))


@contextlib.contextmanager
def new_plugin(*, guest: str = "nothing", compiled: bool) -> Iterator[Batch]:
    """A new plug-in for each call, from the bytes or from a compiled plug-in."""
    wasm = module(guest)
    source = CompiledPlugin(_manifest(wasm)) if compiled else _manifest(wasm)
    yield loop(lambda: extism.Plugin(source).call("run", b""))


@contextlib.contextmanager
def payload_call(*, size: int) -> Iterator[Batch]:
    """Bytes in, JSON out, through the SDK's own convention."""
    data = payload("lines", size)
    plugin = extism.Plugin(_manifest(module("summer-extism")))
    yield loop(lambda: plugin.call("run", data, parse=lambda reply: json.loads(bytes(reply))))


@contextlib.contextmanager
def filling(*, size: int) -> Iterator[Batch]:
    """So many bytes out, through the SDK's own convention."""
    data = size.to_bytes(8, "little")
    plugin = extism.Plugin(_manifest(module("filler-extism")))
    yield loop(lambda: plugin.call("run", data, parse=bytes))


@contextlib.contextmanager
def cold_load(*, guest: str) -> Iterator[Batch]:
    """A plug-in of a module that nobody has seen."""
    number = 0

    def call() -> int:
        nonlocal number
        number += 1
        wasm = distinct(module(guest), number)
        start_ns = time.perf_counter_ns()
        extism.Plugin(_manifest(wasm), wasi=True)
        return time.perf_counter_ns() - start_ns

    yield timed(call)


def deadlines(*, milliseconds: int, runs: int) -> list[float]:
    """How long a spinning call with a manifest's ``timeout_ms`` takes to end, in milliseconds."""
    plugin = extism.Plugin(_manifest(module("spin"), timeout_ms=milliseconds))
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        with contextlib.suppress(extism.Error):
            plugin.call("spin", b"")
        took.append((time.perf_counter() - start) * 1e3)
    return took
