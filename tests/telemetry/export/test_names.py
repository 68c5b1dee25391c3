"""The names in the exported documents are those under which a real Prometheus exporter shows our instruments."""

from __future__ import annotations

import re

import attrs
import pytest

from infrafabric.errors import Outcome
from infrafabric.telemetry import ObjectiveTargets, Series, SloEngine, SwarmReading
from infrafabric.telemetry.export.formats import FORMATS
from infrafabric.telemetry.export.subject import ExportSubject, label_name, metric_name
from infrafabric.telemetry.otel.instruments import INSTRUMENTS
from infrafabric.telemetry.otel.measuring import Measuring

pytest.importorskip("opentelemetry.exporter.prometheus", reason="needs: pip install 'infrafabric[prometheus]'")

_TARGETS = ObjectiveTargets()
#: A series as a scrape shows it, and a selector as PromQL has it.
_SERIES = re.compile(r"^(infrafabric_\w+)\{([^}]*)\} (\S+)$", re.MULTILINE)
_SELECTOR = re.compile(r"(?<![\w:])(infrafabric_\w+)\{([^}]*)\}")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@attrs.frozen
class _Source:
    swarms: tuple[SwarmReading, ...]

    def readings(self) -> tuple[SwarmReading, ...]:
        """What a chassis would show."""
        return self.swarms


@pytest.fixture
def scraped() -> list[tuple[str, dict[str, str]]]:
    """The series of a swarm with a task that has objectives of its own, after a success and a trap."""
    from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415 - it may be missing
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - as above
    from prometheus_client import generate_latest  # noqa: PLC0415 - as above

    now_ns = 0
    engines = (
        (None, SloEngine(_TARGETS, lambda: now_ns, subject="s")),
        ("t", SloEngine(_TARGETS, lambda: now_ns, subject="s/t")),
    )
    for _, engine in engines:
        engine.record(Outcome.SUCCESS, 1_000_000)
        engine.record(Outcome.TRAP)
    now_ns = 20 * 10**9  # the slice of ten seconds is over: throughput has an event
    reading = SwarmReading(
        swarm_id="s",
        running=0,
        refused={"busy": 1},
        peak_memory_bytes=1,
        memory_limit_bytes=2,
        cpu_ns=3,
        log_dropped=4,
        objectives=engines,
    )
    source = _Source((reading,))
    reader = PrometheusMetricReader()
    provider = MeterProvider([reader])
    try:
        measuring = Measuring(provider, lambda: [source])
        series = Series("s", "t", "1.0")
        measuring.duration(series, "success", 0.001, None)
        measuring.duration(series, "trap", 0.001, None)
        measuring.load("load", 0.1, None)
        text = generate_latest().decode()
    finally:
        provider.shutdown()
    return [(found[1], dict(_LABEL.findall(found[2]))) for found in _SERIES.finditer(text)]


def test_every_instrument_is_scraped_under_the_name_that_is_exported(
    scraped: list[tuple[str, dict[str, str]]],
) -> None:
    """With its attributes as labels."""
    names = {name for name, _ in scraped}
    labels = {label for _, found in scraped for label in found}
    for instrument in INSTRUMENTS:
        name = metric_name(instrument)
        assert (f"{name}_bucket" if instrument.kind == "histogram" else name) in names
        assert {label_name(attribute) for attribute in instrument.attributes} <= labels


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_selector_of_every_document_selects_something(
    scraped: list[tuple[str, dict[str, str]]], format_name: str
) -> None:
    """Name and labels, an empty value meaning none: a misspelt label would watch nothing, silently."""
    subjects = [ExportSubject("s", _TARGETS), ExportSubject("s", _TARGETS, "t")]
    text = "\n".join(map(_expressions, FORMATS[format_name](subjects).documents))
    selectors = {(found[1], found[2]) for found in _SELECTOR.finditer(text)}
    assert len(selectors) >= 12
    for name, matchers in selectors:
        wanted = dict(_LABEL.findall(matchers))
        matching = [
            labels
            for series, labels in scraped
            if series == name and all(labels.get(label, "") == value for label, value in wanted.items())
        ]
        assert matching, (name, wanted)


def _expressions(plain: object) -> str:
    if isinstance(plain, dict):
        return "\n".join(map(_expressions, plain.values()))
    if isinstance(plain, list):
        return "\n".join(map(_expressions, plain))
    return plain if isinstance(plain, str) else ""
