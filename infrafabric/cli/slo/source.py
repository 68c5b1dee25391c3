"""Where the numbers of ``infrafabric slo`` come from: a chassis's folder of histories, or a report."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import attrs
import click

from infrafabric.cli.console import say
from infrafabric.cli.target import read_contract
from infrafabric.errors import InfraFabricError, SloStateError, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infrafabric.telemetry import ObjectiveTargets, SloCourse, SloSnapshot

_AnyFunction = TypeVar("_AnyFunction", bound="Callable[..., Any]")

#: A report of a thousand swarms has some twenty megabytes.
_REPORT_BYTES_MAX = 256 << 20


class SloSourceError(InfraFabricError, ValueError):
    """There are no numbers to show; the status is that of ``slo status`` without data."""

    code: ClassVar[str] = "slo_source"
    exit_code: ClassVar[int] = 3


@attrs.frozen
class Told:
    """What a source tells of one subject; ``course`` gives how it went over time, where that was kept."""

    snapshot: SloSnapshot
    course: Callable[[], SloCourse] | None = None


@attrs.frozen(kw_only=True)
class Source:
    """What the options of a command name."""

    state_dir: Path | None
    report: str | None
    contracts: tuple[Path, ...]
    swarm: str | None

    def snapshots(self) -> list[SloSnapshot]:
        """The snapshots that were asked for. Raises `SloSourceError` when there are none."""
        return [told.snapshot for told in self.told()]

    def told(self) -> list[Told]:
        """All that is known of the subjects that were asked for. Raises `SloSourceError` when there are none."""
        if (self.state_dir is None) == (self.report is None):
            raise click.UsageError("say where the numbers come from: either --state-dir or --snapshot")
        found = list(self._saved(self.state_dir) if self.state_dir is not None else _reported(self.report or ""))
        if not found:
            raise SloSourceError("no history is left that can be shown")
        if self.swarm is None:
            return found
        wanted = [
            told for told in found if self.swarm in {told.snapshot.subject, told.snapshot.subject.partition("/")[0]}
        ]
        if not wanted:
            known = ", ".join(escape(told.snapshot.subject, 100) for told in found) or "none at all"
            raise SloSourceError(f"there are no numbers of '{escape(self.swarm, 100)}'; there are of {known}")
        return wanted

    def _saved(self, folder: Path) -> Iterator[Told]:
        from infrafabric.telemetry.slo.history_file import read_history  # noqa: PLC0415 - as above

        name = escape(str(folder), 300)
        if not folder.is_dir():
            raise SloSourceError(f"'{name}' is no folder; give the state_dir of an IFChassis")
        paths = sorted(folder.glob("*.slo"))
        if not paths:
            raise SloSourceError(
                f"'{name}' holds no history; a chassis with this state_dir writes it every few seconds"
            )
        promised = self._promised()
        unknown = []
        for path in paths:
            try:
                history = read_history(path)
                targets = promised.get(history.subject, history.targets)
                if targets is None:
                    unknown.append(escape(history.subject, 100))
                else:
                    engine = history.engine(targets)
                    yield Told(engine.snapshot(), engine.course)
            except SloStateError as error:  # the others are shown all the same
                say("warning", escape(str(error), 1000))
        if unknown:
            say("warning", f"not shown, because nobody says what was promised: {', '.join(unknown)}; give --contract")

    def _promised(self) -> dict[str, ObjectiveTargets]:
        """What the contracts promise about each subject of a history."""
        from infrafabric.chassis.objectives import subject_of, targets  # noqa: PLC0415 - not for --help

        found: dict[str, ObjectiveTargets] = {}
        for path in self.contracts:
            contract = read_contract(path).require()
            names = [None, *(name for name, task in contract.tasks.items() if task.slos is not None)]
            found |= {subject_of(contract.swarm_id, name): targets(contract, name) for name in names}
        return found


def source_options(function: _AnyFunction) -> _AnyFunction:
    """Add the options that say where the numbers come from; the command gets a `Source` as ``source``."""

    @functools.wraps(function)  # with what the options below it have left on the function
    def command(
        *,
        state_dir: Path | None,
        report: str | None,
        contracts: tuple[Path, ...],
        swarm: str | None,
        **more: Any,
    ) -> Any:
        source = Source(state_dir=state_dir, report=report, contracts=contracts, swarm=swarm)
        return function(source=source, **more)

    options = (
        click.option(
            "--state-dir",
            metavar="DIR",
            type=click.Path(path_type=Path),
            help="The folder in which a chassis keeps its history; it may be running.",
        ),
        click.option(
            "--snapshot",
            "report",
            metavar="FILE",
            help="What `slo report` wrote, or a chassis's slo() as JSON; - is stdin.",
        ),
        click.option(
            "--contract",
            "contracts",
            metavar="FILE",
            multiple=True,
            type=click.Path(path_type=Path),
            help="With --state-dir: judge its swarm by this contract. May be given again.",
        ),
        click.option("--swarm", metavar="ID", help="Only this swarm, with its tasks; or ID/TASK."),
    )
    decorated: Any = command
    for option in reversed(options):
        decorated = option(decorated)
    wrapped: _AnyFunction = decorated
    return wrapped


def _reported(name: str) -> Iterator[Told]:
    from infrafabric.telemetry.slo.plain import snapshot_from_dict  # noqa: PLC0415 - not for --help

    shown = "stdin" if name == "-" else f"'{escape(name, 300)}'"
    try:
        text = sys.stdin.buffer.read(_REPORT_BYTES_MAX) if name == "-" else _read(Path(name))
        plain = json.loads(text)
        swarms = plain["swarms"] if isinstance(plain, dict) and "swarms" in plain else {"": plain}
        if not isinstance(swarms, dict) or not swarms:
            raise ValueError("it has no swarms")  # noqa: TRY301 - all that is wrong with it is told below
        yield from [Told(snapshot_from_dict(item)) for item in swarms.values()]
    except OSError as error:
        raise SloSourceError(f"cannot read {shown}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        why = escape(str(error), 300)
        raise SloSourceError(f"{shown} is no report of slo: {why}; make one with: infrafabric slo report") from None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_REPORT_BYTES_MAX)
