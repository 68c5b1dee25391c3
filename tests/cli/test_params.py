"""A task's parameters from the command line."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.cli import params
from infrafabric.cli.params import read_params

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with files of several kinds."""
    (tmp_path / "list.json").write_text("[2, 3]")
    (tmp_path / "notes.txt").write_bytes("Grüße\r\n".encode())
    (tmp_path / "numbers.txt").write_text("[2, 3]")
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff")
    (tmp_path / "empty").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


_GIVEN: list[tuple[str, str | None, params.Format, bytes, Any]] = [
    ("nothing", None, "auto", b"", None),
    ("inline JSON", '{"a": [1, 2.5, null]}', "auto", b"", {"a": [1, 2.5, None]}),
    ("inline text", "[2, 3]", "text", b"", "[2, 3]"),
    ("inline bytes", "é", "bytes", b"", "é".encode()),
    ("an empty inline text", "", "text", b"", ""),
    ("a .json file", "@list.json", "auto", b"", [2, 3]),
    ("a .json file as text", "@list.json", "text", b"", "[2, 3]"),
    ("a text file, line ends kept", "@notes.txt", "auto", b"", "Grüße\r\n"),
    ("a text file that looks like JSON", "@numbers.txt", "auto", b"", "[2, 3]"),
    ("a text file as JSON", "@numbers.txt", "json", b"", [2, 3]),
    ("a file that is no text", "@picture", "auto", b"", b"\x89PNG\xff"),
    ("a text file as bytes", "@notes.txt", "bytes", b"", "Grüße\r\n".encode()),
    ("an empty file", "@empty", "auto", b"", ""),
    ("stdin as it is", "-", "auto", b"[2, 3]", "[2, 3]"),
    ("stdin as JSON", "-", "json", b"[2, 3]", [2, 3]),
    ("stdin that is no text", "-", "auto", b"\xff\0", b"\xff\0"),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("text", "how", "stdin", "value"), [g[1:] for g in _GIVEN], ids=[g[0] for g in _GIVEN])
def test_params_are_read_as_they_are_written(
    text: str | None, how: params.Format, stdin: bytes, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place says how: inline and ``.json`` are JSON, all else is sent as it is, and a format overrides it."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
    read = read_params(text, how, ())
    assert (read, type(read)) == (value, type(value))


@pytest.mark.usefixtures("folder")
def test_param_by_param_makes_an_object() -> None:
    """As HTTPie writes it: ``=`` is text, ``:=`` JSON, ``@`` a file of either."""
    pairs = ("file=a=b.py", "source=@notes.txt", 'checks:=["style"]', "limits:=@list.json", "empty=", "n:=-1.5")
    assert read_params(None, "auto", pairs) == {
        "file": "a=b.py",
        "source": "Grüße\r\n",
        "checks": ["style"],
        "limits": [2, 3],
        "empty": "",
        "n": -1.5,
    }


_REFUSED: list[tuple[str, str | None, params.Format, tuple[str, ...], str]] = [
    ("both ways", "[]", "auto", ("a=1",), "either --params or --param, not both"),
    ("broken JSON", "[2, 3", "auto", (), "line 1 column 6; --params-format text sends it as it is"),
    ("a file without @", "list.json", "auto", (), "to read the file, write --params @list.json"),
    ("a missing file", "@none.json", "auto", (), "--params: cannot read 'none.json': No such file or directory"),
    ("a folder", "@.", "auto", (), "--params: cannot read '.': Is a directory"),
    ("a file that is no text as text", "@picture", "text", (), "byte 0 is 0x89; --params-format bytes sends it"),
    ("JSON nested too deep", "[" * 100_000, "auto", (), "not JSON that can be read"),
    ("JSON with a number too long", "1" * 10_000, "auto", (), "not JSON that can be read"),
    ("no key", None, "auto", ("=1",), "KEY=TEXT, KEY=@FILE, KEY:=JSON or KEY:=@FILE, got '=1'"),
    ("no value", None, "auto", ("a",), "KEY=TEXT, KEY=@FILE, KEY:=JSON or KEY:=@FILE, got 'a'"),
    ("a key twice", None, "auto", ("a=1", "a:=2"), "--param a is given twice"),
    ("a value that is no JSON", None, "auto", ("a:=x",), "--param a is not JSON: Expecting value at line 1 column 1"),
    ("a value's missing file", None, "auto", ("a=@none",), "--param a: cannot read 'none'"),
    ("a value's file that is no text", None, "auto", ("a=@picture",), "picture is not UTF-8 text: byte 0 is 0x89"),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("text", "how", "pairs", "wanted"), [r[1:] for r in _REFUSED], ids=[r[0] for r in _REFUSED])
def test_params_that_cannot_be_read_are_refused_with_the_next_step(
    text: str | None, how: params.Format, pairs: tuple[str, ...], wanted: str
) -> None:
    """The message names the flag or the file, the place in it, and what to write instead."""
    with pytest.raises(click.UsageError) as caught:
        read_params(text, how, pairs)
    assert wanted in caught.value.message


@pytest.mark.parametrize("text", ["@\x1b[31m", "@a\nb", "@nul\0name"])
def test_names_of_files_are_escaped_in_messages(text: str) -> None:
    """A file's name may hold anything, and reaches a terminal."""
    with pytest.raises(click.UsageError) as caught:
        read_params(text, "auto", ())
    assert caught.value.message.isprintable()


def test_a_file_without_end_is_read_up_to_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """``@/dev/zero`` is refused, not read until the memory is full."""
    monkeypatch.setattr(params, "MAX_BYTES", 1000)
    with pytest.raises(click.UsageError, match="has more than"):
        read_params("@/dev/zero", "auto", ())


def test_as_much_as_the_bound_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound itself is allowed."""
    monkeypatch.setattr(params, "MAX_BYTES", 1000)
    (tmp_path / "full").write_bytes(b"x" * 1000)
    assert read_params(f"@{tmp_path / 'full'}", "auto", ()) == "x" * 1000
    (tmp_path / "full").write_bytes(b"x" * 1001)
    with pytest.raises(click.UsageError):
        read_params(f"@{tmp_path / 'full'}", "auto", ())


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_inline_json_reads_back_as_the_value(value: Any) -> None:
    """What ``json.dumps`` writes is what the task gets."""
    text = json.dumps(value)
    if not text.startswith("@") and text != "-":
        assert read_params(text, "auto", ()) == value


@pytest.mark.parametrize(
    ("text", "how", "pairs", "wanted"),
    [
        (None, "auto", ("a=2",), "KEY=2 is a text, KEY:=2 a number"),
        (None, "auto", ("a:=2",), None),
        ("-", "auto", (), "they were sent as they are; --params-format json reads them as JSON"),
        ("@x.txt", "auto", (), "they were sent as they are; --params-format json reads them as JSON"),
        ("@x.json", "auto", (), None),
        ("-", "json", (), None),
        ("[2]", "auto", (), None),
    ],
)
def test_parameters_that_a_task_does_not_take_suggest_the_other_reading(
    text: str | None, how: params.Format, pairs: tuple[str, ...], wanted: str | None
) -> None:
    """Only where another reading is possible."""
    assert params.advice(text, how, pairs) == wanted
