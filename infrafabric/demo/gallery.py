"""The demo's contracts and guests as files: contracts lie beside this module, guests where the package was put.

The wheel carries the guests in ``infrafabric/demo/guests`` (see pyproject.toml); in a checkout they are the example
guests themselves. A second copy in the repository was rejected: two files of one name do not stay one.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar, Final

from infrafabric.errors import InfraFabricError

#: The swarms of the demo, each with the guest that its contract names.
GALLERY: Final = {
    "code-analyzer": "analyzer",
    "json-validator": "jsoncheck",
    "number-cruncher": "fib",
    "runaway": "spin",
    "slug-maker": "slug",
    "text-tool": "wordfreq",
}

_PACKAGE: Final = Path(__file__).resolve().parent
_CHECKOUT: Final = _PACKAGE.parents[1]


class DemoFilesError(InfraFabricError, RuntimeError):
    """The demo's guests were not installed with the package."""

    code: ClassVar[str] = "demo_files"


def write_gallery(folder: Path) -> None:
    """Put every contract and its module into ``folder``: a copy to look at, and to change while it is served.

    Raises `DemoFilesError` where a file is missing.
    """
    for swarm_id, guest in GALLERY.items():
        shutil.copyfile(_PACKAGE / "contracts" / f"{swarm_id}.yaml", folder / f"{swarm_id}.yaml")
        shutil.copyfile(_guest(guest), folder / f"{guest}.wasm")


def _guest(name: str) -> Path:
    installed = _PACKAGE / "guests" / f"{name}.wasm"
    checked_in = _CHECKOUT / "guests" / name / f"{name}.wasm"
    for path in (installed, checked_in):
        if path.is_file():
            return path
    raise DemoFilesError(
        f"the demo's guest {name}.wasm is neither at {installed} nor at {checked_in}; install infrafabric from its "
        "wheel, or run the demo in a clone of the repository"
    )
