"""Where text that a command makes goes: to stdout, or into a new file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from infrafabric.cli.console import is_terminal, printable, say
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Callable

_AnyFunction = TypeVar("_AnyFunction", bound="Callable[..., Any]")


def file_options(function: _AnyFunction) -> _AnyFunction:
    """Add ``-o FILE`` and ``--force``; the command gets them as ``file`` and ``force``."""
    force = click.option("--force", is_flag=True, help="Write over a file that exists.")
    file = click.option(
        "-o",
        "--output",
        "file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Write to a new file.  [default: stdout]",
    )
    return file(force(function))


def put(text: str, file: Path | None, *, force: bool) -> None:
    """Write ``text``, which ends in a line break, to ``file`` (None: stdout).

    Raises `click.UsageError` for a file that exists, unless ``force``, and for one that cannot be written.
    """
    if file is None:
        click.echo((printable(text) if is_terminal(sys.stdout) else text).encode(), nl=False)
        return
    name = escape(str(file), 200)
    try:
        with file.open("w" if force else "x", encoding="utf-8", newline="\n") as out:
            out.write(text)
    except FileExistsError:
        raise click.UsageError(f"'{name}' exists; --force writes over it") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise click.UsageError(f"cannot write '{name}': {why}") from None
    say("note", f"wrote {name}")
