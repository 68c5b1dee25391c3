"""One chassis, seven languages: a task of a guest in each, called the same way.

    python examples/07_any_language.py

The source of each guest is in ``guests/``, with the command that builds it. None of them knows of infrafabric: they
export functions, and the chassis finds out how to call each by its signature.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from infrafabric.chassis import IFChassis, ServiceContract

GUESTS = Path(__file__).resolve().parent.parent / "guests"

TASKS: tuple[tuple[str, str, str, Any], ...] = (
    ("Rust", "jsoncheck", "is_valid", '{"is this": "JSON"}'),
    ("Rust, WASI", "linecount", "count_lines", "one\ntwo\nthree"),
    ("Rust, no allocator", "linecount-simple", "count_lines", "one\ntwo\n"),
    ("C", "checksum", "crc32", b"123456789"),
    ("C, WASI", "wordfreq", "word_frequency", "to be or not to be"),
    ("C, a whole program", "wc", "_start", {"args": ["-w"], "stdin": "one two three"}),
    ("C++", "stats", "describe", "3 1 4 1 5"),
    ("Zig", "slug", "process", "Any language, really!"),
    ("AssemblyScript", "wordcount", "count_words", "one two three four"),
    ("Go", "wordstat", "measure", "Grüße an alle"),
    ("WAT", "arith", "hypotenuse", {"a": 3, "b": 4}),
)


def main() -> None:
    """Load each guest under the default contract, run a task, print a table."""
    print(f"{'language':19} {'guest.task':29} {'convention':10} {'size':>9} {'time':>8}  output")
    with IFChassis() as chassis:
        for language, guest, task, params in TASKS:
            wasm_bytes = (GUESTS / guest / f"{guest}.wasm").read_bytes()
            chassis.load_swarm(guest, wasm_bytes, ServiceContract(guest))
            result = chassis.execute_task(guest, task, params)
            output = textwrap.shorten(json.dumps(result.output, ensure_ascii=False), 60, placeholder=" ...")
            print(
                f"{language:19} {guest + '.' + task:29} {result.metadata['calling_convention']:10} "
                f"{len(wasm_bytes) / 1024:5.1f} KiB {result.execution_time_seconds * 1000:5.2f} ms  {output}"
            )


if __name__ == "__main__":
    main()
