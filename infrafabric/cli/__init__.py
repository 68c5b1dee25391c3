"""The command line: it converts flags, calls the chassis and returns a status. It decides nothing.

`main` is what the ``infrafabric`` script and ``python -m infrafabric`` call. Each command is a module of its own that
is imported when the command is used, so that ``infrafabric --help`` loads neither the engine nor rich. argparse was
rejected: no shell completion, and nested commands with shared options become a second program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (None: the process's) and return its exit status. Raises nothing."""
    try:
        from infrafabric.cli import ending  # noqa: PLC0415 - Ctrl-C while it loads is an ending too

        return ending.run(arguments)
    except KeyboardInterrupt:
        return 130
