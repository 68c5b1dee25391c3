"""What the terminal gets: colours where they are wanted, and text from outside made harmless.

Nothing that a module, a guest or a file name says is ever taken as terminal control or as rich's markup: text passes
`escape` (one line) or `printable` (several), and consoles have markup, emoji and highlighting off.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

import click

from infrafabric.errors import escape

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"error": {"fg": "red", "bold": True}, "warning": {"fg": "yellow", "bold": True}, "note": {"fg": "cyan"}}


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at ``stream``; None is one that was closed before the program began (``>&-``)."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it was closed since
        return False


def wants_colour(stream: TextIO | None) -> bool:
    """Whether ``stream`` is a terminal that shows colours, and nobody asked for none (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def wants_animation(stream: TextIO | None) -> bool:
    """Whether ``stream`` is a terminal that can redraw a line."""
    return is_terminal(stream) and os.environ.get("TERM") not in {"dumb", "unknown"}


def say(kind: str, message: str) -> None:
    """Write ``kind: message`` to stderr: an error, a warning or a note. The message is safe and on one line."""
    head = click.style(f"{kind}:", **_STYLES[kind])  # type: ignore[arg-type] # a style is a bag of keywords
    click.echo(f"{head} {message}", err=True, color=wants_colour(sys.stderr))


def console(stream: TextIO | None) -> Console:
    """A rich console on ``stream`` that takes no text for markup."""
    from rich.console import Console  # noqa: PLC0415 - a tenth of a second that a pipe does not need

    class PlainConsole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the program here, with a status of its own

    return PlainConsole(
        file=stream or io.StringIO(),
        markup=False,
        emoji=False,
        highlight=False,
        color_system="auto" if wants_colour(stream) else None,
        force_terminal=is_terminal(stream),
    )


def printable(text: str) -> str:
    r"""Text of several lines with everything but line breaks and tabs made harmless.

    >>> printable("a\tb\n\x1b[31mred")
    'a\tb\n\\x1b[31mred'
    """
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "\n".join(_printable_line(line) for line in text.split("\n"))


def _printable_line(line: str) -> str:
    cells = line.split("\t")
    return "\t".join(cell if cell.isprintable() else escape(cell, limit=len(cell)) for cell in cells)
