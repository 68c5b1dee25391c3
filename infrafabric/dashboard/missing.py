"""What is said when the extra ``server`` is not installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

_LIBRARIES: Final = ("starlette", "uvicorn", "jinja2")


def missing_extra() -> str | None:
    """What is missing for serving and for HTML, with the command that installs it; None when all is there.

    Asked for before the modules that need it are imported, so that whoever lacks it reads a sentence, not a traceback.
    """
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if not missing:
        return None
    verb = "is" if len(missing) == 1 else "are"
    return f"{', '.join(missing)} {verb} not installed; install with: pip install 'infrafabric[server]'"


def require_extra() -> None:
    """Raise `ImportError` with `missing_extra`'s sentence where something is missing."""
    if missing := missing_extra():
        raise ImportError(missing)
