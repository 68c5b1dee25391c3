"""Modules built to cost time or memory are read or refused within fixed amounts of both."""

from __future__ import annotations

import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from infrafabric.errors import InvalidModule, ModuleTooLarge
from infrafabric.wasm import inspect_module
from tests.wasm.encoding import (
    CODE,
    COMPONENT_HEADER,
    EMPTY_BODY,
    FUNCTIONS,
    MEMORY,
    TABLE,
    TYPES,
    ZERO,
    custom,
    leb,
    module,
    name,
    repeated,
    section,
    vector,
    with_exports,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Build = Callable[[], bytes]

MEGABYTE = 1_000_000


def _with_function(export: bytes) -> bytes:
    return module(TYPES, FUNCTIONS, section(7, export), CODE)


#: Refused, each with a word of why. Built when a test runs: together they would weigh on every other test.
REFUSED: dict[str, tuple[Build, str]] = {
    "a_million_functions": (lambda: module(TYPES, section(3, repeated(MEGABYTE, b"\0"))), "1,000,000 functions"),
    "empty_groups": (lambda: module(section(1, repeated(10 * MEGABYTE, b"\x4e\0"))), "10,000,000 types"),
    "groups_in_groups": (
        lambda: module(section(1, b"\x01" + b"\x4e\x01" * MEGABYTE + b"\x60\0\0")),
        "unknown kind of type",
    ),
    "endless_signature": (
        lambda: module(section(1, b"\x01\x60" + repeated(20 * MEGABYTE, b"\x7f") + b"\0")),
        "signature values",
    ),
    "endless_number": (lambda: module(section(1, b"\x80" * MEGABYTE)), "longer than 32 bits"),
    "endless_constant": (lambda: module(section(6, b"\x01\x7e\0\x42" + b"\x80" * MEGABYTE)), "longer than 64 bits"),
    "constant_chain": (
        lambda: module(section(6, b"\x01\x7f\0" + b"\x6a" * 20 * MEGABYTE + b"\x0b")),
        "constant instructions",
    ),
    "megabyte_name": (lambda: _with_function(b"\x01" + name("a" * MEGABYTE) + b"\0\0"), "name bytes"),
    "names_without_end": (
        lambda: with_exports(*(name(f"{number:04000d}") + b"\0\0" for number in range(2_000))),
        "total name bytes",
    ),
    "memories": (lambda: module(section(5, repeated(10_000, b"\0\0"))), "10,000 memories"),
    "data_segments": (lambda: module(section(11, repeated(10 * MEGABYTE, b"\x01\0"))), "10,000,000 data segments"),
    "element_items": (
        lambda: module(TABLE, section(9, b"\x01\x01\0" + repeated(20 * MEGABYTE, b"\0"))),
        "element items",
    ),
    "custom_sections": (lambda: module(section(0, b"\0") * MEGABYTE), "custom sections"),
}
#: Read, being within every bound.
READ: dict[str, Build] = {
    "functions": lambda: module(
        TYPES, section(3, repeated(200_000, b"\0")), section(10, repeated(200_000, EMPTY_BODY))
    ),
    "functions_of_high_types": lambda: module(
        section(1, repeated(300, b"\x60\0\0")),
        section(3, repeated(200_000, b"\x80\x02")),
        section(10, repeated(200_000, EMPTY_BODY)),
    ),
    "types": lambda: module(section(1, repeated(100_000, b"\x60\0\0"))),
    "one_group": lambda: module(section(1, b"\x01\x4e" + repeated(99_999, b"\x5f\x01\x63\0\0"))),
    "references": lambda: module(section(1, b"\x01\x60" + repeated(499_999, b"\x63\0") + b"\0")),
    "exports": lambda: with_exports(*(name(f"e{number}") + b"\0\0" for number in range(20_000))),
    "imports": lambda: module(TYPES, section(2, repeated(2_000, name("env") + name("log") + b"\0\0"))),
    "data_segments": lambda: module(MEMORY, section(11, repeated(100_000, b"\0" + ZERO + b"\0"))),
    "names": lambda: module(custom("name", b"\x01" + name(repeated(MEGABYTE, b"\0\x01a")))),
    "local_names": lambda: module(custom("name", b"\x02" + name(b"\x01\0" + repeated(MEGABYTE, b"\0\x01a")))),
    "functions_with_names": lambda: module(custom("name", b"\x02" + name(repeated(MEGABYTE, b"\0\0")))),
    "producers": lambda: module(custom("producers", repeated(10 * MEGABYTE, b"\x01a\0"))),
    "component": lambda: COMPONENT_HEADER + b"\x01\0" * 10 * MEGABYTE,
    "component_customs": lambda: COMPONENT_HEADER + section(0, b"\0") * MEGABYTE,
}

#: Read, and nothing is kept of it; only the time matters.
STEPPED_OVER: dict[str, Build] = {
    "constants": lambda: module(section(6, b"\x01\x7f\0" + b"\xfb\x08\0\0" * MEGABYTE + b"\x0b")),
    "elements": lambda: module(TABLE, section(9, b"\x01\x05\x70" + repeated(500_000, b"\xd0\x70\x0b"))),
}


def _inspect(data: bytes) -> str:
    """Read ``data`` and ask for its names; the message when it is refused."""
    try:
        info = inspect_module(data)
    except (InvalidModule, ModuleTooLarge) as refused:
        return str(refused)
    info.function_name(0)
    info.parameter_names(0)
    return ""


@pytest.mark.parametrize(("build", "why"), REFUSED.values(), ids=REFUSED)
def test_refuses_floods_by_name(build: Build, why: str) -> None:
    """The message says what there is too much of, or what is wrong."""
    assert why in _inspect(build())


@pytest.mark.parametrize(
    "build",
    [*(build for build, _ in REFUSED.values()), *READ.values()],
    ids=[*REFUSED, *(f"{key}_read" for key in READ)],
)
def test_memory_is_bounded(build: Build) -> None:
    """No module makes the reader allocate more than 64 MB, whatever it claims or holds."""
    data = build()
    tracemalloc.start()
    try:
        _inspect(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * MEGABYTE


def _cpu_seconds(data: bytes, rounds: int = 1) -> float:
    """CPU time of the fastest of ``rounds`` readings, which neighbours on the machine disturb least."""
    measured = []
    for _ in range(rounds):
        start = time.thread_time()
        _inspect(data)
        measured.append(time.thread_time() - start)
    return min(measured)


@pytest.mark.timing
@pytest.mark.parametrize("build", [build for build, _ in REFUSED.values()], ids=REFUSED)
def test_refusing_is_quick(build: Build) -> None:
    """A flood is refused at its count, or after what the bounds allow: within half a second."""
    assert _cpu_seconds(build()) < 0.5


@pytest.mark.timing
@pytest.mark.parametrize("build", (READ | STEPPED_OVER).values(), ids=READ | STEPPED_OVER)
def test_the_worst_modules_take_seconds_at_most(build: Build) -> None:
    """The most expensive module that a bound admits is read, and within two seconds of CPU time."""
    data = build()
    assert _inspect(data) == ""
    assert _cpu_seconds(data) < 2


@pytest.mark.timing
def test_a_module_like_gos_is_read_in_60_ms() -> None:
    """2.4 MB, 27,000 data segments, 1,600 functions: what a small Go program compiles to."""
    segments = repeated(27_000, b"\0\x41\x80\x80\xc0\x02\x0b" + name(b"d" * 24))
    bodies = repeated(1_600, leb(950) + bytes(949) + b"\x0b")
    data = module(
        section(1, repeated(13, b"\x60\x01\x7f\x01\x7f")),
        section(3, repeated(1_600, b"\x05")),
        TABLE,
        MEMORY,
        section(9, b"\x01\0\x41\x01\x0b" + vector(leb(number % 1_600, 2) for number in range(1_600))),
        section(10, bodies),
        section(11, segments),
    )
    assert 2_300_000 < len(data) < 2_500_000
    assert _cpu_seconds(data, rounds=5) < 0.06


@pytest.mark.timing
def test_64_megabytes_of_data_are_read_in_150_ms() -> None:
    """Content is digested and stepped over, not looked at."""
    data = module(MEMORY, section(11, b"\x01\0" + ZERO + name(bytes(64 << 20))))
    assert _cpu_seconds(data, rounds=3) < 0.15


@pytest.mark.timing
def test_a_small_module_is_read_in_a_millisecond() -> None:
    """Reading costs nothing beside what the engine does with the module."""
    assert _cpu_seconds(with_exports(name("f") + b"\0\0"), rounds=5) < 0.001
