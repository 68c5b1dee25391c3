"""Errors over HTTP as problem details (RFC 9457), each with our own stable code as its ``type``.

How outcomes become statuses:

* The server is a gateway to the guest. What the guest did wrong is 502 (an invalid response from what stands behind)
  and 504 where it did not answer in time. 500 was rejected for them: it says that the server is broken, and pages
  whoever runs it; 422 too: it blames the caller for what the guest did.
* What the caller did wrong is 400 (the request cannot be read), 404 (nothing of that name) or 422 (read, but the task
  takes something else).
* What the operator's limits turned away is 429 for the rate and 503 for the rest: trying again later is right, which
  ``Retry-After`` says when it is known when. Nothing ran.
* 500 is left for mistakes of our own.
"""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import attrs

from infrafabric.errors import Blame, Outcome

if TYPE_CHECKING:
    from infrafabric.chassis import TaskResult
    from infrafabric.server.asgi import Header

MEDIA_TYPE: Final = "application/problem+json"

#: The status of each way in which a task can end.
STATUSES: Final[dict[Outcome, HTTPStatus]] = {
    Outcome.SUCCESS: HTTPStatus.OK,
    Outcome.TRAP: HTTPStatus.BAD_GATEWAY,
    Outcome.TIMEOUT: HTTPStatus.GATEWAY_TIMEOUT,
    Outcome.MEMORY_EXCEEDED: HTTPStatus.BAD_GATEWAY,
    Outcome.FUEL_EXHAUSTED: HTTPStatus.BAD_GATEWAY,
    Outcome.GUEST_ERROR: HTTPStatus.BAD_GATEWAY,
    Outcome.INVALID_RESULT: HTTPStatus.BAD_GATEWAY,
    Outcome.INVALID_PARAMS: HTTPStatus.UNPROCESSABLE_ENTITY,
    Outcome.UNKNOWN_TASK: HTTPStatus.NOT_FOUND,
    Outcome.NOT_LOADED: HTTPStatus.NOT_FOUND,
    Outcome.CANCELLED: HTTPStatus.SERVICE_UNAVAILABLE,
    Outcome.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    Outcome.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
    Outcome.QUARANTINED: HTTPStatus.SERVICE_UNAVAILABLE,
    Outcome.HOST_EXHAUSTED: HTTPStatus.SERVICE_UNAVAILABLE,
    Outcome.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}

#: What each code means in general; ``detail`` says what happened this time.
TITLES: Final[dict[str, str]] = {
    "trap": "The guest trapped",
    "timeout": "The deadline passed while the guest ran",
    "memory_exceeded": "The guest ran out of its memory",
    "fuel_exhausted": "The guest used all its fuel",
    "guest_error": "The guest reported a failure",
    "invalid_result": "The guest's answer cannot be read",
    "invalid_params": "The parameters do not fit the task",
    "unknown_task": "The swarm has no such task",
    "not_loaded": "No swarm of that id is loaded",
    "cancelled": "The task was cancelled",
    "rate_limited": "The swarm's rate is used up",
    "busy": "The swarm is busy",
    "quarantined": "The swarm was shut off by its budget policy",
    "host_exhausted": "The host has not the memory that the task was promised",
    "internal": "Something in infrafabric failed",
    "bad_request": "The request cannot be read",
    "bad_json": "The body is not JSON that is taken",
    "bad_query": "The query cannot be read",
    "body_too_large": "The body is too large",
    "body_too_slow": "The body came too slowly",
    "head_too_large": "The request's head is too large",
    "head_too_slow": "The request's head came too slowly",
    "unsupported_media_type": "The body is of no type that is taken",
    "not_acceptable": "The answer cannot be given in the type asked for",
    "not_found": "There is nothing at this address",
    "method_not_allowed": "The method is not for this address",
    "overloaded": "The server has no room for the request",
    "metrics_missing": "The server has no metrics to show",
}

#: Codes of the door before the server (`infrafabric.dashboard.guard`), for the OpenAPI document.
GUARD_CODES: Final = ("unauthorized", "cross_origin", "unknown_host")


@attrs.frozen(kw_only=True)
class ProblemDetails:
    """One error as it is sent. ``members`` are more of them than every problem has."""

    status: HTTPStatus
    code: str
    detail: str
    members: dict[str, Any] = attrs.field(factory=dict)
    retry_after_seconds: float | None = None
    closes: bool = False

    def body(self) -> bytes:
        """The JSON that is sent."""
        head: dict[str, Any] = {
            "type": self.code,
            "title": TITLES[self.code],
            "status": self.status.value,
            "detail": self.detail,
            "code": self.code,
        }
        if self.retry_after_seconds is not None:
            head["retry_after_seconds"] = self.retry_after_seconds
        return json.dumps(head | self.members, separators=(",", ":")).encode()

    def headers(self) -> list[Header]:
        """The headers that go with it, lengths aside."""
        headers = [(b"content-type", MEDIA_TYPE.encode())]
        if self.retry_after_seconds is not None:
            headers.append((b"retry-after", str(max(1, math.ceil(self.retry_after_seconds))).encode()))
        if self.closes:
            headers.append((b"connection", b"close"))
        return headers


class RequestRefusedError(Exception):
    """A request ends here, with this problem. Nothing ran."""

    def __init__(self, problem: ProblemDetails) -> None:
        super().__init__(problem)
        self.problem = problem


def refused(
    status: HTTPStatus, code: str, detail: str, *, closes: bool = False, retry_after_seconds: float | None = None
) -> RequestRefusedError:
    """The error of a request that does not get as far as the chassis. ``closes``: the connection ends with it."""
    problem = ProblemDetails(
        status=status, code=code, detail=detail, closes=closes, retry_after_seconds=retry_after_seconds
    )
    return RequestRefusedError(problem)


def not_loaded(swarm_id: str, detail: str) -> ProblemDetails:
    """The problem of a swarm that is not there."""
    return ProblemDetails(
        status=STATUSES[Outcome.NOT_LOADED],
        code=Outcome.NOT_LOADED.code,
        detail=detail,
        members={"blame": Blame.CALLER.value, "swarm": swarm_id},
    )


def problem_of(result: TaskResult) -> ProblemDetails:
    """The problem of a task that did not succeed, with what its result holds."""
    failure = result.error
    if failure is None:
        raise ValueError("a successful task is no problem")
    plain = result.to_dict()
    members: dict[str, Any] = {
        "blame": failure.blame.value,
        "swarm": result.swarm_id,
        "task": result.task_name,
        "execution_time_seconds": result.execution_time_seconds,
        "usage": plain["usage"],
        "logs": plain["logs"],
    }
    members |= {
        name: value
        for name in ("trap_code", "backtrace", "guest_code")
        if (value := getattr(failure, name)) not in ("", None)
    }
    return ProblemDetails(
        status=STATUSES[result.outcome],
        code=failure.code,
        detail=failure.message,
        members=members,
        retry_after_seconds=failure.retry_after_seconds,
    )
