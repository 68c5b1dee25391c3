"""``infrafabric contract breaking``: no change without the version that says so. For CI, before a contract ships."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from infrafabric.cli.app import Command
from infrafabric.cli.console import say
from infrafabric.cli.contract import git
from infrafabric.cli.contract.comparing import Compared, print_comparisons
from infrafabric.cli.output import output_option
from infrafabric.cli.target import CONTRACT_SUFFIXES, read_contract
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.contract.service_contract import ServiceContract

#: The status when a version does not say what changed, or a change is denied.
BREAKING = 1

_PARTIES = ("security", "guest", "caller", "operator")


@click.command(
    "breaking",
    cls=Command,
    short_help="Check that versions rise as far as the changes need.",
    epilog="""\b
Examples:
  infrafabric contract breaking --against main
  infrafabric contract breaking --against origin/main contracts/*.yaml
  infrafabric contract breaking --against deployed.yaml analyzer.yaml --deny security""",
)
@click.argument("paths", metavar="[FILES]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--against",
    metavar="GITREF|FILE",
    required=True,
    help="What to compare with: a contract's file (its name ends in .yaml, .yml, .toml or .json), or else what git "
    "has at this branch, tag or commit.",
)
@click.option(
    "--deny",
    type=click.Choice(_PARTIES),
    multiple=True,
    help="Fail for every change that hurts them, whatever the version says. Repeatable.",
)
@output_option("How to show it.  [default: table on a terminal, else json]")
def command(*, paths: tuple[Path, ...], against: str, deny: tuple[str, ...], output_format: str | None) -> int:
    """Check that the version of each contract rises as far as its changes need.

    Without FILES, the contracts below the current folder that changed since GITREF are checked. The exit status is 1
    when a version does not say what changed, else 0. A contract that is new has broken no promise.
    """
    from infrafabric.contract.diff import diff  # noqa: PLC0415 - not for --help

    pairs = _with_file(Path(against), paths) if _is_file(against) else _with_commit(against, paths)
    compared = [Compared(str(path), diff(old, new)) for path, old, new in pairs]
    print_comparisons(compared, [one.to_dict() for one in compared], output_format)
    if not paths and not compared:
        say("note", f"no contract changed since {escape(against, 100)}")
    failures = [line for one in compared for line in _failures(one, deny)]
    for failure in failures:
        say("error", failure)
    return BREAKING if failures else 0


def _is_file(against: str) -> bool:
    return Path(against).suffix.lower() in CONTRACT_SUFFIXES


def _with_file(against: Path, paths: tuple[Path, ...]) -> Iterator[tuple[Path, ServiceContract, ServiceContract]]:
    if len(paths) != 1:
        raise click.UsageError(f"--against a file takes one FILE to compare with it, got {len(paths)}")
    yield paths[0], read_contract(against).require(), read_contract(paths[0]).require()


def _with_commit(ref: str, paths: tuple[Path, ...]) -> Iterator[tuple[Path, ServiceContract, ServiceContract]]:
    from infrafabric.contract.files import FORMATS, check_text  # noqa: PLC0415 - not for --help

    for path in paths or _changed_contracts(ref):
        new = read_contract(path).require()
        text = git.file_at(git.commit_of(path.parent, ref), path)
        name = escape(str(path), 200)
        if text is None:
            say("note", f"{name} is new since {escape(ref, 100)}: nothing to compare")
            continue
        old = check_text(text, FORMATS[path.suffix.lower()], f"{ref}:{path}").contract
        if old is None:
            say("note", f"{name} was no valid contract at {escape(ref, 100)}, so nobody can have relied on it")
            continue
        yield path, old, new


def _changed_contracts(ref: str) -> list[Path]:
    """The files below the current folder that changed and look like a contract: they say a swarm_id at the top."""
    from infrafabric.contract.files import check_file  # noqa: PLC0415 - not for --help

    folder = Path()
    commit = git.commit_of(folder, ref)
    found = git.changed_since(folder, commit, tuple(f"*{suffix}" for suffix in sorted(CONTRACT_SUFFIXES)))
    documents = {path: check_file(path).document for path in found}
    return [
        path
        for path, document in documents.items()
        if document is not None and isinstance(document.data, dict) and "swarm_id" in document.data
    ]


def _failures(one: Compared, deny: tuple[str, ...]) -> Iterator[str]:
    name = escape(one.name, 200)
    if one.diff.problem is not None:
        yield f"{name}: {one.diff.problem.message}; {one.diff.problem.fix}"
    for change in one.diff.changes:
        if change.rule.hurts in deny:
            yield f"{name}: {change}; --deny {change.rule.hurts} allows no such change"
