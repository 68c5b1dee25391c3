"""Small modules that make compilers use minutes and gigabytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrafabric.attack import binary
from infrafabric.attack.attack import LOADED, Attack, group, run, text

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK, _LOOP, _IF, _END, _DROP, _UNREACHABLE = b"\x02", b"\x03", b"\x04", b"\x0b", b"\x1a", b"\x00"
_EMPTY_TYPE = b"\x40"
_ZERO = b"\x41\x00"

#: Whether a compiler gets through in time is the machine's business; that nobody else notices is ours.
_EITHER = (LOADED, "compile_limit_exceeded")
_MEMORY = binary.section(5, b"\x01" + binary.ONE_PAGE)


def _nested_values(depth: int, values: int) -> bytes:
    """Blocks within blocks, each with so many parameters and results."""
    many = binary.I32 * values
    code = _ZERO * values + (_BLOCK + b"\x01") * depth + _END * depth + _DROP * values
    return binary.one_function(code, types=[binary.signature(many, many)])


def _nested(kind: bytes, depth: int) -> bytes:
    return binary.one_function((kind + _EMPTY_TYPE) * depth + _END * depth)


def _nested_ifs(depth: int) -> bytes:
    return binary.one_function((_ZERO + _IF + _EMPTY_TYPE) * depth + _END * depth)


def _repeated_code(code: bytes, times: int, *, table: bool = False, local_groups: tuple[bytes, ...] = ()) -> bytes:
    before = (binary.section(4, b"\x01\x70\x00\x0a") if table else b"") + _MEMORY
    return binary.one_function(code * times, before_code=before, local_groups=local_groups)


def _many_functions(count: int, code: bytes) -> bytes:
    return binary.module(
        binary.section(1, binary.vector([binary.signature()])),
        binary.section(3, binary.repeated(count, b"\x00")),
        _MEMORY,
        binary.section(7, binary.vector([binary.export("run")])),
        binary.section(10, binary.repeated(count, binary.body(code))),
    )


def _branch_table(targets: int, depth: int) -> bytes:
    code = (_BLOCK + _EMPTY_TYPE) * depth
    code += _ZERO + b"\x0e" + binary.leb(targets) + b"".join(binary.leb(i % depth) for i in range(targets)) + b"\x00"
    return binary.one_function(code + _END * depth)


def _branch_tables_with_values(tables: int, targets: int, values: int) -> bytes:
    """Branch tables that pass many values to each target."""
    many = binary.I32 * values
    table = b"\x0e" + binary.leb(targets) + b"\x00" * targets + b"\x00"
    one = _BLOCK + b"\x01" + _ZERO * values + _ZERO + table + _END + _DROP * values
    return binary.one_function(one * tables, types=[binary.signature(b"", many)])


def _all_locals_live(count: int, rounds: int) -> bytes:
    """Locals that are all alive across a loop: much work for whoever assigns registers."""
    rotate = b"".join(
        b"\x20" + binary.leb((i + 1) % count) + b"\x20" + binary.leb(i) + b"\x7c\x21" + binary.leb(i)
        for i in range(count)
    )
    code = _LOOP + _EMPTY_TYPE + rotate * rounds + b"\x0c\x00" + _END
    return binary.one_function(code, local_groups=(binary.leb(count) + binary.I64,))


def _deep_operands(count: int) -> bytes:
    """An expression with so many operands on the stack."""
    return binary.one_function(_ZERO * count + b"\x6a" * (count - 1) + _DROP)


def _selects(count: int) -> bytes:
    return binary.one_function(b"\x20\x00" + b"\x20\x00\x20\x00\x1b" * count + b"\x21\x00", local_groups=(b"\x01\x7f",))


def _dead_code(count: int) -> bytes:
    return binary.one_function(_UNREACHABLE + b"\x6a\x1a" * count)


def _calls_with_values(count: int) -> bytes:
    """Calls of a function with a thousand parameters and results, one after the other."""
    many = binary.I64 * 1000
    code = b"\x42\x00" * 1000 + b"\x10\x00" * count + _DROP * 1000
    own = b"".join(b"\x20" + binary.leb(i) for i in range(1000))
    return binary.module(
        binary.section(1, binary.vector([binary.signature(many, many), binary.signature()])),
        binary.section(3, b"\x02\x00\x01"),
        binary.section(7, binary.vector([binary.export("run", 1)])),
        binary.section(10, binary.vector([binary.body(own), binary.body(code)])),
    )


def _bomb(name: str, tries: str, build: Callable[[], bytes], *load: str) -> Attack:
    return Attack(
        name=name,
        tries=tries,
        module=build,
        load=load or _EITHER,
        limits={"max_load_seconds": 1.0},
        extra_memory_mib=192,
    )


ATTACKS = group(
    "compile bombs",
    _bomb(
        "nested-thousand-values", "Nest 3,000 blocks of a thousand values: 9 KB.", lambda: _nested_values(3000, 1000)
    ),
    _bomb(
        "table-copy-flood",
        "Copy a table 5,000 times in one function: 40 KB.",
        lambda: _repeated_code(_ZERO * 3 + b"\xfc\x0e\x00\x00", 5_000, table=True),
    ),
    _bomb(
        "bulk-flood",
        "Fill memory 50,000 times in one function.",
        lambda: _repeated_code(_ZERO * 3 + b"\xfc\x0b\x00", 50_000),
    ),
    _bomb(
        "indirect-call-flood",
        "Call through a table 50,000 times in one function.",
        lambda: _repeated_code(_ZERO + b"\x11\x00\x00", 50_000, table=True),
    ),
    _bomb(
        "million-functions",
        "Declare a million functions: 4 MB.",
        lambda: _many_functions(1_000_000, b""),
        "module_too_large",
    ),
    _bomb("most-functions", "Declare as many functions as are read.", lambda: _many_functions(200_000, b"")),
    _bomb(
        "code-that-expands",
        "Write ten thousand functions whose code is many times the module's size.",
        lambda: _many_functions(10_000, b"\x10\x00" * 50),
    ),
    _bomb("giant-branch-table", "Jump to 65,000 places from one table.", lambda: _branch_table(65_000, 1000)),
    _bomb(
        "branch-table-of-a-million",
        "Jump to a million places from one table.",
        lambda: _branch_table(1_000_000, 1000),
        "invalid_module",
    ),
    _bomb(
        "branch-tables-of-values",
        "Pass a thousand values to each of a thousand targets, a hundred times.",
        lambda: _branch_tables_with_values(100, 1000, 1000),
    ),
    _bomb("hundred-thousand-blocks", "Nest 100,000 blocks.", lambda: _nested(_BLOCK, 100_000)),
    _bomb("hundred-thousand-loops", "Nest 100,000 loops.", lambda: _nested(_LOOP, 100_000)),
    _bomb("hundred-thousand-ifs", "Nest 100,000 conditions.", lambda: _nested_ifs(100_000)),
    _bomb("fifty-thousand-locals", "Keep 50,000 variables alive across a loop.", lambda: _all_locals_live(49_999, 1)),
    _bomb(
        "live-locals", "Keep 2,000 variables alive through ten rounds of a loop.", lambda: _all_locals_live(2000, 10)
    ),
    _bomb(
        "too-many-locals",
        "Declare four billion variables.",
        lambda: binary.one_function(b"", local_groups=(binary.leb(0xFFFF_FFFF) + binary.I64,)),
        "invalid_module",
    ),
    _bomb("deep-operands", "Hold a million operands on the stack.", lambda: _deep_operands(1_000_000)),
    _bomb("select-chain", "Choose 500,000 times in one expression.", lambda: _selects(500_000)),
    _bomb("dead-code", "Write two million instructions that are never reached.", lambda: _dead_code(1_000_000)),
    _bomb("calls-of-a-thousand-values", "Pass a thousand values on 2,000 times.", lambda: _calls_with_values(2_000)),
    _bomb(
        "straight-line",
        "Write one function of a million additions.",
        lambda: _repeated_code(b"\x20\x00\x41\x01\x6a\x21\x00", 1_000_000, local_groups=(b"\x01\x7f",)),
    ),
    _bomb(
        "vector-flood",
        "Write 300,000 vector operations, each many machine instructions.",
        lambda: _repeated_code(
            b"\x20\x00\x20\x00\xfd\xd5\x01\xfd\xe0\x01\x21\x00", 150_000, local_groups=(b"\x01\x7b",)
        ),
    ),
    Attack(
        name="after-the-bombs",
        tries="Load a plain module right after them: the compiler still serves.",
        module=text('(module (func (export "run") (result i32) (i32.const 42)))'),
        calls=run(output=42),
    ),
)
