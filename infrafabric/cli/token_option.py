"""How a server knows who asks: by its token, and the login that the token gives.

A token comes from a file or the environment, never from an argument, which every process can read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Callable

_AnyFunction = TypeVar("_AnyFunction", bound="Callable[..., Any]")

TOKEN_VARIABLE: Final = "INFRAFABRIC_TOKEN"  # noqa: S105 - the name of a variable, not a token
_TOKEN_BYTES_MAX: Final = 4096


def token_option(function: _AnyFunction) -> _AnyFunction:
    """Add ``--token-file``; the command gets the path as ``token_file``, for `read_token`."""
    return click.option(
        "--token-file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help=f"The server's token, as the file's only line.  [default: ${TOKEN_VARIABLE}, else none]",
    )(function)


def read_token(token_file: Path | None) -> str | None:
    """The token of the file, else of the environment, else None. Raises `click.UsageError` for one that is none."""
    if token_file is None:
        return os.environ.get(TOKEN_VARIABLE, "").strip() or None
    name = escape(str(token_file), 200)
    try:
        with token_file.open("rb") as file:
            data = file.read(_TOKEN_BYTES_MAX + 1)
    except OSError as error:
        raise click.UsageError(f"cannot read the token in '{name}': {error.strerror}") from None
    token = data.decode("utf-8", "replace").strip()
    if not token or len(data) > _TOKEN_BYTES_MAX or len(token.split()) != 1:
        raise click.UsageError(f"'{name}' holds no token: expected one line of at most {_TOKEN_BYTES_MAX} bytes")
    return token


def behind_tls_option(function: _AnyFunction) -> _AnyFunction:
    """Add ``--behind-tls``; the command gets ``behind_tls``."""
    return click.option(
        "--behind-tls", is_flag=True, help="Browsers come over https, to a proxy: their login is sent over https alone."
    )(function)
