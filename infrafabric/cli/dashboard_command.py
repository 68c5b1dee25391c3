"""``infrafabric dashboard``: the dashboard in a browser, over a board's file or a running server."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import click

from infrafabric.cli.app import Command
from infrafabric.cli.console import say
from infrafabric.cli.token_option import TOKEN_VARIABLE, behind_tls_option, read_token, token_option
from infrafabric.errors import escape

if TYPE_CHECKING:
    from pathlib import Path

    from infrafabric.board.sources import BoardSource
    from infrafabric.dashboard.serving import DashboardServer

_MAX_PORT: Final = 65_535


@click.command(
    "dashboard",
    cls=Command,
    short_help="Show a board in the browser: of a file, or of a running server.",
    epilog="""\b
Examples:
  infrafabric dashboard board.json
  infrafabric dashboard board.json --port 8090 --open
  infrafabric dashboard https://swarms.example --token-file token""",
)
@click.argument("source_text", metavar="SOURCE")
@click.option("--host", default="127.0.0.1", help="The address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, _MAX_PORT), default=0, help="The port; 0 takes a free one.  [default: 0]"
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="A name under which the dashboard may be asked, such as a proxy's. Repeatable.",
)
@behind_tls_option
@token_option
@click.option("--open", "opens_browser", is_flag=True, help="Open it in the browser.")
def command(
    *,
    source_text: str,
    host: str,
    port: int,
    allowed_hosts: tuple[str, ...],
    behind_tls: bool,
    token_file: Path | None,
    opens_browser: bool,
) -> int:
    """Serve the dashboard of SOURCE until Ctrl-C, and print its address.

    SOURCE is the address of a server, as of `infrafabric serve`, or a file that holds a board, as GET /v1/board of a
    server answers. A server's own dashboard is at its /dashboard/; this one is for when only its API can be reached.

    A token is sent to the server, and asked of whoever opens this dashboard. On other than loopback addresses one is
    needed.
    """
    from infrafabric.dashboard.missing import missing_extra  # noqa: PLC0415 - not for --help

    if missing := missing_extra():
        raise click.UsageError(missing)
    from infrafabric.board.sources import open_source  # noqa: PLC0415 - as above

    token = read_token(token_file)
    source = open_source(source_text, token)
    source.overview()  # what is wrong with it is said now
    with _listening(
        source, host=host, port=port, token=token, extra_hosts=allowed_hosts, behind_tls=behind_tls
    ) as server:
        say("note", f"the dashboard of {source.name}; Ctrl-C ends it")
        click.echo(server.url)
        if opens_browser:
            click.launch(server.url)
        with contextlib.suppress(KeyboardInterrupt):
            server.wait()
    return 0


def _listening(source: BoardSource, *, host: str, port: int, token: str | None, **options: Any) -> DashboardServer:
    from infrafabric.dashboard.serving import DashboardServer  # noqa: PLC0415 - not for --help

    try:
        return DashboardServer(source, host=host, port=port, token=token, **options)
    except ValueError as error:
        hint = "" if token is not None else f"; give it with --token-file, or in {TOKEN_VARIABLE}"
        raise click.UsageError(f"{error}{hint}") from None
    except OSError as error:
        where = f"{escape(host, 100)}:{port}"
        raise click.UsageError(f"cannot listen on {where}: {error.strerror or error}; choose another --port") from None
