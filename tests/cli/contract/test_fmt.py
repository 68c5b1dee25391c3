"""``infrafabric contract fmt``: files in the one layout, and no file harmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infrafabric.contract import ServiceContract
from tests.cli.contract.contracts import CLEAN, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.program import Ended

    Run = Callable[..., Ended]

MESSY = 'version: "1.0.0" # why\nswarm_id:   sums\n'
NEAT = 'swarm_id: sums\nversion: "1.0.0" # why\n'


def test_a_file_is_brought_into_the_layout_once(infrafabric: Run, tmp_path: Path) -> None:
    """The second time nothing is left to do, and nothing is said."""
    path = write(tmp_path, "a.yaml", MESSY)
    ended = infrafabric("contract", "fmt", path)
    assert (ended.status, ended.out, ended.err) == (0, "", f"changed {path}\n")
    assert path.read_text() == NEAT
    ended = infrafabric("contract", "fmt", path)
    assert (ended.status, ended.out, ended.err) == (0, "", "")


@pytest.mark.parametrize("flags", [("--check",), ("--diff",), ("--check", "--diff")])
def test_a_file_is_not_written_when_only_asked_about(infrafabric: Run, tmp_path: Path, flags: tuple[str, ...]) -> None:
    """--check fails, --diff shows."""
    path = write(tmp_path, "a.yaml", MESSY)
    ended = infrafabric("contract", "fmt", *flags, path, write(tmp_path, "b.yaml", CLEAN))
    assert path.read_text() == MESSY
    assert ended.status == int("--check" in flags)
    assert ended.err == f"would change {path}\n"
    assert ("+swarm_id: sums\n" in ended.out) == ("--diff" in flags)


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf" + CLEAN.encode(), CLEAN.replace("\n", "\r\n").encode()])
def test_a_byte_order_mark_and_other_line_ends_are_another_layout(
    infrafabric: Run, tmp_path: Path, data: bytes
) -> None:
    """The bytes count, not what an editor shows."""
    path = tmp_path / "a.yaml"
    path.write_bytes(data)
    assert infrafabric("contract", "fmt", "--check", path).status == 1
    assert infrafabric("contract", "fmt", path).status == 0
    assert path.read_bytes() == CLEAN.encode()


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.yaml", "swarm_id: [\n", "a.yaml:"),
        ("a.yaml", "swarm_id: a\nswarm_id: b\n", "IF0"),
        ("a.toml", "swarm_id = \n", "a.toml:1:"),
        ("a.txt", CLEAN, "expected a name that ends in"),
    ],
    ids=["syntax", "doubled", "toml", "ending"],
)
def test_what_cannot_be_read_is_left_alone_and_the_others_are_done(
    infrafabric: Run, tmp_path: Path, name: str, text: str, says: str
) -> None:
    """Status 3, with the place."""
    bad, good = write(tmp_path, name, text), write(tmp_path, "good.yaml", MESSY)
    ended = infrafabric("contract", "fmt", bad, good)
    assert (ended.status, bad.read_text(), good.read_text()) == (3, text, NEAT)
    assert says in ended.err


def test_values_may_be_wrong(infrafabric: Run, tmp_path: Path) -> None:
    """An author formats while he writes."""
    path = write(tmp_path, "a.yaml", "slos: {period: 3}\nswarm_id: A B\n")
    assert infrafabric("contract", "fmt", path).status == 0
    assert path.read_text() == "swarm_id: A B\nslos: {period: 3}\n"


@pytest.mark.parametrize("name", ["a.json", "a.toml", "a.yml"])
def test_every_format_keeps_its_meaning(infrafabric: Run, tmp_path: Path, name: str) -> None:
    """And has a layout of its own."""
    texts = {
        "a.json": '{"version":"1.0.0","swarm_id":"sums"}',
        "a.toml": 'version="1.0.0"\nswarm_id="sums"\n',
        "a.yml": MESSY,
    }
    path = write(tmp_path, name, texts[name])
    before = ServiceContract.from_file(path).digest
    assert infrafabric("contract", "fmt", path).status == 0
    assert ServiceContract.from_file(path).digest == before
    assert path.read_text().index("swarm_id") < path.read_text().index("version")
    assert infrafabric("contract", "fmt", "--check", path).status == 0


def test_a_missing_file_is_said(infrafabric: Run, tmp_path: Path) -> None:
    """In its own words, not as a traceback."""
    ended = infrafabric("contract", "fmt", tmp_path / "no.yaml")
    assert ended.status == 3
    assert "cannot be read" in ended.err
