"""Asks a source again and again on a thread of its own, so that one which hangs never stops the keys.

At most one question is under way. A thread is a daemon and is waited for briefly: whoever quits does not wait for a
server that does not answer. Textual's thread workers were rejected, because the interpreter joins them when it ends.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

import attrs

from infrafabric.errors import InfraFabricError, escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from infrafabric.board.records import Overview, SwarmPage
    from infrafabric.board.sources import BoardSource

#: How long to wait for a question under way when the view ends.
_LAST_WAIT_SECONDS: Final = 0.5


@attrs.frozen(kw_only=True)
class Seen:
    """What one look brought, beside what was there before.

    ``answered_at`` is when the source last answered (epoch seconds, None: never); ``error`` why it did not answer this
    time. ``page`` belongs to ``page_of``; None with a ``page_of`` is a swarm that is not loaded.
    """

    overview: Overview | None = None
    page_of: str | None = None
    page: SwarmPage | None = None
    answered_at: float | None = None
    error: str | None = None


class Feed:
    """Delivers a `Seen` after every look, from its own thread."""

    def __init__(
        self,
        source: BoardSource,
        *,
        interval_seconds: float,
        deliver: Callable[[Seen], object],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._interval_seconds = interval_seconds
        self._deliver = deliver
        self._clock = clock
        self._swarm_id: str | None = None
        self._seen = Seen()
        self._wanted = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="infrafabric-top", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; what is under way may still end, and is not delivered."""
        self._stopped = True
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(_LAST_WAIT_SECONDS)

    def follow(self, swarm_id: str | None) -> None:
        """Look at a swarm's page, too, from now on; None: at the overview only."""
        self._swarm_id = swarm_id
        self._wanted.set()

    def refresh(self) -> None:
        """Look now."""
        self._wanted.set()

    def _run(self) -> None:
        while not self._stopped:
            self._wanted.clear()
            self._seen = self._look()
            if not self._stopped:
                self._deliver(self._seen)
            # A file says the same every time: it is read again only when somebody asks.
            repeats = self._source.is_live or self._seen.error is not None
            self._wanted.wait(self._interval_seconds if repeats else None)

    def _look(self) -> Seen:
        swarm_id, before = self._swarm_id, self._seen
        try:
            overview = self._source.overview()
            page = self._source.swarm(swarm_id) if swarm_id is not None else None
        except InfraFabricError as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001 - a view that dies of a source's mistake shows nothing
            why = f"{type(error).__name__}: {error}"
        else:
            return Seen(overview=overview, page_of=swarm_id, page=page, answered_at=self._clock())
        return attrs.evolve(before, error=escape(" ".join(why.split()), 300))
