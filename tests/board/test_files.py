"""Boards as files: written whole or not at all, and read as if an enemy had written them."""

from __future__ import annotations

import json
import stat
import time
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.board import board_of, files, read, save, to_dict
from infrafabric.board.records import FORMAT
from infrafabric.errors import BoardError
from infrafabric.testing import ADDER, contract

if TYPE_CHECKING:
    from pathlib import Path

    from infrafabric.board import Board
    from infrafabric.chassis import IFChassis


@pytest.fixture
def board(chassis: IFChassis) -> Board:
    """The board of a chassis with two swarms, one of which ran."""
    for swarm_id in ("analyzer", "idle"):
        chassis.load_swarm(swarm_id, ADDER, contract(swarm_id, description="two\nlines"))
    for task_name in ("add", "nothing"):
        chassis.execute_task("analyzer", task_name, [1, 2], check=False)
    return board_of(chassis)


def test_a_board_is_read_as_it_was_written(board: Board, tmp_path: Path) -> None:
    """Every record of it, from a file that only its owner can read."""
    path = tmp_path / "board.json"
    save(board, path)
    assert read(path) == board
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["board.json"]


def test_a_failed_write_leaves_the_old_file(board: Board, tmp_path: Path) -> None:
    """A folder in the file's place: nothing is written, nothing is left behind, and the error says so in one line."""
    (tmp_path / "board.json" / "inside").mkdir(parents=True)
    with pytest.raises(BoardError, match=r"^the board cannot be written to .*board\.json: \w") as caught:
        save(board, tmp_path / "board.json")
    assert "\n" not in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["board.json"]
    with pytest.raises(BoardError, match="No such file or directory"):
        save(board, tmp_path / "nowhere" / "board.json")


def damaged(board: Board, path: str, value: Any) -> bytes:
    """The text of a board with another value at a path of keys and places."""
    plain: Any = to_dict(board)
    place = plain
    *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    for step in steps:
        place = place[step]
    place[last] = value
    return json.dumps(plain).encode()


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("pages/analyzer/limits/3/ratio", "much", r"pages\.analyzer\.limits\[3\]\.ratio is 'much'; expected a number"),
        (
            "pages/analyzer/outcomes/success",
            1.5,
            r"pages\.analyzer\.outcomes\.success is 1\.5; expected a whole number",
        ),
        ("pages/analyzer/logs", None, r"pages\.analyzer\.logs is None; expected a list"),
        ("overview/rows/0/state", 3, r"overview\.rows\[0\]\.state is 3; expected text"),
        ("overview/rows/0/extra", 3, r"overview\.rows\[0\]\.extra is no field of OverviewRow"),
        ("overview/taken_at", 2.1e11, r"overview\.taken_at is 2\.1e\+11; expected seconds since 1970, up to"),
        ("overview/rows/0/activity/0", 1e300, r"activity\[0\] is 1e\+300; expected a number up to 9\.2"),
        ("pages/analyzer", [], r"pages\.analyzer is \[\]; expected a mapping"),
    ],
)
def test_errors_name_the_path_into_the_data(board: Board, path: str, value: Any, says: str) -> None:
    """Whoever made the file by hand, or by another version, is told where it is wrong."""
    with pytest.raises(BoardError, match=says):
        files.from_text(type(board), damaged(board, path, value))


def test_the_largest_numbers_are_read(board: Board) -> None:
    """Just inside the bounds of times and of what is counted."""
    text = damaged(board, "overview/taken_at", 2e11)
    assert files.from_text(type(board), text).overview.taken_at == 2e11
    text = damaged(board, "overview/rows/0/activity/0", 9.2e18)
    assert files.from_text(type(board), text).overview.rows[0].activity[0] == 9.2e18


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(b"", "is not JSON", id="empty"),
        pytest.param(b"\x80\x81", "is not JSON", id="bytes"),
        pytest.param(b"\0asm\1\0\0\0", "is not JSON", id="module"),
        pytest.param(b'{"format": NaN}', "NaN is no number of JSON", id="nan"),
        pytest.param(b"[1, 2]", f"does not say format {FORMAT}", id="list"),
        pytest.param(b'{"taken_at": 1}', f"does not say format {FORMAT}", id="other-json"),
        pytest.param(b'{"format": "infrafabric-board/2"}', "infrafabric-board/2 and this version reads", id="newer"),
        pytest.param(json.dumps({"format": FORMAT}).encode(), "has no 'taken_at'", id="nothing-else"),
        pytest.param(b"[" * 100_000, "nested more than", id="deep-lists"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested more than", id="deep-mappings"),
        pytest.param(b'{"format": ' + b"9" * 100_000 + b"}", "is not JSON", id="digits"),
    ],
)
def test_what_is_no_board_is_refused(text: bytes, says: str, tmp_path: Path) -> None:
    """In one sentence that names the file, whatever it holds, and quickly."""
    path = tmp_path / "board.json"
    path.write_bytes(text)
    with pytest.raises(BoardError, match=says) as caught:
        read(path)
    assert "board.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """The error carries the cause and the name, escaped."""
    with pytest.raises(BoardError, match=r"red\\x1b\.json cannot be read: No such file"):
        read(tmp_path / "red\x1b.json")
    with pytest.raises(BoardError, match="Is a directory"):
        read(tmp_path)


def test_a_file_is_bounded_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sparse file of a terabyte costs nothing; one byte over the bound is too much, the bound itself is not."""
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(2**40)
    monkeypatch.setattr(files, "MAX_BYTES", 1_048_576)
    with pytest.raises(BoardError, match="larger than 1 MiB"):
        read(huge)
    huge.write_bytes(b" " * 1_048_576)
    with pytest.raises(BoardError, match="is not JSON"):
        read(huge)


@pytest.mark.parametrize(
    ("bound", "piece"), [("MAX_VALUES", b"1,"), ("MAX_CONTAINERS", b"[] ")], ids=["values", "lists"]
)
def test_what_takes_far_more_memory_than_text_is_refused_unread(
    bound: str, piece: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the bound the text goes to the parser, above it does not."""
    monkeypatch.setattr(files, bound, 1_000)
    with pytest.raises(BoardError, match="is not JSON"):
        files.from_text(dict, piece * 1_000)
    with pytest.raises(BoardError, match="more than a board of its size has"):
        files.from_text(dict, piece * 1_001)


@pytest.mark.timing
def test_checking_the_depth_takes_linear_time() -> None:
    """Texts full of quotes, backslashes and brackets take no longer than their size asks for."""
    for text in (b'"\\' * 2_000_000, b'"' * 4_000_000, b"[]" * 2_000_000, b'["[[[[",' * 500_000, b"\\" * 4_000_000):
        began = time.perf_counter()
        with pytest.raises(BoardError):
            files.from_text(dict, text)
        assert time.perf_counter() - began < 5


def test_brackets_inside_texts_do_not_nest(board: Board, tmp_path: Path) -> None:
    """A message full of brackets is a message."""
    text = damaged(board, "pages/analyzer/failures/0/message", "[[[{{{" * 100 + '\\"' * 50)
    (tmp_path / "board.json").write_bytes(text)
    assert read(tmp_path / "board.json").pages["analyzer"].failures[0].message.startswith("[[[{{{[[[")
