"""``infrafabric slo report -o FILE.html``: a page of histories, of a snapshot, or of a board."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infrafabric.board.files import save as save_board
from infrafabric.board.sources import LiveSource
from infrafabric.testing import ADDER, contract
from tests.cli.program import run_program
from tests.cli.slo.histories import save

if TYPE_CHECKING:
    from pathlib import Path

    from infrafabric.chassis import IFChassis

TARGETS = {"target_latency_ms": 100, "target_throughput_rps": 10}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The folder of a chassis that had a bad minute."""
    folder = tmp_path / "state"
    folder.mkdir()
    save(folder, "analyzer", good=90, bad=10, targets=TARGETS)
    save(folder, "filter", good=100, bad=0, targets=TARGETS)
    return folder


def test_of_histories(state: Path, tmp_path: Path) -> None:
    """The page has each swarm, with its charts."""
    page = tmp_path / "slo.html"
    ended = run_program("slo", "report", "--state-dir", state, "-o", page)
    assert (ended.status, ended.out) == (0, "")
    assert ended.err == f"note: wrote {page}\n"
    text = page.read_text()
    assert text.count("<article") == 2
    assert 'data-chart="budget"' in text


def test_of_one_swarm_of_a_snapshot(state: Path, tmp_path: Path) -> None:
    """The numbers are there; how they went over time is not known."""
    report, page = tmp_path / "report.json", tmp_path / "SLO.HTML"
    report.write_bytes(run_program("slo", "report", "--state-dir", state, "-o", "json").stdout)
    assert run_program("slo", "report", "--snapshot", report, "--swarm", "filter", "-o", page).status == 0
    text = page.read_text()
    assert text.count("<article") == 1
    assert "Nothing measured yet." in text


def test_of_a_board(chassis: IFChassis, tmp_path: Path) -> None:
    """With limits and the contract."""
    chassis.load_swarm("adder", ADDER, contract("adder"))
    board, page = tmp_path / "board.json", tmp_path / "slo.html"
    save_board(LiveSource(chassis).board(), board)
    assert run_program("slo", "report", "--board", board, "-o", page).status == 0
    assert "max_memory_mb" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--board", "board.json"], "add -o FILE.html"),
        (
            ["--board", "board.json", "--state-dir", "state", "-o", "x.html"],
            "one of --state-dir, --snapshot and --board",
        ),
        (["--board", "board.json", "--swarm", "a", "-o", "x.html"], "which is shown whole"),
        (["--state-dir", "state", "-o", "x.pdf"], "a file that ends in .html; got 'x.pdf'"),
        (["--state-dir", "state", "-o", "nowhere/x.html"], "cannot write 'nowhere/x.html'"),
        (["-o", "x.html"], "say where the numbers come from"),
    ],
    ids=["format", "two", "swarm", "suffix", "folder", "none"],
)
@pytest.mark.usefixtures("state")
def test_what_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    """In one line, and no page is left."""
    monkeypatch.chdir(tmp_path)
    ended = run_program("slo", "report", *arguments)
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert says in ended.err
    assert not list(tmp_path.glob("*.html"))
