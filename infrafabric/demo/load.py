"""The demo's callers at work: threads that send requests over HTTP at a steady rate, as clients elsewhere would."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

    from infrafabric.demo.calls import Call, Caller

_TIMEOUT_SECONDS: Final = 10.0
#: After a server that did not answer.
_PAUSE_SECONDS: Final = 0.5


class Load:
    """Calls swarms at ``host``:``port`` while the block runs; ``statuses`` counts answers by status, 0 for none."""

    def __init__(self, host: str, port: int, callers: tuple[Caller, ...]) -> None:
        self._address = host, port
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self.statuses: dict[int, int] = {}
        self._threads = [
            threading.Thread(target=self._run, args=(caller, numbers), name=f"demo-{caller.swarm_id}", daemon=True)
            for caller in callers
            for numbers in [itertools.count()]  # the threads of a caller share its numbers
            for _ in range(caller.threads)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(2 * _TIMEOUT_SECONDS)

    def _run(self, caller: Caller, numbers: itertools.count[int]) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=_TIMEOUT_SECONDS)
        due, step = time.monotonic(), caller.threads / caller.per_second
        while not self._ended.is_set():
            status = self._ask(connection, caller.swarm_id, caller.call(next(numbers)))
            with self._lock:
                self.statuses[status] = self.statuses.get(status, 0) + 1
            # Steady, but what was missed is not caught up on.
            due = max(due + step, time.monotonic() - step)
            wait = due - time.monotonic() if status else _PAUSE_SECONDS
            self._ended.wait(max(0.0, wait))
        connection.close()

    @staticmethod
    def _ask(connection: http.client.HTTPConnection, swarm_id: str, call: Call) -> int:
        """The status of the answer; 0 when there was none."""
        try:
            connection.request(
                "POST", f"/v1/swarms/{swarm_id}/tasks/{call.task}", call.body, {"Content-Type": call.content_type}
            )
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()  # the next request opens another
            return 0
        return answer.status
