"""Bytes that are no module, or not the kind that is run."""

from __future__ import annotations

from infrafabric.attack import binary
from infrafabric.attack.attack import Attack, group

_COMPONENT = b"\0asm\x0d\0\x01\0"


def _junk(name: str, tries: str, data: bytes) -> Attack:
    return Attack(name=name, tries=tries, module=lambda: data, load=("invalid_module",))


ATTACKS = group(
    "malformed",
    _junk("nothing", "Be empty.", b""),
    _junk("text-format", "Be WebAssembly text, which an engine would assemble.", b'(module (func (export "run")))'),
    _junk("text-after-nul", "Be text behind a NUL.", b"\0(module)"),
    _junk(
        "native-code", "Be an ELF program, as compiled code of the engine is.", b"\x7fELF\x02\x01\x01" + b"\0" * 4096
    ),
    _junk("component", "Be a component.", _COMPONENT),
    _junk("other-version", "Be of version 2.", b"\0asm\x02\0\0\0"),
    _junk("header-only-half", "End within the header.", b"\0asm\x01"),
    _junk("section-of-four-gigabytes", "Announce a section of 4 GiB.", binary.HEADER + b"\x01\xff\xff\xff\xff\x0f"),
    _junk("four-billion-types", "Announce four billion types.", binary.HEADER + b"\x01\x05\xff\xff\xff\xff\x0f"),
    _junk("overlong-number", "Encode a number in too many bytes.", binary.HEADER + b"\x01\x07" + b"\x80" * 6 + b"\x00"),
    _junk("zeros", "Be a megabyte of zeros behind a header.", binary.HEADER + b"\0" * (1 << 20)),
    _junk("ones", "Be a megabyte of 0xff behind a header.", binary.HEADER + b"\xff" * (1 << 20)),
    _junk(
        "function-without-body",
        "Declare a function without a body.",
        binary.module(binary.section(1, b"\x01\x60\0\0"), binary.section(3, b"\x01\0")),
    ),
    _junk(
        "body-of-other-type",
        "Return a number where none is declared.",
        binary.one_function(b"\x41\x00"),
    ),
    _junk(
        "start-with-parameters",
        "Start with a function that takes parameters.",
        binary.module(
            binary.section(1, binary.vector([binary.signature(binary.I32)])),
            binary.section(3, b"\x01\0"),
            binary.section(8, b"\x00"),
            binary.section(10, b"\x01" + binary.body(b"")),
        ),
    ),
    _junk(
        "export-of-nothing",
        "Export a function that is not there.",
        binary.one_function(b"", exports=[binary.export("run", 4_000_000_000)]),
    ),
)
