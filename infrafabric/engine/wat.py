"""WebAssembly text to binary, for tests and documentation: the chassis itself takes binaries only."""

from __future__ import annotations

import wasmtime


def wat_to_wasm(text: str) -> bytes:
    """The binary of a module in text format. Raises ValueError with the line and column of the mistake."""
    try:
        return bytes(wasmtime.wat2wasm(text))
    except wasmtime.WasmtimeError as error:
        raise ValueError(str(error)) from None
