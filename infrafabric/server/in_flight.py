"""The requests whose tasks run and have no answer yet: what a drain waits for, and ends when it waits no more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive

#: Most tasks end before it is worth watching whether their clients stay.
WATCH_AFTER_SECONDS = 0.02


class InFlight:
    """Every request that runs a task. For one event loop."""

    def __init__(self) -> None:
        self._requests: set[Request] = set()

    def __len__(self) -> int:
        return len(self._requests)

    def enter(self, receive: Receive) -> Request:
        """Note the request of the current asyncio task. Leave it with `Request.left`."""
        request = Request(self, receive)
        self._requests.add(request)
        return request

    def leave(self, request: Request) -> None:
        """Forget a request."""
        self._requests.discard(request)

    def cancel(self) -> int:
        """End every task that still runs; their clients are told. Returns how many there were."""
        requests = list(self._requests)
        for request in requests:
            request.cancel()
        return len(requests)


class Request:
    """One request while its task runs: it ends the task when its client goes away."""

    def __init__(self, all_of_them: InFlight, receive: Receive) -> None:
        self._all = all_of_them
        self._receive = receive
        self._running = asyncio.current_task()
        self._watch: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_SECONDS, self._start_watching)
        self.client_gone = False
        self.cancelled = False

    def cancel(self) -> None:
        """End the task: whoever awaits it gets `asyncio.CancelledError`."""
        if self._running is not None and not self.cancelled:
            self.cancelled = True
            self._running.cancel()

    def left(self) -> None:
        """The task has ended."""
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        self._all.leave(self)

    def forgive(self) -> bool:
        """Whether the cancellation that was just caught is this request's own; then it counts no more."""
        if self.cancelled and self._running is not None:
            self._running.uncancel()
        return self.cancelled

    def _start_watching(self) -> None:
        self._watch = asyncio.create_task(self._watch_client())

    async def _watch_client(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.client_gone = True
        self.cancel()
