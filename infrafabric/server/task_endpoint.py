"""Running a task: a request becomes a call of `IFChassis.execute_task_async`, and its result the answer.

Nothing is decided here: which task runs, when, with what and for how long is the chassis's and the contract's.
Bodies and answers that take long to read or write do so on another thread, so that the event loop stays free.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import attrs

from infrafabric.errors import ChassisClosedError, Outcome, SwarmNotLoadedError, escape
from infrafabric.server.accepting import (
    BYTES,
    JSON,
    TEXT,
    Options,
    answer_type,
    bytes_once_read,
    read_options,
    read_value,
)
from infrafabric.server.answers import send_result
from infrafabric.server.asgi import header_of, headers_of, send_problem
from infrafabric.server.body import BodyRoom, ClientGoneError, read_body
from infrafabric.server.problems import ProblemDetails, RequestRefusedError, not_loaded, refused
from infrafabric.telemetry import within_call

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from infrafabric.chassis import IFChassis, TaskFuture, TaskResult
    from infrafabric.dashboard.doorkeeper import Pace
    from infrafabric.server.in_flight import InFlight

#: Larger bodies are read on a thread of their own.
_INLINE_BYTES: Final = 32 << 10


@attrs.frozen(kw_only=True)
class BodyLimits:
    """What bodies are taken: ``max_bytes`` of one, whatever its contract allows, and at what pace."""

    max_bytes: int
    pace: Pace
    room: BodyRoom


class TaskEndpoint:
    """The ASGI application behind the address of a task."""

    def __init__(self, chassis: IFChassis, limits: BodyLimits, in_flight: InFlight) -> None:
        self._chassis = chassis
        self._limits = limits
        self._in_flight = in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the task that a request asks for and answer with what came of it."""
        path = scope["path_params"]
        swarm_id, task_name = path["swarm_id"], path["task_name"]
        try:
            await self._answer(swarm_id, task_name, scope, receive, send)
        except RequestRefusedError as error:
            await send_problem(send, error.problem)
        except SwarmNotLoadedError as error:
            await send_problem(send, not_loaded(swarm_id, str(error)))
        except ChassisClosedError:
            await send_problem(send, _stopped(swarm_id, task_name))
        except ClientGoneError:
            return

    async def _answer(self, swarm_id: str, task_name: str, scope: Scope, receive: Receive, send: Send) -> None:
        options = read_options(scope)
        media = answer_type(",".join(headers_of(scope, b"accept")))
        if media is None:
            detail = f"answers are {JSON} (the whole result), {TEXT} or {BYTES} (the output alone)"
            raise refused(HTTPStatus.NOT_ACCEPTABLE, "not_acceptable", detail)
        contract = self._chassis.get_swarm_contract(swarm_id)
        if contract is None:
            raise SwarmNotLoadedError(f"Swarm '{escape(swarm_id)}' not loaded")
        limits = self._limits
        max_bytes = min(limits.max_bytes, contract.resource_limits.max_payload_bytes)
        with limits.room.hold() as held:
            body = await read_body(scope, receive, max_bytes=max_bytes, pace=limits.pace, held=held)
            content_type = header_of(scope, b"content-type")
            if len(body) > _INLINE_BYTES:
                held.grow_to(await asyncio.to_thread(bytes_once_read, content_type, body))
            call = _Call(self._chassis, swarm_id, task_name, content_type, body, options)
            request = self._in_flight.enter(receive)
            try:
                with within_call(header_of(scope, b"traceparent"), header_of(scope, b"tracestate")):
                    result = await call.run()
            except asyncio.CancelledError:
                if not request.forgive():
                    raise
                if request.client_gone:
                    raise ClientGoneError from None
                await send_problem(send, _stopped(swarm_id, task_name))
                return
            finally:
                request.left()
        await send_result(send, result, media)


@attrs.frozen
class _Call:
    """One task to run, with the body as it came."""

    chassis: IFChassis
    swarm_id: str
    task_name: str
    content_type: str | None
    body: bytes
    options: Options

    async def run(self) -> TaskResult:
        if len(self.body) > _INLINE_BYTES:
            return await asyncio.wrap_future(await self._submitted())
        return await self.chassis.execute_task_async(
            self.swarm_id,
            self.task_name,
            read_value(self.content_type, self.body),
            self.options.timeout_seconds,
            check=False,
            wait=self.options.wait,
        )

    async def _submitted(self) -> TaskFuture:
        """The future of the task, submitted on another thread. Cancelled in between, the task is ended as well."""
        submitting = asyncio.ensure_future(asyncio.to_thread(self._submit))
        try:
            return await asyncio.shield(submitting)
        except asyncio.CancelledError:
            submitting.add_done_callback(_cancel_submitted)
            raise

    def _submit(self) -> TaskFuture:
        """Read the body, check and encode it, all of which takes as long as it is large."""
        params = read_value(self.content_type, self.body)
        return self.chassis.submit_task(
            self.swarm_id,
            self.task_name,
            params,
            self.options.timeout_seconds,
            check=False,
            wait=self.options.wait,
        )


def _cancel_submitted(submitting: asyncio.Future[TaskFuture]) -> None:
    if not submitting.cancelled() and submitting.exception() is None:
        submitting.result().cancel()


def _stopped(swarm_id: str, task_name: str) -> ProblemDetails:
    return ProblemDetails(
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        code=Outcome.CANCELLED.code,
        detail="the server is shutting down and stopped the task; ask another one, or again later",
        members={"blame": "operator", "swarm": swarm_id, "task": task_name},
        closes=True,
    )
