"""Metrics in Prometheus' text format, for a program that has an HTTP server already.

With a registry of its own: the library's global one would show whatever else the process registers, and
``OTEL_METRICS_EXPORTER=prometheus`` fills that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.frozen
class Scrape:
    """What a scraper gets: ``render()`` is the text now, of the type ``content_type``. ``reader`` is the SDK's."""

    content_type: str
    render: Callable[[], bytes]
    reader: Any


def scraper() -> Scrape | None:
    """Something to scrape, to be given to a meter provider; None where the extra ``prometheus`` is missing."""
    try:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415 - an extra
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest  # noqa: PLC0415
    except ImportError:
        return None
    registry = CollectorRegistry()
    reader = PrometheusMetricReader(registry=registry)
    return Scrape(CONTENT_TYPE_LATEST, lambda: generate_latest(registry), reader)
