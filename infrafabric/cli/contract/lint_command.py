"""``infrafabric contract lint``: everything that is wrong with contracts, and what is unwise, each in its line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from infrafabric.cli.app import Command
from infrafabric.cli.console import is_terminal, printable
from infrafabric.cli.target import read_module_file
from infrafabric.contract.files import CheckedContract, check_file
from infrafabric.contract.lint import advise
from infrafabric.contract.problems import nearest
from infrafabric.contract.report import format_reports
from infrafabric.contract.rulebook import RULES
from infrafabric.errors import ContractError, Problem, escape

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from infrafabric.contract.report import Style

#: The status when contracts can be used, and ``--strict`` takes advice for a failure.
UNWISE = 1

#: What may be silenced: advice, and a module that is not there (yet). What makes a contract invalid may not.
_SILENCEABLE = tuple(rule for rule in RULES if rule.startswith("IF3") or rule == "IF113")


def _rule_ids(_context: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> frozenset[str]:
    for value in values:
        if value not in _SILENCEABLE:
            near = nearest(value, _SILENCEABLE)
            known = f"did you mean {near}" if near else f"there are {', '.join(_SILENCEABLE)}"
            why = "makes a contract invalid and cannot be ignored" if value in RULES else f"is no rule; {known}"
            raise click.BadParameter(f"'{escape(value, 40)}' {why}")
    return frozenset(values)


@click.command(
    "lint",
    cls=Command,
    short_help="Find what is wrong with contracts, and what is unwise.",
    epilog="""\b
Examples:
  infrafabric contract lint analyzer.yaml
  infrafabric contract lint --strict --format github contracts/*.yaml
  infrafabric contract lint contracts/strict-sandbox.yaml --module guests/upper/upper.wasm""",
)
@click.argument("paths", metavar="FILES...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--module",
    "module_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Judge the contracts against this module.  [default: the one that each names]",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(("text", "json", "sarif", "github")),
    default="text",
    help="text for people; json; sarif 2.1.0 for code scanning; github for annotations.  [default: text]",
)
@click.option("--strict", is_flag=True, help="Fail for advice as well.")
@click.option(
    "--ignore", metavar="RULE", multiple=True, callback=_rule_ids, help="Leave out a rule of advice. Repeatable."
)
def command(
    *, paths: tuple[Path, ...], module_path: Path | None, style: Style, strict: bool, ignore: Collection[str]
) -> int:
    """Find what is wrong with contracts, and what is unwise.

    Errors keep a contract, or its module under it, from being loaded; warnings and notes are advice. A contract that
    names a module is judged against it. The exit status is 3 for errors, else 0; with --strict, advice alone ends
    with 1. The reference of lint rules explains each rule.
    """
    module = None if module_path is None else read_module_file(module_path)
    reports = [check(path, module, ignore) for path in paths]
    report = format_reports(reports, style)
    if report:
        click.echo((printable(report) if is_terminal(sys.stdout) else report).encode("utf-8", "backslashreplace"))
    severities = [problem.severity for report in reports for problem in report.problems]
    if style == "text":
        click.echo(_summary(len(paths), severities), err=True)
    if "error" in severities:
        return ContractError.exit_code
    return UNWISE if strict and severities else 0


def check(path: Path, module: bytes | None, ignore: Collection[str] = ()) -> CheckedContract:
    """Everything there is to say of the contract at ``path``; ``module`` stands for the one that it names."""
    from infrafabric.schemas.capability import Capability  # noqa: PLC0415 - not for --help

    checked = check_file(path)
    if checked.contract is None or checked.document is None:
        return checked
    found: Iterable[Problem] = ()
    facts = None
    if module is not None or checked.contract.module is not None:
        from infrafabric.cli.contract.module_check import module_facts, module_of  # noqa: PLC0415 - loads the engine

        if module is None:
            module, found = module_of(checked.contract, path.parent)
        if module is not None:
            facts = module_facts(module, checked.contract)
    known = tuple(capability.value for capability in Capability)
    advised = advise(checked, known_capabilities=known, module=facts, ignore=ignore)
    located = checked.document.locate(problem for problem in found if problem.rule not in ignore)
    return attrs.evolve(advised, problems=tuple(sorted((*advised.problems, *located), key=_place)))


def _place(problem: Problem) -> tuple[int, int]:
    return problem.line or 0, problem.column or 0


def _summary(contracts: int, severities: Sequence[str]) -> str:
    checked = f"{contracts:,} contract{'' if contracts == 1 else 's'} checked"
    counts = ((kind, severities.count(kind)) for kind in ("error", "warning", "note"))
    said = ", ".join(f"{count:,} {kind}{'' if count == 1 else 's'}" for kind, count in counts if count)
    return f"{checked}: {said or 'nothing to say'}"
