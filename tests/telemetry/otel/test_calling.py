"""The trace of a remote caller, and metrics for a program that serves them itself."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry import trace

from infrafabric.telemetry import configure_from_environment, within_call

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _current() -> tuple[int, int]:
    context = trace.get_current_span().get_span_context()
    return context.trace_id, context.span_id


def test_a_caller_is_the_parent_while_its_call_lasts() -> None:
    """Spans that begin inside are the caller's children; afterwards everything is as before."""
    before = _current()
    with within_call(PARENT, "mine=1"):
        assert _current() == (0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331)
    assert _current() == before


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "00",
        PARENT.replace("0af7", "zzzz"),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        PARENT + "\x00",
        "x" * 10_000,
    ],
    ids=["none", "empty", "short", "no-hex", "zero", "nul", "long"],
)
def test_a_malformed_header_says_nothing(header: str | None) -> None:
    """It is ignored, as the specification asks for."""
    before = _current()
    with within_call(header, "\x00,=,=="):
        assert _current() == before


def test_a_process_without_opentelemetry_does_not_load_it() -> None:
    """A header of a stranger imports nothing."""
    program = (
        "import sys\nfrom infrafabric.telemetry import within_call\n"
        f"with within_call({PARENT!r}): pass\nassert not [m for m in sys.modules if m.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_disabled_sdk_is_not_scraped() -> None:
    """OTEL_SDK_DISABLED wins."""
    sdk = configure_from_environment({"OTEL_SDK_DISABLED": "true"}, scraped=True)
    assert (sdk.scrape, sdk.configured) == (None, False)
