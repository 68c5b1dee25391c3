"""A sign of life while something takes long: on a terminal only, and only once it does take long."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING

from infrafabric.cli.console import console, wants_animation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.status import Status

#: What ends sooner shows nothing.
SLOW_SECONDS = 0.3


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """Show ``what``, which is safe to print, on stderr while the block runs, once it has run for `SLOW_SECONDS`."""
    if not wants_animation(sys.stderr):
        yield
        return
    ended = threading.Event()
    spinner = threading.Thread(target=_spin, args=(what, ended), name="infrafabric-progress", daemon=True)
    spinner.start()
    try:
        yield
    finally:
        ended.set()
        spinner.join()


def _spin(what: str, ended: threading.Event) -> None:
    if ended.wait(SLOW_SECONDS):
        return
    status: Status = console(sys.stderr).status(what)
    with status:
        ended.wait()
