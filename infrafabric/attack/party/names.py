"""Names that are weapons: to fill memory, to forge terminals and logs, to make somebody decode them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.attack import binary
from infrafabric.attack.attack import Attack, Call, group, run, trapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Escape sequences, line breaks, a NUL, a right-to-left override, an invisible character and a line separator.
HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\n[WASM:neighbour] forged\0\u202e\u200b\u2028%s{0}$(reboot)"

_UNREACHABLE = b"\x00"
_CALL_ITSELF = b"\x10\x00"


def _doubling_cpp_name(depth: int) -> str:
    """A mangled C++ name of a few hundred bytes that stands for 2**depth words.

    Each type is a pair of the one before, by reference (Itanium C++ ABI, 5.1.10 "Compression").
    """
    pairs = "".join(f"S_I{_substitution(i + 1) * 2}E" for i in range(depth))
    return f"_Z1fSt4pairIiiE{pairs}"


def _substitution(number: int) -> str:
    if number == 0:
        return "S_"
    digits, rest = "", number - 1
    while True:
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[rest % 36] + digits
        rest //= 36
        if not rest:
            return f"S{digits}_"


def _doubling_rust_name(depth: int) -> str:
    """A mangled Rust name whose types are tuples of the one before, by reference (RFC 2603, "Backrefs")."""
    name, last = "_RIC1a", 4
    for _ in range(depth):
        here = len(name) - 2
        name += f"T{_back_reference(last) * 2 if last != 4 else 'll'}E"
        last = here
    return name + "E"


def _back_reference(position: int) -> str:
    if position == 0:
        return "B_"
    digits, rest = "", position - 1
    while True:
        digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[rest % 62] + digits
        rest //= 62
        if not rest:
            return f"B{digits}_"


def _named(name: str | bytes, code: bytes = _UNREACHABLE) -> bytes:
    return binary.one_function(code, after=binary.function_names((0, name)))


def _exported(name: str | bytes) -> bytes:
    return binary.one_function(_UNREACHABLE, exports=[binary.export(name)])


def _imported(module: str | bytes, name: str | bytes) -> bytes:
    return binary.module(
        binary.section(1, binary.vector([binary.signature(binary.I32 * 2)])),
        binary.section(2, binary.vector([binary.imported(module, name, b"\x00\x00")])),
    )


def _trap_of_named(name: str, tries: str, build: Callable[[], bytes], code: str) -> Attack:
    return Attack(name=name, tries=tries, module=build, calls=run("trap", look=trapped(code)))


def _refused(name: str, tries: str, build: Callable[[], bytes], load: str) -> Attack:
    return Attack(name=name, tries=tries, module=build, load=(load,))


def _module_named(name: str) -> bytes:
    text = binary.name(name)
    return binary.one_function(_UNREACHABLE, after=binary.custom("name", b"\x00" + binary.leb(len(text)) + text))


def _same_export_twice() -> Iterable[bytes]:
    return [binary.export("run"), binary.export("run")]


ATTACKS = group(
    "names",
    _trap_of_named(
        "hostile-function-name",
        "Trap in a function whose name is terminal codes and line breaks.",
        lambda: _named(HOSTILE),
        "unreachable_code_reached",
    ),
    _trap_of_named(
        "long-function-name",
        "Overflow the stack in a function with a name of 8 MB, which every frame of the backtrace repeats.",
        lambda: _named("x" * (8 << 20), _CALL_ITSELF),
        "stack_overflow",
    ),
    _trap_of_named(
        "cpp-name-that-doubles",
        "Trap in a function whose C++ name of 300 bytes unfolds to gigabytes.",
        lambda: _named(_doubling_cpp_name(22)),
        "unreachable_code_reached",
    ),
    _trap_of_named(
        "cpp-name-that-doubles-in-every-frame",
        "Overflow the stack in a function whose C++ name unfolds to megabytes.",
        lambda: _named(_doubling_cpp_name(17), _CALL_ITSELF),
        "stack_overflow",
    ),
    _trap_of_named(
        "rust-name-that-doubles",
        "Trap in a function whose Rust name unfolds to gigabytes.",
        lambda: _named(_doubling_rust_name(40)),
        "unreachable_code_reached",
    ),
    _trap_of_named(
        "name-that-is-not-text",
        "Trap in a function whose name is no UTF-8.",
        lambda: _named(b"\xff\xfe\x80\xc0"),
        "unreachable_code_reached",
    ),
    _trap_of_named(
        "long-module-name",
        "Trap in a module with a name of 8 MB.",
        lambda: _module_named("m" * (8 << 20)),
        "unreachable_code_reached",
    ),
    Attack(
        name="hostile-export-name",
        tries="Export a task whose name is terminal codes and line breaks.",
        module=lambda: _exported(HOSTILE),
        calls=(Call(task=HOSTILE, expect=("trap",)), Call(task="other", expect=("unknown_task",))),
    ),
    Attack(
        name="empty-export-name",
        tries="Export a task without a name.",
        module=lambda: _exported(""),
        calls=(Call(task="", expect=("trap",)),),
    ),
    _refused(
        "megabyte-export-name", "Export a name of a megabyte.", lambda: _exported("x" * (1 << 20)), "module_too_large"
    ),
    _refused(
        "megabyte-import-name",
        "Import a name of a megabyte.",
        lambda: _imported("env", "x" * (1 << 20)),
        "module_too_large",
    ),
    _refused(
        "megabyte-import-module",
        "Import from a name of a megabyte.",
        lambda: _imported("x" * (1 << 20), "log"),
        "module_too_large",
    ),
    _refused(
        "hostile-import-name",
        "Import a name of terminal codes and line breaks.",
        lambda: _imported("env", HOSTILE),
        "import_denied",
    ),
    _refused(
        "hostile-import-module",
        "Import from a name of terminal codes and line breaks.",
        lambda: _imported(HOSTILE, "log"),
        "import_denied",
    ),
    _refused(
        "export-name-not-text", "Export a name that is no UTF-8.", lambda: _exported(b"\xff\xfe"), "invalid_module"
    ),
    _refused(
        "surrogate-export-name",
        "Export a name that encodes half of a surrogate pair.",
        lambda: _exported(b"\xed\xa0\x80"),
        "invalid_module",
    ),
    _refused(
        "overlong-export-name",
        "Export a name with an overlong encoding.",
        lambda: _exported(b"\xc0\xaf"),
        "invalid_module",
    ),
    _refused(
        "same-export-twice",
        "Export one name twice.",
        lambda: binary.one_function(b"", exports=_same_export_twice()),
        "invalid_module",
    ),
)
