"""``infrafabric doctor``: whether this machine runs swarms well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import click

from infrafabric.cli.app import Command
from infrafabric.cli.output import output_option, print_result
from infrafabric.cli.progress import progress

if TYPE_CHECKING:
    from rich.console import RenderableType

    from infrafabric.cli.doctor_checks import Finding

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command("doctor", cls=Command, short_help="Check that this machine runs swarms well.")
@click.option("--attack", "attack_it", is_flag=True, help="Attack this machine instead: see below.")
@click.option("--only", multiple=True, metavar="PATTERN", help="With --attack: attacks whose name or kind matches.")
@output_option("How to show it.  [default: table on a terminal, else json]")
def command(attack_it: bool, only: tuple[str, ...], output_format: str | None) -> int:  # noqa: FBT001 - click passes names
    """Check that this machine runs swarms well: engine, compiler, deadlines, memory and the limits of the process.

    Each line is ok, warn (it works, but less well than it could) or fail, with the next step. The exit status is 1
    when something failed.

    With --attack, some 400 hostile guests are run, one after the other, in a process of their own beside a
    well-behaved one: loops, bombs, floods, forgeries and lies of every known kind. Each line says what became of it
    and how long the neighbour's tasks took meanwhile: the median, the 99th percentile and the longest. This takes a
    minute or two. `--only` picks some by name or kind (`--only loops --only '*-in-start'`). The exit status is 1 when
    one did not hold.
    """
    if attack_it:
        from infrafabric.cli.attack_table import attack  # noqa: PLC0415 - not for --help

        return attack(only, output_format)
    if only:
        raise click.UsageError("--only goes with --attack")
    from infrafabric.cli.doctor_checks import examine  # noqa: PLC0415 - not for --help

    with progress("examining this machine ..."):
        findings = examine()
    print_result([attrs.asdict(finding) for finding in findings], lambda: _table(findings), output_format)
    return int(any(finding.status == "fail" for finding in findings))


def _table(findings: list[Finding]) -> RenderableType:
    from rich.table import Table  # noqa: PLC0415 - slow to import
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        said = Text(finding.found)
        if finding.advice:
            said.append(f"\n→ {finding.advice}", style="dim")
        table.add_row(Text(finding.status, style=_STYLES[finding.status]), finding.check, said)
    return table
