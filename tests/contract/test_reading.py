"""Reading untrusted files: bounded, strict, and one kind of error for every junk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from infrafabric.contract.reading import MAX_FILE_BYTES, parse_json, read_text
from infrafabric.errors import ContractSyntaxError

if TYPE_CHECKING:
    from pathlib import Path


def test_text_is_read_with_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    """UTF-8 text comes back as it is; a mark before it is not part of it."""
    path = tmp_path / "a.json"
    path.write_bytes("é".encode("utf-8-sig"))
    assert read_text(path) == "é"
    path.write_bytes("é".encode())
    assert read_text(str(path)) == "é"


def test_size_is_bounded_on_both_sides(tmp_path: Path) -> None:
    """A file of exactly the bound is read, and one byte more is refused."""
    path = tmp_path / "a.json"
    path.write_bytes(b" " * MAX_FILE_BYTES)
    assert len(read_text(path)) == MAX_FILE_BYTES
    path.write_bytes(b" " * (MAX_FILE_BYTES + 1))
    with pytest.raises(ContractSyntaxError, match="larger than 1,048,576 bytes"):
        read_text(path)


def test_what_is_no_readable_file_is_named(tmp_path: Path) -> None:
    """Missing files, folders, pipes, devices, impossible names and other encodings are one error, at once."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "latin").write_bytes(b"abc\xe9")
    for path, words in (
        (tmp_path / "missing", "No such file"),
        (tmp_path, "not a regular file"),
        (tmp_path / "pipe", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        ("a\0b", r"a\\x00b: cannot be read: its name cannot be a path"),
        (tmp_path / ("x" * 5000), "too long"),
        (tmp_path / "latin", r"byte 3 \(0xe9\) is not UTF-8"),
    ):
        with pytest.raises(ContractSyntaxError, match=words) as caught:
            read_text(path)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"f\.json:1:1: this is not JSON"),
        ('{"a": 1,\n  b}', r"f\.json:2:3: this is not JSON"),
        ("{'a': 1}", "this is not JSON"),
        ('{"a": 1} x', r"f\.json:1:10"),
        ('{"a": 1, "a": 2}', 'the key "a" stands twice'),
        ('{"x": {"\\u001b": 1, "\\u001b": 2}}', r"\\x1b"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": -Infinity}', "-Infinity is not JSON"),
        ("[" * 100_000, "nested too deep"),
        ("9" * 5000, "too many digits"),
    ],
    ids=["empty", "place", "quotes", "trailing", "duplicate", "escaped", "nan", "infinity", "deep", "digits"],
)
def test_json_is_strict(text: str, words: str) -> None:
    """What RFC 8259 does not allow, and what would cost too much, is refused with its reason."""
    with pytest.raises(ContractSyntaxError, match=words) as caught:
        parse_json(text, "f.json")
    assert str(caught.value).isprintable()


def test_strict_json_is_read() -> None:
    """Ordinary JSON comes back as Python data."""
    assert parse_json('{"a": [1, 2.5, null, true, "x"], "b": {}}', "f") == {"a": [1, 2.5, None, True, "x"], "b": {}}
