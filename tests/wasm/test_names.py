"""The "name" and "producers" sections give names where they are right and nothing where they are wrong."""

from __future__ import annotations

import pytest
from wasmtime import wat2wasm

from infrafabric.wasm import ModuleInfo, Producer, ReadBounds, inspect_module
from tests.wasm.encoding import CODE, COMPONENT_HEADER, FUNCTIONS, HEADER, custom, leb, module, name, section, vector

#: Two parameters and three locals in all.
TWO_PARAMS = section(1, b"\x01\x60\x02\x7f\x7f\0")
ONE_EXPORT = section(7, vector([name("add") + b"\0\0"]))


def subsection(number: int, content: bytes) -> bytes:
    """A part of the name section."""
    return bytes([number]) + leb(len(content)) + content


def naming(index: int, text: str | bytes) -> bytes:
    """An index and its name."""
    return leb(index) + name(text)


def named(*subsections: bytes, bounds: ReadBounds | None = None) -> ModuleInfo:
    """A module with one export, add(i32, i32), and a name section of these parts."""
    data = module(TWO_PARAMS, FUNCTIONS, ONE_EXPORT, CODE, custom("name", b"".join(subsections)))
    return inspect_module(data, bounds=bounds or ReadBounds())


def locals_of(function: int, *names: bytes) -> bytes:
    """The part that names the locals of one function."""
    return subsection(2, vector([leb(function) + vector(names)]))


def test_reads_what_an_assembler_wrote() -> None:
    """Module, function and parameter names of a real module are found by export and by index."""
    info = inspect_module(
        bytes(
            wat2wasm(
                """(module $calc
                     (import "env" "log" (func $log (param $ptr i32) (param $len i32)))
                     (func $add (export "add") (param $left i32) (param $right i32) (local $sum i32))
                     (func $stop (export "stop")))"""
            )
        )
    )
    assert info.module_name == "calc"
    assert [info.function_name(index) for index in range(4)] == ["log", "add", "stop", None]
    assert info.parameter_names("add") == ("left", "right")
    assert info.parameter_names(0) == ("ptr", "len")
    assert info.parameter_names("stop") == ()
    assert info.parameter_names("missing") is None
    assert info.parameter_names(3) is None


def test_a_module_without_names_has_none() -> None:
    """Nothing is made up; only a function without parameters knows all its names."""
    info = inspect_module(bytes(wat2wasm('(module (memory (export "m") 1) (func (export "f") (param i32)))')))
    assert (info.module_name, info.function_name(0), info.parameter_names("f")) == (None, None, None)
    assert info.parameter_names("m") is None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([naming(0, "a"), naming(1, "b")], ("a", "b")),
        ([naming(0, "a"), naming(1, "b"), naming(2, "sum")], ("a", "b")),
        ([naming(0, "a")], None),
        ([naming(1, "b")], None),
        ([naming(0, "a"), naming(1, "a")], None),
        ([naming(0, "a"), naming(1, "")], None),
        ([naming(0, "a"), naming(0, "b")], None),
        ([naming(0, b"\xff"), naming(1, "b")], ("\ufffd", "b")),
        ([], None),
    ],
    ids=["both", "and_locals", "first", "second", "same", "empty", "twice", "bad_utf8", "none"],
)
def test_parameter_names_are_all_or_nothing(names: list[bytes], expected: tuple[str, ...] | None) -> None:
    """A mapping of parameters needs every name, and each once."""
    assert named(locals_of(0, *names)).parameter_names("add") == expected


def test_names_of_another_function_are_not_taken() -> None:
    """Names belong to their function's index."""
    assert named(locals_of(1, naming(0, "a"), naming(1, "b"))).parameter_names("add") is None


MODULE_NAME = subsection(0, name("calc"))
FUNCTION_NAME = subsection(1, vector([naming(0, "plus")]))
PARAMETERS = locals_of(0, naming(0, "a"), naming(1, "b"))


@pytest.mark.parametrize(
    "broken",
    [
        b"\x01",
        b"\x01\x7f",
        b"\x01\xff\xff\xff\xff\xff\x01",
        subsection(1, leb(2**32 - 1)),
        subsection(1, b"\x01\0\x7fabc"),
        subsection(2, leb(2**32 - 1)),
        subsection(2, b"\x01\0" + leb(2**32 - 1)),
        subsection(2, b"\x01\0\x01\0\x7f"),
    ],
    ids=["cut", "too_large", "overlong", "functions", "function_name", "locals", "local_count", "local_name"],
)
def test_a_mistake_costs_the_names_after_it_only(broken: bytes) -> None:
    """The module is read, and names before the mistake are kept."""
    info = named(MODULE_NAME, FUNCTION_NAME, broken)
    assert (info.module_name, info.function_name(0)) == ("calc", "plus")
    assert info.parameter_names("add") is None


def test_unknown_parts_are_stepped_over() -> None:
    """Labels, fields and parts of the future do not hide what follows."""
    info = named(subsection(3, b"\xff\xff"), subsection(99, b""), MODULE_NAME, PARAMETERS)
    assert (info.module_name, info.parameter_names("add")) == ("calc", ("a", "b"))


def test_the_first_name_section_counts() -> None:
    """A second one, which no tool writes, does not change what things are called."""
    data = module(custom("name", subsection(0, name("first"))), custom("name", subsection(0, name("second"))))
    assert inspect_module(data).module_name == "first"


def test_a_name_is_cut_at_the_bound() -> None:
    """A megabyte of name is not carried around."""
    info = named(subsection(1, vector([naming(0, "x" * 100)])), bounds=ReadBounds(name_bytes=10))
    assert info.function_name(0) == "x" * 10


def test_a_name_section_over_its_bound_gives_no_names() -> None:
    """At the bound the names are there, one byte more and they are not; the module is fine both ways."""
    size = len(MODULE_NAME)
    assert named(MODULE_NAME, bounds=ReadBounds(name_section_bytes=size)).module_name == "calc"
    assert named(MODULE_NAME, bounds=ReadBounds(name_section_bytes=size - 1)).module_name is None


def test_names_beyond_the_bound_are_left_out() -> None:
    """The first names are read and the rest is not looked at."""
    functions = subsection(1, vector([naming(0, "plus"), naming(1, "minus")]))
    info = named(functions, bounds=ReadBounds(debug_names=1))
    assert (info.function_name(0), info.function_name(1)) == ("plus", None)
    assert named(PARAMETERS, bounds=ReadBounds(debug_names=2)).parameter_names("add") == ("a", "b")
    assert named(PARAMETERS, bounds=ReadBounds(debug_names=1)).parameter_names("add") is None


def field(title: str, *tools: tuple[str, str]) -> bytes:
    """A field of the producers section with its names and versions."""
    return name(title) + vector(name(tool) + name(version) for tool, version in tools)


RUST = custom(
    "producers",
    vector(
        [
            field("language", ("Rust", ""), ("C11", "")),
            field("processed-by", ("rustc", "1.63.0 (4b91a6ea7 2022-08-08)"), ("Debian clang", "14.0.6")),
        ]
    ),
)


def test_says_what_made_the_module() -> None:
    """Producers come as records, as languages and as one line for people."""
    info = inspect_module(module(RUST))
    assert info.producers == (
        Producer("language", "Rust", ""),
        Producer("language", "C11", ""),
        Producer("processed-by", "rustc", "1.63.0 (4b91a6ea7 2022-08-08)"),
        Producer("processed-by", "Debian clang", "14.0.6"),
    )
    assert info.languages == ("Rust", "C11")
    assert info.toolchain == "Rust, C11 (rustc 1.63.0, Debian clang 14.0.6)"


@pytest.mark.parametrize(
    ("fields", "languages", "toolchain"),
    [
        ([], (), None),
        ([field("language", ("Go", "go1.27"))], ("Go",), "Go"),
        ([field("processed-by", ("wasm-opt", "108"))], (), "wasm-opt 108"),
        ([field("sdk", ("Emscripten", "3.1.50"))], (), "Emscripten 3.1.50"),
        ([field("unheard-of", ("x", "1"))], (), None),
        ([field("language", ("C", ""), ("C", ""))], ("C",), "C"),
        ([field("language", ("C_plus_plus", ""), ("C_plus_plus_14", ""))], ("C++", "C++14"), "C++, C++14"),
        ([field("language", ("\x1b[31mred", ""))], ("\\x1b[31mred",), "\\x1b[31mred"),
    ],
    ids=["none", "language", "tool", "sdk", "unknown_field", "repeated", "c_plus_plus", "hostile"],
)
def test_sums_the_toolchain_up(fields: list[bytes], languages: tuple[str, ...], toolchain: str | None) -> None:
    """Whatever is known is on one printable line."""
    info = inspect_module(module(custom("producers", vector(fields))))
    assert (info.languages, info.toolchain) == (languages, toolchain)


@pytest.mark.parametrize("header", [HEADER, COMPONENT_HEADER], ids=["module", "component"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\x7f", b"\xff\xff\xff\xff\xff\x01", b"\x01\x7fabc", b"\x01" + name(b"\xff\xfe") + b"\x01\x01"],
    ids=["empty", "count", "overlong", "name", "entry"],
)
def test_broken_producers_reject_nothing(header: bytes, content: bytes) -> None:
    """A module whose producers cannot be read is still a module."""
    info = inspect_module(header + custom("producers", content))
    assert (info.producers, info.toolchain) == ((), None)


def test_a_flood_of_producers_is_cut() -> None:
    """Number and length of what is kept are bounded, and so is the line for people."""
    flood = [("x" * 10_000 + str(number), "9" * 10_000) for number in range(1_000)]
    info = inspect_module(module(custom("producers", vector([field("processed-by", *flood)]))))
    assert len(info.producers) == 64
    assert max(len(producer.name) for producer in info.producers) == 256
    assert len(info.toolchain or "") < 1_000
