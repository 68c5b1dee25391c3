"""Reading what a chassis saved, beside a chassis that may be running."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from infrafabric.errors import Outcome, SloStateError
from infrafabric.telemetry import ObjectiveTargets, SloEngine
from infrafabric.telemetry.slo.history_file import read_history
from infrafabric.telemetry.slo.store import read_state, write_state

if TYPE_CHECKING:
    from pathlib import Path

_TARGETS = ObjectiveTargets(target_availability_percent=90)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A history of ninety successes and ten traps."""
    engine = SloEngine(_TARGETS, subject="analyzer")
    for number in range(100):
        engine.record(Outcome.TRAP if number < 10 else Outcome.SUCCESS, 1_000_000)
    path = tmp_path / "analyzer.slo"
    engine.save(path)
    return path


def test_the_numbers_are_the_engines_judged_by_the_targets_given(saved: Path) -> None:
    """Ten of a hundred is all of a budget of 10 %, and half of one of 20 %."""
    history = read_history(saved)
    assert history.subject == "analyzer"
    assert history.snapshot(_TARGETS).objective("availability").budget.remaining_ratio == 0
    half = history.snapshot(attrs.evolve(_TARGETS, target_availability_percent=80))
    assert half.objective("availability").budget.remaining_ratio == 0.5


def test_targets_in_the_file_are_used(saved: Path) -> None:
    """Where whoever saved it wrote them down."""
    state = read_state(saved)
    assert state is not None
    write_state(saved, state | {"targets": attrs.asdict(_TARGETS)})
    assert read_history(saved).targets == _TARGETS


def test_reading_changes_nothing_in_the_folder(saved: Path) -> None:
    """Not even what a save under way, or a broken file, has put there: they are the running chassis's."""
    under_way = saved.with_name(".analyzer.slo.abc.tmp")
    under_way.write_bytes(b"half")
    broken = saved.with_name("broken.slo")
    broken.write_bytes(b"not a history")
    before = {path.name: path.read_bytes() for path in saved.parent.iterdir()}
    read_history(saved).snapshot(_TARGETS)
    with pytest.raises(SloStateError, match=r"is not JSON.*left as it is"):
        read_history(broken)
    assert {path.name: path.read_bytes() for path in saved.parent.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ledger": {}}, "does not fit|columns"),
        ({"targets": {"target_availability_percent": 100}}, "target_availability_percent is 100"),
        ({"targets": {"price": 3}}, "price"),
        ({"targets": 3}, "mapping"),
    ],
)
def test_a_state_that_does_not_fit_is_told_with_its_own_path(
    saved: Path, change: dict[str, object], message: str
) -> None:
    """Never with that of a copy."""
    state = read_state(saved)
    assert state is not None
    write_state(saved, state | change)
    with pytest.raises(SloStateError, match=message) as caught:
        read_history(saved).snapshot(_TARGETS)
    assert str(saved) in str(caught.value)
    assert "infrafabric-slo-" not in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Somebody removed it in between."""
    with pytest.raises(SloStateError, match="no such file"):
        read_history(tmp_path / "x.slo")
