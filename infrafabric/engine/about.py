"""What the engine of this process is."""

from __future__ import annotations

from importlib.metadata import version

import attrs

from infrafabric.engine import engines


@attrs.frozen(kw_only=True)
class EngineInfo:
    """The engine that runs guests in this process.

    ``pool_slots``: fresh instances that run at once from reserved address space (0: there was no room for a pool).
    ``compact``: memories reserve no address space, because the process is limited in it.
    """

    name: str
    version: str
    pool_slots: int
    compact: bool


def engine_info() -> EngineInfo:
    """The engine of this process; the address space is measured at the first call."""
    return EngineInfo(
        name="wasmtime",
        version=version("wasmtime"),
        pool_slots=engines.pool_slots(),
        compact=engines.address_space_is_tight(),
    )
