"""Guests that make every host call there is, on memory full of numbers that mean something to some of them."""

from __future__ import annotations

import random

from infrafabric.engine.hostenv import ENV
from infrafabric.engine.imports import WASI_MODULE
from infrafabric.engine.wasi import INERT
from infrafabric.testing import wat

_MEMORY_BYTES = 4096
#: Bytes that make small counts, lengths and addresses, when read as numbers of four or eight bytes.
_BYTES = (0, 0, 0, 0, 0, 0, 1, 2, 3, 8, 16, 255)


def host_calls(seed: int) -> bytes:
    """A module whose tasks are the host's functions: each wrapped in a guest's, and as it is."""
    chance = random.Random(seed)  # noqa: S311 - reproducible is what it has to be
    wanted = [(WASI_MODULE, name, function.signature) for name, function in INERT.items()]
    wanted += [("env", "abort", signature) for signature in ENV["abort"]]
    wanted.append(("env", "log", chance.choice(list(ENV["log"]))))
    imports, tasks = [], []
    for index, (module, name, (params, results)) in enumerate(wanted):
        signature = f"(param {' '.join(params)}) (result {' '.join(results)})"
        arguments = " ".join(f"(local.get {place})" for place in range(len(params)))
        imports.append(f'(import "{module}" "{name}" (func $f{index} {signature}))')
        tasks.append(f'(func (export "{name}") {signature} (call $f{index} {arguments}))')
        tasks.append(f'(export "bare-{name}" (func $f{index}))')
    data = "".join(f"\\{chance.choice((*_BYTES, chance.randrange(256))):02x}" for _ in range(_MEMORY_BYTES))
    memory = f'(memory (export "memory") 1) (data (i32.const 0) "{data}")'
    return wat(f"(module {' '.join(imports)} {memory} {' '.join(tasks)})")
