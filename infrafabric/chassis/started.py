"""When this process began to run swarms, and what it is, for whoever looks at it from outside."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Final

from infrafabric.errors import escape
from infrafabric.telemetry.otel.version import library_version

#: Epoch seconds at which this module was imported, with the first chassis.
STARTED_AT: Final = time.time()
_NAME_CHARACTERS: Final = 100


def program_name() -> str:
    """The program that has the chassis, for people: its name, process and the version of infrafabric."""
    argument = sys.argv[0] if sys.argv else ""
    path = Path(argument)
    name = path.parent.name if path.name == "__main__.py" else path.name
    return f"{escape(name, _NAME_CHARACTERS) or 'python'} (process {os.getpid()}, infrafabric {library_version()})"
