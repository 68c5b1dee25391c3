"""The kernels: what real guests spend their time on, built from ``guests/``."""

from __future__ import annotations

from typing import Any

import attrs

_MIB = 1 << 20


@attrs.frozen
class Kernel:
    """A task that computes for milliseconds: a short name, a name with its size, and how to call it."""

    short: str
    what: str
    given: dict[str, Any]


_TEXT = {"kind": "lines", "size": _MIB}

KERNELS = (
    Kernel("CRC-32", "CRC-32 of 1 MiB (C)", {"guest": "checksum", "task": "crc32", **_TEXT}),
    Kernel("SHA-256", "SHA-256 of 1 MiB (C)", {"guest": "kernels", "task": "sha256", **_TEXT}),
    Kernel("JSON", "JSON check of 1 MiB (Rust)", {**_TEXT, "guest": "jsoncheck", "task": "is_valid", "kind": "json"}),
    Kernel(
        "sort",
        "heap sort of 64 Ki words (C)",
        {"guest": "kernels", "task": "sort", "kind": "noise", "size": _MIB // 4},
    ),
    Kernel("matrix", "128 x 128 matrices of doubles (C)", {"guest": "kernels", "task": "multiply", "numbers": [128]}),
    Kernel(
        "SIMD matrix", "256 x 256 matrices, SIMD (C)", {"guest": "kernels-simd", "task": "multiply", "numbers": [256]}
    ),
    Kernel(
        "SIMD lines",
        "line count of 4 MiB, SIMD (C)",
        {"guest": "kernels-simd", "task": "count_lines", "kind": "lines", "size": 4 * _MIB},
    ),
    Kernel(
        "lines",
        "line count of 4 MiB (Rust)",
        {"guest": "linecount", "task": "count_lines", "kind": "lines", "size": 4 * _MIB},
    ),
    Kernel("fib", "fib(30), recursive (WAT)", {"guest": "fib", "task": "fib", "numbers": [30]}),
    Kernel("loop", "a loop of 8 million turns (WAT)", {"guest": "spin", "task": "spin_for", "numbers": [8_000_000]}),
)
