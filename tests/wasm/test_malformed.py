"""Bytes that are no module are refused with the section and the offset of the mistake."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.errors import InvalidModule, ModuleTooLarge
from infrafabric.wasm import inspect_module
from tests.wasm.encoding import (
    CODE,
    COMPONENT_HEADER,
    EMPTY_BODY,
    FUNCTIONS,
    HEADER,
    MEMORY,
    TABLE,
    TYPES,
    ZERO,
    custom,
    leb,
    module,
    name,
    section,
    vector,
    with_exports,
)

FUNC_F = name("f") + b"\0\0"

#: id -> (module, offset of the mistake, section, words of the message)
MISTAKES = {
    # numbers
    "count_cut": (HEADER + b"\x01\x01\x80", 10, "type", "end inside a LEB128"),
    "count_overlong": (module(section(1, b"\x80\x80\x80\x80\x80\x00")), 10, "type", "longer than 32 bits"),
    "count_unused_bits": (module(section(1, b"\x80\x80\x80\x80\x10")), 10, "type", "does not fit 32 bits"),
    "limit_overlong": (module(section(5, b"\x01\0" + b"\x80" * 10 + b"\0")), 12, "memory", "longer than 64 bits"),
    "limit_unused_bits": (module(section(5, b"\x01\0" + b"\xff" * 9 + b"\x02")), 12, "memory", "does not fit 64"),
    # sections
    "section_unknown": (module(section(14, b"")), 8, "between sections", "unknown section 14"),
    "section_id_only": (HEADER + b"\x01", 9, "type", "end inside a LEB128"),
    "section_cut": (HEADER + b"\x01\x05\x01\x60", 10, "type", "takes 5 bytes and 2 are left"),
    "section_too_long": (module(section(1, b"\x01\x60\0\0\0")), 14, "type", "the content ends here"),
    "section_too_short": (HEADER + b"\x01\x03\x01\x60\0" + b"\0", 13, "type", "cannot fit|unexpected end|end inside"),
    "section_twice": (module(TYPES, TYPES), 14, "type", "out of order or there twice"),
    "section_order": (module(MEMORY, TYPES), 13, "type", "out of order"),
    "tag_after_global": (module(TYPES, section(6, b"\0"), section(13, b"\0")), 17, "tag", "out of order"),
    "code_before_data_count": (module(section(10, b"\0"), section(12, b"\0")), 11, "data count", "out of order"),
    "second_module": (module(TYPES) + HEADER, 16, "custom", "takes 97 bytes and 6 are left"),
    # types
    "type_kind": (module(section(1, b"\x01\x40\0\0")), 11, "type", "unknown kind of type 0x40"),
    "type_param": (module(section(1, b"\x01\x60\x01\x3f\0")), 13, "type", "unknown value type 0x3f"),
    "type_packed_param": (module(section(1, b"\x01\x60\x01\x78\0")), 13, "type", "unknown value type 0x78"),
    "type_forward": (module(section(1, b"\x01\x60\x01\x64\x01\0")), 14, "type", "index 1 is out of range"),
    "type_supertype": (module(section(1, b"\x01\x50\x01\x01\x60\0\0")), 13, "type", "index 1 is out of range"),
    "type_group_in_group": (module(section(1, b"\x01\x4e\x01\x4e\x01\x60\0\0")), 13, "type", "type 0x4e"),
    "type_field_mutability": (module(section(1, b"\x01\x5e\x7f\x02")), 13, "type", "mutability 0x02"),
    "type_shared_heap": (module(section(1, b"\x01\x60\x01\x65\x7f\0")), 14, "type", "unknown heap type 0x7f"),
    # the import section
    "import_kind": (module(section(2, b"\x01\0\0\x05\0")), 13, "import", "unknown kind of import 0x05"),
    "import_compact_named": (module(section(2, b"\x01\0\x01a\x7f\0")), 14, "import", "unknown kind of import 0x7f"),
    "import_type": (module(TYPES, section(2, b"\x01\0\0\0\x01")), 20, "import", "index 1 is out of range"),
    "import_no_function": (
        module(section(1, b"\x01\x5f\0"), section(2, b"\x01\0\0\0\0")),
        19,
        "import",
        "not a function type",
    ),
    "import_utf8": (module(section(2, b"\x01\x02a\xff\0\0\0")), 13, "import", "module name is not UTF-8"),
    "import_surrogate": (module(section(2, b"\x01\0\x03\xed\xa0\x80\0\0")), 13, "import", "name is not UTF-8"),
    "import_name_cut": (module(section(2, b"\x01\x7fabc")), 12, "import", "takes 127 bytes and 3 are left"),
    # functions and code
    "function_type": (module(TYPES, section(3, b"\x01\x01"), CODE), 17, "function", "index 1 is out of range"),
    "function_no_function": (
        module(section(1, b"\x01\x5f\0"), section(3, b"\x01\0"), CODE),
        16,
        "function",
        "type 0 is not a function type",
    ),
    "function_count": (module(TYPES, section(3, b"\x05\0")), 16, "function", "5 functions cannot fit in the 1 bytes"),
    "function_without_code": (module(TYPES, FUNCTIONS), 18, "end of the module", "0 bodies for 1 functions"),
    "code_without_function": (module(TYPES, CODE), 16, "code", "1 bodies for 0 functions"),
    "code_count": (module(TYPES, FUNCTIONS, section(10, b"\x02" + EMPTY_BODY * 2)), 20, "code", "2 bodies for 1"),
    "code_body": (module(TYPES, FUNCTIONS, section(10, b"\x01\x03\0\x0b")), 22, "code", "takes 3 bytes and 2 are left"),
    "code_rest": (module(TYPES, FUNCTIONS, section(10, b"\x01\x01\0\x0b")), 23, "code", "the content ends here"),
    # tables, memories, tags, globals
    "table_number": (module(section(4, b"\x01\x7f\0\0")), 11, "table", "reference type was due, found i32"),
    "table_flags": (module(section(4, b"\x01\x70\x08\0")), 12, "table", "unknown table flags 0x08"),
    "table_encoding": (module(section(4, b"\x01\x40\x01\x70\0\0\x0b")), 12, "table", "unknown table encoding"),
    "memory_flags": (module(section(5, b"\x01\x10\0")), 11, "memory", "unknown memory flags 0x10"),
    "memory_limits": (module(section(5, b"\x01\x01\x02\x01")), 12, "memory", "minimum 2 is above its maximum 1"),
    "memory_size": (module(section(5, b"\x01\0" + leb(2**32))), 12, "memory", "does not fit a 32-bit memory"),
    "tag_attribute": (module(TYPES, section(13, b"\x01\x01\0")), 17, "tag", "unknown tag attribute 0x01"),
    "global_flags": (module(section(6, b"\x01\x7f\x04" + ZERO)), 12, "global", "unknown global flags 0x04"),
    "global_code": (module(section(6, b"\x01\x7f\0\x10\0\x0b")), 13, "global", "opcode 0x10 in a constant"),
    "global_open": (module(section(6, b"\x01\x7f\0\x41\0")), 15, "global", "unexpected end"),
    # exports and start
    "export_twice": (with_exports(FUNC_F, FUNC_F), 36, "export", "second export is named 'f'"),
    "export_count": (module(section(7, b"\x02" + FUNC_F)), 10, "export", "2 exports cannot fit in the 4 bytes left"),
    "export_kind": (with_exports(name("f") + b"\x05\0"), 34, "export", "unknown kind of export 0x05"),
    "export_func": (with_exports(name("f") + b"\0\x01"), 35, "export", "func index 1 is out of range"),
    "export_table": (with_exports(name("f") + b"\x01\x01"), 35, "export", "table index 1 is out of range"),
    "export_memory": (with_exports(name("f") + b"\x02\x01"), 35, "export", "memory index 1 is out of range"),
    "export_global": (with_exports(name("f") + b"\x03\0"), 35, "export", "global index 0 is out of range"),
    "export_tag": (with_exports(name("f") + b"\x04\0"), 35, "export", "tag index 0 is out of range"),
    "export_utf8": (with_exports(name(b"\xc0\x80") + b"\0\0"), 33, "export", "name is not UTF-8"),
    "start": (module(TYPES, FUNCTIONS, section(8, b"\x01"), CODE), 20, "start", "func index 1 is out of range"),
    # segments
    "element_flags": (module(TABLE, section(9, b"\x01\x08\0")), 17, "element", "element segment flags 0x08"),
    "element_table": (module(section(9, b"\x01\0" + ZERO + b"\0")), 12, "element", "table index 0 is out of range"),
    "element_kind": (module(section(9, b"\x01\x01\x01\0")), 12, "element", "unknown kind of element 0x01"),
    "element_count": (module(section(9, b"\x01\x01\0\x05\0")), 13, "element", "5 element items cannot fit"),
    "data_flags": (module(MEMORY, section(11, b"\x01\x03\0")), 16, "data", "data segment flags 0x03"),
    "data_memory": (module(section(11, b"\x01\0" + ZERO + b"\0")), 12, "data", "memory index 0 is out of range"),
    "data_other_memory": (module(MEMORY, section(11, b"\x01\x02\x01" + ZERO + b"\0")), 17, "data", "index 1 is out"),
    "data_size": (module(section(11, b"\x01\x01\x7fabc")), 13, "data", "takes 127 bytes and 3 are left"),
    "data_into_next_section": (
        module(section(11, b"\x01\x01\x05a"), custom("more")),
        13,
        "data",
        "takes 5 bytes and 1 are left",
    ),
    "data_count": (module(section(12, b"\x02"), section(11, b"\x01\x01\0")), 13, "data section", "said 2"),
    "data_missing": (module(section(12, b"\x02")), 11, "end of the module", "data section is missing"),
    # custom sections
    "custom_empty": (module(section(0, b"")), 10, "custom", "end inside a LEB128"),
    "custom_name_cut": (module(section(0, b"\x05abc")), 11, "custom", "takes 5 bytes and 3 are left"),
    "custom_name_utf8": (module(custom(b"\x80")), 11, "custom", "name is not UTF-8"),
    # versions
    "version": (b"\0asm\x02\0\0\0", 4, "", "Unknown WebAssembly version 2 "),
    "version_old": (b"\0asm\x0d\0\0\0", 4, "", "Unknown WebAssembly version 13 "),
    "layer": (b"\0asm\x01\0\x02\0", 4, "", "Unknown WebAssembly version 131073 "),
}


@pytest.mark.parametrize(("wasm", "offset", "place", "words"), MISTAKES.values(), ids=MISTAKES)
def test_names_the_section_and_the_offset(wasm: bytes, offset: int, place: str, words: str) -> None:
    """The error carries the offset as a number and says it, the section and the mistake in its message."""
    with pytest.raises(InvalidModule, match=words) as refused:
        inspect_module(wasm)
    assert refused.value.offset == offset
    assert f"byte {offset}" in str(refused.value)
    assert place in str(refused.value)


def test_the_parts_that_mistakes_are_made_of_are_right() -> None:
    """Without the mistake each of these modules is read, so that the table tests what it says."""
    inspect_module(module(TYPES, FUNCTIONS, TABLE, MEMORY, CODE))
    inspect_module(with_exports(FUNC_F, name("g") + b"\0\0"))
    inspect_module(module(section(12, b"\x01"), section(11, b"\x01\x01\0")))
    inspect_module(module(TABLE, section(9, b"\x01\0" + ZERO + b"\0")))
    inspect_module(module(section(6, b"\x01\x7f\x01" + ZERO)))


@pytest.mark.parametrize("width", [1, 2, 5])
def test_padded_numbers_are_valid(width: int) -> None:
    """Linkers pad LEB128 numbers to five bytes; that is within the format."""
    content = leb(1, width) + b"\x60" + leb(0, width) + leb(0, width)
    assert inspect_module(HEADER + b"\x01" + leb(len(content), width) + content).counts.types == 1


def test_a_section_cut_at_any_byte_is_refused() -> None:
    """No prefix of a module but those that end between sections is taken for one."""
    wasm = with_exports(FUNC_F)
    between_sections = len(HEADER + TYPES)
    inspect_module(wasm[:between_sections])
    for size in set(range(len(HEADER) + 1, len(wasm))) - {between_sections}:
        with pytest.raises(InvalidModule) as refused:
            inspect_module(wasm[:size])
        assert refused.value.offset is not None
        assert refused.value.offset <= size


def test_names_in_messages_are_escaped_and_cut() -> None:
    """A hostile export name can neither move the cursor of a terminal nor flood a log."""
    hostile = name("\x1b[2J\n" + "x" * 1_000) + b"\0\0"
    with pytest.raises(InvalidModule) as refused:
        inspect_module(with_exports(hostile, hostile))
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


def test_the_error_survives_pickling() -> None:
    """The offset is kept when the error crosses a process border."""
    with pytest.raises(InvalidModule) as refused:
        inspect_module(module(section(14, b"")))
    copy = pickle.loads(pickle.dumps(refused.value))
    assert (str(copy), copy.offset) == (str(refused.value), 8)


def _read_or_refuse(data: bytes) -> None:
    refused: InvalidModule | None = None
    try:
        inspect_module(data)
    except InvalidModule as error:
        refused = error
    except ModuleTooLarge:
        return
    if refused is not None:
        assert refused.offset is not None
        assert 0 <= refused.offset <= len(data)
        assert str(refused).isprintable()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Whatever the bytes, the answer is a record or one of the two errors."""
    _read_or_refuse(data)


@given(
    st.lists(st.tuples(st.integers(0, 15), st.binary(max_size=60)), max_size=8),
    st.sampled_from([HEADER, COMPONENT_HEADER]),
)
def test_any_sections_are_read_or_refused(sections: list[tuple[int, bytes]], header: bytes) -> None:
    """Well-framed sections of any content, in any order, get no further than that."""
    _read_or_refuse(header + b"".join(section(number, content) for number, content in sections))


@given(st.lists(st.binary(min_size=1, max_size=12), max_size=5), st.integers(1, 13))
def test_any_items_are_read_or_refused(items: list[bytes], number: int) -> None:
    """The same for a vector of any items in each section, with an index space to refer to."""
    before = [(1, TYPES), (3, FUNCTIONS), (4, TABLE), (5, MEMORY)]
    _read_or_refuse(
        HEADER + b"".join(data for other, data in before if other < number) + section(number, vector(items))
    )
