"""What a command line waits for: the import, and ``--help``."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Row, Spread, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.figures import Effort

_ROOT = Path(__file__).resolve().parents[2]
_BARE = "pass"
_IMPORTS = (
    ("import infrafabric, over bare Python", "import infrafabric", 40),
    ("from infrafabric import ServiceContract, over bare Python", "from infrafabric import ServiceContract", None),
    ("from infrafabric import IFChassis, over bare Python", "from infrafabric import IFChassis", None),
)
_PEERS = (("wasmtime", "import wasmtime"), ("extism", "import extism"))


def _seconds(*arguments: str) -> float:
    """How long a Python process takes. Raises CalledProcessError when it fails."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=_ROOT, check=True, capture_output=True)
    return time.perf_counter() - start


def measure(effort: Effort) -> Iterator[Row]:
    """Processes in turn, bare Python in every round."""
    codes = {code: list[float]() for code in (_BARE, *(c for _, c, _ in _IMPORTS), *(c for _, c in _PEERS))}
    missing: dict[str, str] = {}
    helps: list[float] = []
    for code in list(codes):
        try:
            _seconds("-c", code)  # also writes the bytecode files
        except subprocess.CalledProcessError as error:
            missing[code] = error.stderr.decode().strip().splitlines()[-1]
    _seconds("-m", "infrafabric", "--help")
    for _ in range(effort.pick(7, 21)):
        for code, took in codes.items():
            if code not in missing:
                took.append(_seconds("-c", code))
        helps.append(_seconds("-m", "infrafabric", "--help"))
    for what, code, limit in _IMPORTS:
        yield Row(
            what=what,
            ours=_more(codes[code], codes[_BARE]),
            unit="ms",
            bar=None if limit is None else at_most(limit, "ms"),
        )
    for name, code in _PEERS:
        what = f"the peer alone: import {name}, over bare Python"
        if code in missing:
            yield Row(what=what, unit="ms", missing=f"{name}: {missing[code]}")
        else:
            yield Row(what=what, ours=_more(codes[code], codes[_BARE]), unit="ms")
    yield Row(
        what="infrafabric --help, the whole process",
        ours=Spread.of(helps).median * 1e3,
        unit="ms",
        bar=at_most(150, "ms"),
        note=f"of which bare Python {Spread.of(codes[_BARE]).median * 1e3:.0f} ms",
    )


def _more(took: list[float], bare: list[float]) -> float:
    """Milliseconds over bare Python, pair by pair."""
    return Spread.of([one - none for one, none in zip(took, bare, strict=True)]).median * 1e3
