"""``python -m infrafabric`` is the ``infrafabric`` command."""

from __future__ import annotations

import sys

from infrafabric.cli import main

if __name__ == "__main__":
    sys.exit(main())
