"""A failure that was traced leads whoever looks at the swarm to its trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace

from infrafabric.chassis import IFChassis
from infrafabric.testing import ADDER, contract

if TYPE_CHECKING:
    from pathlib import Path

    from tests.telemetry.otel.conftest import Sdk


def remembered_trace_id(cache_dir: Path) -> str | None:
    """The trace of a task that just failed."""
    with IFChassis(cache_dir=cache_dir) as chassis:
        chassis.load_swarm("adder", ADDER, contract("adder"))
        chassis.execute_task("adder", "nothing", check=False)
        return chassis.swarm_runtimes["adder"].recent.newest_first()[0].trace_id


def test_a_failure_remembers_its_trace(sdk: Sdk, cache_dir: Path) -> None:
    """The id is that of the span that was exported."""
    found = remembered_trace_id(cache_dir)
    (span,) = sdk.spans()
    context = span.get_span_context()
    assert context is not None
    assert found == trace.format_trace_id(context.trace_id)


@pytest.mark.usefixtures("no_sdk")
def test_where_nobody_traces_there_is_no_trace(cache_dir: Path) -> None:
    """None, not an id of zeros."""
    assert remembered_trace_id(cache_dir) is None
