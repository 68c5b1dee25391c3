"""``infrafabric doctor --attack``: the attack party on this machine, and below its line what did not hold."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import attrs
import click

from infrafabric.cli.console import console, say, wants_animation
from infrafabric.cli.output import print_result
from infrafabric.cli.units import show_seconds
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from infrafabric.attack import AttackResult


def attack(patterns: Sequence[str], output_format: str | None) -> int:
    """Run the attacks that match, print them, and give the exit status: 1 when one was not held."""
    from infrafabric.attack import run_attacks, selected  # noqa: PLC0415 - not for --help

    attacks = selected(patterns)
    if not attacks:
        raise click.BadParameter(
            f"no attack and no kind of attack matches {escape(', '.join(patterns), 200)}; "
            "see `infrafabric doctor --attack --only 'loops'`",
            param_hint="--only",
        )
    results = _with_progress(lambda tell: run_attacks(patterns, tell), len(attacks))
    print_result([attrs.asdict(result) for result in results], lambda: _table(results), output_format)
    lost = sum(not result.held for result in results)
    if lost:
        say("error", f"{lost} of {len(results)} attacks did not hold: please report them, with their lines")
    return int(bool(lost))


def _with_progress(
    run: Callable[[Callable[[AttackResult], None] | None], tuple[AttackResult, ...]], count: int
) -> tuple[AttackResult, ...]:
    """What ``run`` gives; on a terminal a line tells how far it is."""
    if not wants_animation(sys.stderr):
        return run(None)
    done = 0
    with console(sys.stderr).status(f"attacking: 0 of {count} ...") as status:

        def tell(result: AttackResult) -> None:
            nonlocal done
            done += 1
            status.update(f"attacking: {done} of {count} ... {result.kind}: {result.name}")

        return run(tell)


def _table(results: Sequence[AttackResult]) -> RenderableType:
    from rich.table import Table  # noqa: PLC0415 - slow to import
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("held", no_wrap=True)
    table.add_column("attack", overflow="fold")
    table.add_column("what became of it", overflow="fold", ratio=1)
    table.add_column("took", justify="right", no_wrap=True)
    table.add_column("neighbour's ms", justify="right", no_wrap=True)
    for result in results:
        happened = Text(result.got)
        for fault in result.faults:
            happened.append(f"\n{escape(fault, 400)}", style="red")
        table.add_row(
            Text("yes", style="green") if result.held else Text("NO", style="bold red"),
            result.name,
            happened,
            show_seconds(result.seconds),
            f"{result.neighbour_p50_ms:.1f} {result.neighbour_p99_ms:.1f} {result.neighbour_max_ms:.1f}",
        )
    return table
