"""``--watch``: contracts and modules that change on disk are taken in while tasks run.

The system tells of changes; a look every `LOOK_SECONDS` finds what it did not tell (network folders, full queues).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from watchfiles import awatch

if TYPE_CHECKING:
    from infrafabric.server.deployment import Deployment

LOOK_SECONDS: Final = 5.0
#: A file that is gone so long is not being replaced.
_SETTLE_SECONDS: Final = 0.5

_log = logging.getLogger("infrafabric.server")


async def watch(deployment: Deployment, stop: asyncio.Event) -> None:
    """Keep a deployment up to date with its files until ``stop`` is set."""
    while not stop.is_set():
        folders = deployment.folders()
        if not folders:
            await _rescan(deployment)
            await asyncio.sleep(_SETTLE_SECONDS)
            continue
        async for _ in awatch(
            *folders,
            watch_filter=None,
            recursive=False,
            debounce=200,
            step=20,
            stop_event=stop,
            rust_timeout=int(LOOK_SECONDS * 1000),
            yield_on_timeout=True,
        ):
            await _rescan(deployment)
            if deployment.folders() != folders:
                break


async def _rescan(deployment: Deployment) -> None:
    try:
        if await asyncio.to_thread(deployment.rescan):
            await asyncio.sleep(_SETTLE_SECONDS)
            await asyncio.to_thread(deployment.rescan)
    except Exception:  # noqa: BLE001 - the next change is looked at again
        _log.exception("looking for changed contracts failed")
