"""Files that people pass by mistake are named, with the step that leads to a module."""

from __future__ import annotations

import pytest

from infrafabric.errors import InvalidModule
from infrafabric.wasm import inspect_module

#: id -> (bytes, what the message calls them, what it advises)
MISTAKEN = {
    "empty": (b"", "0 bytes", "content of a .wasm file"),
    "wat": (b"(module)", "WebAssembly text", "wat2wasm"),
    "wat_indented": (b"\n  (component\n (core module))", "WebAssembly text", "wat2wasm"),
    "wat_after_comment": (b";; SPDX-License-Identifier: MIT\n(module)", "WebAssembly text", "wat2wasm"),
    "wat_after_block_comment": (b" (; long ;) (module)", "WebAssembly text", "wat2wasm"),
    "wat_after_bom": (b"\xef\xbb\xbf(module)", "WebAssembly text", "wat2wasm"),
    "html": (b"<!DOCTYPE html>\n<html>", "HTML", "not the page"),
    "html_bare": (b"  <HTML><head>", "HTML", "not the page"),
    "xml": (b"<?xml version='1.0'?><Error/>", "XML", "not the page"),
    "json": (b'{"message": "Not Found"}', "JSON", "not the page"),
    "elf": (b"\x7fELF\x02\x01\x01", "ELF", "wasm32"),
    "pe": (b"MZ\x90\0", "PE", "wasm32"),
    "mach_o": (b"\xcf\xfa\xed\xfe\x07\0\0\x01", "Mach-O", "wasm32"),
    "mach_o_universal": (b"\xca\xfe\xba\xbe\0\0\0\x02", "Mach-O", "wasm32"),
    "bitcode": (b"BC\xc0\xde5\x14", "LLVM bitcode", "wasm-ld"),
    "archive": (b"!<arch>\nlib.o", "static library", "wasm-ld"),
    "gzip": (b"\x1f\x8b\x08\0", "gzip", "Decompress"),
    "bzip2": (b"BZh91AY", "bzip2", "Decompress"),
    "xz": (b"\xfd7zXZ\0\0", "xz", "Decompress"),
    "zstd": (b"\x28\xb5\x2f\xfd\0", "zstd", "Decompress"),
    "zip": (b"PK\x03\x04\x14", "zip", "Unpack"),
    "tar": (b"x.wasm".ljust(257, b"\0") + b"ustar\0", "tar", "Unpack"),
    "pdf": (b"%PDF-1.7", "PDF", "wasm32"),
    "base64": (b"AGFzbQEAAAA=", "base64", "b64decode"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer", "git lfs pull"),
    "script": (b"#!/bin/sh\n", "script", "wasm32"),
    "utf_16": ("(module)".encode("utf-16"), "UTF-16", "wasm32"),
    "rust": (b"fn main() { }\n", "text", "wasm32"),
    "text_cut_in_a_character": (("a" + "\u20ac" * 300).encode(), "text", "wasm32"),
    "zeros": (bytes(64), "all zero", "copy it again"),
    "unknown": (b"\x93\x01\x02\x03\xff\xfe\x80\x81\x90", "93 01 02 03 ff fe 80 81", "wasm32"),
    "hex_magic_reversed": (b"msa\0\x01\0\0\0", "6d 73 61 00", "wasm32"),
}


@pytest.mark.parametrize(("data", "what", "advice"), MISTAKEN.values(), ids=MISTAKEN)
def test_names_what_it_was_given(data: bytes, what: str, advice: str) -> None:
    """The message names the kind of file and the next step; the offset is 0."""
    with pytest.raises(InvalidModule, match="Not a WebAssembly module") as refused:
        inspect_module(data)
    assert what in str(refused.value)
    assert advice in str(refused.value)
    assert refused.value.offset == 0
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("size", range(1, 8))
def test_a_cut_header_is_too_short(size: int) -> None:
    """The beginning of a header is a module that was cut, not something else."""
    with pytest.raises(InvalidModule, match="too short") as refused:
        inspect_module(b"\0asm\x01\0\0\0"[:size])
    assert refused.value.offset == size


@pytest.mark.parametrize("size", [4, 7])
def test_text_is_not_too_short(size: int) -> None:
    """Few bytes that begin differently are named for what they are."""
    with pytest.raises(InvalidModule, match="looks like text"):
        inspect_module(b"hello world"[:size])


@pytest.mark.parametrize(
    "pattern", [b"(;;)", b";;\n", b"(;", b" ", b"<", b"[ ", b"(module", b"#"], ids=lambda pattern: pattern.decode()
)
def test_repetition_costs_no_time(pattern: bytes) -> None:
    """No text makes the detection try its patterns in every combination."""
    with pytest.raises(InvalidModule):
        inspect_module(pattern * 100_000)
