"""Results on stdout: a table for people, JSON or YAML for programs, and a task's output as it is.

A terminal gets what can be read and cannot do harm; a pipe gets the exact data.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import click

from infrafabric.cli.console import console, is_terminal, printable, say, wants_colour

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

_AnyFunction = TypeVar("_AnyFunction", bound="Callable[..., Any]")

FORMATS = ("table", "json", "yaml")
#: Colouring takes a regular expression's time, and nobody reads so much of it.
_MAX_COLOURED = 100_000
_MAX_LINE = 78


def output_option(help_text: str) -> Callable[[_AnyFunction], _AnyFunction]:
    """Add ``-o table|json|yaml``; the command gets it as ``output_format``, None where it is not given."""
    return click.option("-o", "--output", "output_format", type=click.Choice(FORMATS), help=help_text)


def print_result(data: Any, table: Callable[[], RenderableType], output_format: str | None) -> None:
    """Print ``data``, as the table of it on a terminal and as JSON into a pipe unless a format was asked for."""
    if (output_format or ("table" if is_terminal(sys.stdout) else "json")) == "table":
        console(sys.stdout).print(table())
    else:
        print_data(data, output_format or "json")


def print_data(data: Any, output_format: str) -> None:
    """Print plain JSON data as JSON or YAML."""
    if output_format == "yaml":
        from infrafabric.contract.writing import dump_yaml  # noqa: PLC0415 - slow to import, seldom asked for

        text = dump_yaml(data)
        click.echo((printable(text) if is_terminal(sys.stdout) else text).rstrip("\n"))
    else:
        _print_json(data)


def print_value(value: Any) -> None:
    """Print a task's output: text and bytes as they are, nothing for None, anything else as JSON."""
    if isinstance(value, str):
        text = printable(value) if is_terminal(sys.stdout) else value
        click.echo(text.encode("utf-8", "backslashreplace"), nl=is_terminal(sys.stdout) and not text.endswith("\n"))
    elif isinstance(value, bytes):
        if is_terminal(sys.stdout):
            say(
                "note",
                f"the output is {len(value):,} bytes that are no text: send it to a file (> FILE), or see -o json",
            )
        else:
            click.echo(value, nl=False)
    elif value is not None:
        _print_json(value)


def _print_json(data: Any) -> None:
    if not is_terminal(sys.stdout):
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        click.echo(text.encode("utf-8", "backslashreplace"))
        return
    text = json_for_people(data)
    if wants_colour(sys.stdout) and len(text) <= _MAX_COLOURED:
        from rich.highlighter import JSONHighlighter  # noqa: PLC0415 - a pipe does not need it

        console(sys.stdout).print(JSONHighlighter()(text), soft_wrap=True)
    else:
        click.echo(text)


def json_for_people(data: Any) -> str:
    r"""JSON that can be read, is still JSON, and in which nothing can control a terminal: on one line where it fits.

    >>> print(json_for_people({"name": "a\x9b\u202eb"}))
    {"name": "a\u009b\u202eb"}
    """
    text = json.dumps(data, ensure_ascii=False)
    if len(text) > _MAX_LINE:
        text = json.dumps(data, ensure_ascii=False, indent=2)
    # Outside strings JSON is printable, so whatever is not stands inside one, where \u is an escape.
    return "\n".join(
        line if line.isprintable() else "".join(c if c.isprintable() else _json_escape(c) for c in line)
        for line in text.split("\n")
    )


def _json_escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else json.dumps(character)[1:-1]
