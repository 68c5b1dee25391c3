"""Engine settings: which code is generated, and what it may use.

One function builds every engine, in the host and in the compile child, so that the two agree; its
inputs are hashed into the key of the code cache. What each setting is for stands beside it.
"""

from __future__ import annotations

import functools
import hashlib
from importlib.metadata import version

import attrs

from infrafabric.engine import binding

#: Stack that guest code may use. Threads that run guests need 2 MiB or more (see `stack`).
MAX_WASM_STACK_BYTES = 512 * 1024

_FEATURES: dict[str, bool] = {
    # Off: what the host cannot bound, or the C interface cannot hold without aborting.
    "wasm_threads": False,
    "shared_memory": False,
    "wasm_memory64": False,
    "wasm_multi_memory": False,
    "wasm_exceptions": False,
    "wasm_gc": False,
    "wasm_function_references": False,
    "wasm_tail_call": False,
    "wasm_relaxed_simd": False,
    "wasm_custom_page_sizes": False,
    "wasm_wide_arithmetic": False,
    "wasm_stack_switching": False,
    # On: what today's toolchains emit. Signatures with v128 or references are never called (`wasm` marks them).
    "wasm_simd": True,
    "wasm_bulk_memory": True,
    "wasm_multi_value": True,
    "wasm_reference_types": True,
}


@attrs.frozen
class CodeKind:
    """What distinguishes generated code: code of one kind does not run in an engine of another.

    ``fuel``: instructions are counted (about 3x on tight loops). ``canonical_nans``: every NaN has one bit
    pattern. ``compact``: memories reserve no address space and every access is checked, for processes
    under an address-space limit.
    """

    fuel: bool = False
    canonical_nans: bool = False
    compact: bool = False

    def fingerprint(self) -> str:
        """A hash over everything that shapes the code: the settings and the engine's version."""
        return _fingerprint(self)


@functools.cache
def _fingerprint(kind: CodeKind) -> str:
    parts = repr((sorted(_code_settings(kind).items()), version("wasmtime"), "without custom sections"))
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def _code_settings(kind: CodeKind) -> dict[str, bool | int]:
    settings: dict[str, bool | int] = {
        **_FEATURES,
        "epoch_interruption": True,
        # Compilation happens in a child process, one at a time; its threads would not survive a fork.
        "parallel_compilation": False,
        "max_wasm_stack": MAX_WASM_STACK_BYTES,
        "consume_fuel": kind.fuel,
        "cranelift_nan_canonicalization": kind.canonical_nans,
    }
    if kind.compact:
        settings |= {"memory_reservation": 0, "memory_guard_size": 65536, "memory_reservation_for_growth": 0}
    return settings


def new_config(kind: CodeKind) -> int:
    """A configuration for ``kind``, owned by the engine that is made from it."""
    config: int = binding.config_new()
    for name, value in _code_settings(kind).items():
        binding.config_set(config, name, value)
    return config


def new_engine(kind: CodeKind) -> int:
    """An engine that allocates on demand. It reserves nothing, so making it cannot fail."""
    engine: int = binding.engine_new_with_config(new_config(kind))
    return engine
