"""The trace that a remote caller is in, so that a task's span becomes a child of the caller's.

W3C Trace Context alone is read. The application's global propagators were rejected: what they take from a request,
such as baggage, would go with every span and every call that the application makes, and here anybody may ask.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

_NOTHING: AbstractContextManager[None] = contextlib.nullcontext()


def within_call(traceparent: str | None, tracestate: str | None = None) -> AbstractContextManager[None]:
    """While it is entered, spans that begin here are children of ``traceparent``'s. One that is malformed says nothing.

    The values are those of the headers of the same names (https://www.w3.org/TR/trace-context/). Costs nothing where
    there is no header, or the process has not loaded OpenTelemetry.
    """
    if traceparent is None or "opentelemetry.trace" not in sys.modules:
        return _NOTHING
    return _entered(traceparent, tracestate)


@contextlib.contextmanager
def _entered(traceparent: str, tracestate: str | None) -> Iterator[None]:
    from opentelemetry import context  # noqa: PLC0415 - only where it is loaded
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - as above

    carrier = {"traceparent": traceparent}
    if tracestate is not None:
        carrier["tracestate"] = tracestate
    token = context.attach(TraceContextTextMapPropagator().extract(carrier))
    try:
        yield
    finally:
        context.detach(token)
