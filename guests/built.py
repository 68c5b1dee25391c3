"""Which source each checked-in module was built from: ``built.json``, kept by build.py and checked by the tests.

So a module that was not built again after its source changed is found without any compiler. To compare it with a
module that is built now was rejected: each version of a compiler gives other bytes for the same source.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from guests.manifest import GUESTS, load_guests

if TYPE_CHECKING:
    from pathlib import Path

    from guests.manifest import Guest

_RECORD = "built.json"


def record_build(guest: Guest, folder: Path = GUESTS) -> None:
    """Note that the module in ``folder`` was just built from the source there."""
    path = folder / _RECORD
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known[guest.name] = _digests(guest, folder)
    kept = {name: known[name] for name in load_guests() if name in known}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def staleness(guest: Guest, folder: Path = GUESTS) -> str | None:
    """None if the module in ``folder`` is what was built from the source there, else what changed."""
    path = folder / _RECORD
    recorded = json.loads(path.read_text(encoding="utf-8")).get(guest.name, {}) if path.exists() else {}
    changed = [what for what, digest in _digests(guest, folder).items() if recorded.get(what) != digest]
    return f"guest '{guest.name}': {' and '.join(changed)} changed since it was built" if changed else None


def _digests(guest: Guest, folder: Path) -> dict[str, str]:
    chain = guest.toolchain
    flags = repr((chain.build, chain.targets, chain.env, guest.flags))
    source = hashlib.sha256(flags.encode())
    for name in guest.sources:
        content = (folder / name).read_bytes()
        source.update(f"\0{name}\0{len(content)}\0".encode() + content)
    module = hashlib.sha256((folder / guest.name / f"{guest.name}.wasm").read_bytes())
    return {"source": source.hexdigest(), "module": module.hexdigest()}
