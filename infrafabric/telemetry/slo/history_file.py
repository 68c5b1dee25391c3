"""What a chassis saved, read by somebody else: nothing is moved, removed or written.

`SloEngine.load` is for the one who owns the file: it sweeps what dead saves left and moves a broken file aside. A
reader must do neither to a chassis that is running, so it loads a copy.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.errors import SloStateError
from infrafabric.telemetry.slo.engine import SloEngine
from infrafabric.telemetry.slo.objectives import ObjectiveTargets
from infrafabric.telemetry.slo.store import read_state, write_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infrafabric.telemetry.slo.snapshot import SloSnapshot


@attrs.frozen
class HistoryFile:
    """A saved history: whose it is, and the targets it was counted for where the file says so."""

    path: Path
    subject: str
    targets: ObjectiveTargets | None
    _state: Mapping[str, Any]

    def snapshot(self, targets: ObjectiveTargets) -> SloSnapshot:
        """Its numbers now, as `engine` has them."""
        return self.engine(targets).snapshot()

    def engine(self, targets: ObjectiveTargets) -> SloEngine:
        """An engine that goes on from it, judging by these targets. The time since the save is a hole in its coverage.

        `SloStateError` when the state does not fit.
        """
        engine = SloEngine(targets, subject=self.subject)
        with tempfile.TemporaryDirectory(prefix="infrafabric-slo-") as folder:
            copy = Path(folder) / "history.slo"
            write_state(copy, dict(self._state))
            try:
                engine.load(copy)
            except SloStateError as error:
                raise _unusable(self.path, error.__cause__ or error) from None
        return engine


def read_history(path: Path) -> HistoryFile:
    """The history in a file. `SloStateError` when it is none, or cannot be read."""
    try:
        state = read_state(path)
        if state is None:
            raise _unusable(path, ValueError("there is no such file"))
        targets = state.get("targets")
        known = None if targets is None else ObjectiveTargets(**targets)
        return HistoryFile(path, str(state["subject"]), known, state)
    except SloStateError:
        raise
    except OSError as error:
        raise _unusable(path, ValueError(error.strerror or str(error))) from None
    except (LookupError, TypeError, ValueError) as error:
        raise _unusable(path, error) from None


def _unusable(path: Path, why: BaseException) -> SloStateError:
    return SloStateError(f"The SLO history in {path} cannot be used: {why}. It is left as it is.")
