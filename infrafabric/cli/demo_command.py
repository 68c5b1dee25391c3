"""``infrafabric demo``: a server with swarms at work, to look around in."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

import click

from infrafabric.cli.app import Command
from infrafabric.cli.console import is_terminal
from infrafabric.cli.progress import progress

if TYPE_CHECKING:
    from infrafabric.demo import Running

_PORT_MAX = 65_535


@click.command(
    "demo",
    cls=Command,
    short_help="Start a server with swarms at work, to look around in.",
    epilog="""\b
Examples:
  infrafabric demo
  infrafabric demo --port 0 --seconds 30 --no-open""",
)
@click.option("--port", type=click.IntRange(0, _PORT_MAX), default=8080, help="0 takes a free one.  [default: 8080]")
@click.option(
    "--seconds",
    type=click.FloatRange(0, 86_400, min_open=True),
    help="End by itself after so long.  [default: at Ctrl-C]",
)
@click.option("--no-open", is_flag=True, help="Do not open the dashboard in a browser.")
def command(*, port: int, seconds: float | None, no_open: bool) -> int:
    """Start a server with swarms at work, to look around in.

    Six contracts and their guests, which come with infrafabric, are served on this machine only and called all the
    time. One of them misbehaves: its limits stop it, its budget burns, its alerts fire, and its neighbours see nothing
    of it. Watch it on the dashboard, with `infrafabric top`, or over HTTP. At the end, a table says how it went.
    """
    from infrafabric.demo import run_demo  # noqa: PLC0415 - not for --help
    from infrafabric.top import snapshot_text  # noqa: PLC0415 - as above

    url = ""

    def ready(running: Running) -> None:
        nonlocal url
        from infrafabric.demo.guide import guide  # noqa: PLC0415 - as above

        url = running.url
        loading.close()
        click.echo(guide(running))
        sys.stdout.flush()
        if not no_open and _has_browser():
            import webbrowser  # noqa: PLC0415 - as above

            webbrowser.open(f"{url}/dashboard/")

    with contextlib.ExitStack() as loading:
        loading.enter_context(progress("loading six swarms ..."))
        overview = run_demo(port=port, seconds=seconds, ready=ready)
    click.echo(f"\nHow it ended:\n{snapshot_text(overview, url, width=100)}")
    return 0


def _has_browser() -> bool:
    """Whether a person looks on, and a browser would open a window rather than take over the terminal."""
    if not is_terminal(sys.stdout):
        return False
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
