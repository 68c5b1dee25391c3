"""What bytes are that are not WebAssembly: told from their first bytes, so that the refusal names the mistake.

A table of signatures was chosen over a file-type library: the twenty things people really pass by mistake matter,
each with the step that leads to a module.
"""

from __future__ import annotations

import re

MAGIC = b"\0asm"

_BUILD = "Build for a wasm32 target and pass the .wasm file."
_DECOMPRESS = "Decompress it first."
_UNPACK = "Unpack it and pass the .wasm file inside."
_SAVE = "Save the file itself, not the page about it."

#: First bytes, what they mean, what to do. The first match counts.
_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"\x7fELF", "an ELF file (a native program or library, or a module precompiled to .cwasm)", _BUILD),
    (b"MZ", "a Windows program or library (PE)", _BUILD),
    (b"\xfe\xed\xfa\xce", "a macOS program or library (Mach-O)", _BUILD),
    (b"\xfe\xed\xfa\xcf", "a macOS program or library (Mach-O)", _BUILD),
    (b"\xce\xfa\xed\xfe", "a macOS program or library (Mach-O)", _BUILD),
    (b"\xcf\xfa\xed\xfe", "a macOS program or library (Mach-O)", _BUILD),
    (b"\xca\xfe\xba\xbe", "a macOS universal binary (Mach-O) or a Java class", _BUILD),
    (b"BC\xc0\xde", "LLVM bitcode", "Link it to WebAssembly first (wasm-ld, or clang without -emit-llvm)."),
    (b"!<arch>", "a static library (ar archive)", "Link it to a module first (wasm-ld)."),
    (b"\x1f\x8b", "gzip data", _DECOMPRESS),
    (b"BZh", "bzip2 data", _DECOMPRESS),
    (b"\xfd7zXZ\0", "xz data", _DECOMPRESS),
    (b"\x28\xb5\x2f\xfd", "zstd data", _DECOMPRESS),
    (b"PK\x03\x04", "a zip archive (or wheel, jar, ...)", _UNPACK),
    (b"PK\x05\x06", "an empty zip archive", _UNPACK),
    (b"%PDF", "a PDF document", _BUILD),
    (b"\x89PNG", "a PNG image", _BUILD),
    (b"AGFzbQ", "a WebAssembly module in base64", "Decode it first (base64.b64decode)."),
    (b"version https://git-lfs", "a Git LFS pointer, not the file it stands for", "Run `git lfs pull`."),
    (b"#!", "a script", _BUILD),
    (b"\xff\xfe", "UTF-16 text", _BUILD),
    (b"\xfe\xff", "UTF-16 text", _BUILD),
)

#: A comment in front is WAT too, and usually a licence.
_WAT = re.compile(rb"\s*(?:;;|\(;|\((?:module|component|func|memory|import|export|type|global)\b)")
_HTML = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_XML = re.compile(rb"\s*<(?:\?xml|[A-Za-z!])")
_JSON = re.compile(rb"\s*[\[{]\s*[\"\[{\]}]")
_HEAD_BYTES = 512


def describe(data: bytes) -> tuple[str, str]:
    """What ``data``, which does not begin as a module does, looks like, and what to do about it."""
    if not data:
        return "there are 0 bytes", "Pass the content of a .wasm file."
    head = data[:_HEAD_BYTES]
    for signature, what, advice in _SIGNATURES:
        if head.startswith(signature):
            return f"it looks like {what}", advice
    if head[257:262] == b"ustar":
        return "it looks like a tar archive", _UNPACK
    if not head.strip(b"\0"):
        return f"the first {len(head)} bytes are all zero", "The file was not written completely: copy it again."
    return _describe_text(head.removeprefix(b"\xef\xbb\xbf"))


def _describe_text(head: bytes) -> tuple[str, str]:
    if _WAT.match(head):
        return (
            "it looks like WebAssembly text (WAT)",
            "Only the binary format is accepted: convert it with `wat2wasm` or `wasm-tools parse`.",
        )
    for pattern, what in ((_HTML, "an HTML page"), (_XML, "XML"), (_JSON, "JSON")):
        if pattern.match(head):
            return f"it looks like {what}", _SAVE
    if _is_text(head):
        return "it looks like text", _BUILD
    return f"the first bytes are {head[:8].hex(' ')}", _BUILD


def _is_text(head: bytes) -> bool:
    # The last character may be cut in the middle, so what is missing there is ignored.
    text = head.decode("utf-8", "ignore")
    return len(text.encode()) > len(head) - 4 and all(c.isprintable() or c in "\t\n\r\f" for c in text)
