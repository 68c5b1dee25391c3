"""``infrafabric contract fmt``: contracts in the one layout, in their files."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click

from infrafabric.cli.app import Command
from infrafabric.cli.console import is_terminal, printable, say
from infrafabric.contract.files import FORMATS, check_file
from infrafabric.contract.fmt import format_text
from infrafabric.contract.reading import try_read
from infrafabric.errors import ContractError, Problem, escape

#: The status of ``--check`` when a file is in another layout.
UNFORMATTED = 1


@click.command(
    "fmt",
    cls=Command,
    short_help="Bring contracts into the one layout, comments kept.",
    epilog="""\b
Examples:
  infrafabric contract fmt analyzer.yaml
  infrafabric contract fmt --check contracts/*.yaml""",
)
@click.argument("paths", metavar="FILES...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--check", "only_check", is_flag=True, help="Write nothing; end with 1 if a file would change.")
@click.option("--diff", "show_diff", is_flag=True, help="Print what would change instead of writing it.")
def command(*, paths: tuple[Path, ...], only_check: bool, show_diff: bool) -> int:
    """Bring contracts into the one layout: keys in the order of the reference, two spaces, comments kept.

    A file is written only when the new text means the same and has every comment. Values may be wrong, which lint
    says; the grammar has to be right, or the file is left alone and the exit status is 3.
    """
    unreadable = changed = False
    for path in paths:
        try:
            before, after = _texts(path)
        except ContractError as error:
            unreadable = True
            click.echo(printable("\n".join(error.__notes__)), err=True)  # each problem in its line
            continue
        if before == after:
            continue
        changed = True
        name = escape(str(path), 200)
        if show_diff:
            _print_diff(before, after, str(path))
        elif not only_check:
            _write(path, after)
        click.echo(f"{'would change' if only_check or show_diff else 'changed'} {name}", err=True)
    if unreadable:
        return ContractError.exit_code
    return UNFORMATTED if changed and only_check else 0


def _texts(path: Path) -> tuple[str, str]:
    """What the file holds, byte order mark and line endings included, and what it should hold."""
    text = try_read(path)
    format_ = FORMATS.get(path.suffix.lower())
    if isinstance(text, Problem) or format_ is None:
        check_file(path).require()
        raise AssertionError("unreachable: there is a problem")
    return path.read_bytes().decode(), format_text(text, format_, str(path))


def _print_diff(before: str, after: str, name: str) -> None:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="")
    text = "\n".join(lines)
    click.echo(printable(text) if is_terminal(sys.stdout) else text.encode("utf-8", "backslashreplace"))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        say("error", f"cannot write '{escape(str(path), 200)}': {error.strerror}")
        raise click.exceptions.Exit(2) from None
