"""Whose objectives are exported, under which names, and what of them the format could not say."""

from __future__ import annotations

import hashlib
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import attrs

from infrafabric.telemetry.otel import instruments

if TYPE_CHECKING:
    from infrafabric.telemetry.slo.objectives import Objective, ObjectiveTargets

#: The longest name of RFC 1123.
_LABEL_MAX: Final = 63
#: Digits of the digest that tells two names apart which look alike once they are simplified.
_DIGEST: Final = 8


@attrs.frozen
class ExportSubject:
    """A swarm, or one task of it, with what was promised about it. ``swarm_id`` may be any text."""

    swarm_id: str
    targets: ObjectiveTargets
    task_name: str | None = None

    @property
    def shown(self) -> str:
        """What people call it."""
        return f"swarm {self.swarm_id}" + ("" if self.task_name is None else f", task {self.task_name}")

    @property
    def service(self) -> str:
        """A name for the swarm that all formats allow: RFC 1123, at most 63 characters."""
        return dns_label(self.swarm_id)

    def identity(self, objective: Objective) -> str:
        """A name for the objective that all formats allow, another one for each."""
        if self.task_name is None:
            return dns_label(self.swarm_id, ending=f"-{objective.name}")
        # A swarm a-b and the task b of a swarm a would be one name: with a task it always has its digest.
        return dns_label(f"{self.swarm_id}/{self.task_name}", ending=f"-{objective.name}")

    def labels(self, objective: Objective) -> dict[str, str]:
        """The attributes that tell its events apart, as labels of Prometheus."""
        named = {instruments.SWARM: self.swarm_id, instruments.OBJECTIVE: objective.name}
        if self.task_name is not None:
            named[instruments.TASK] = self.task_name
        return {label_name(name): value for name, value in named.items()}

    def selector(self, objective: Objective, result: str | None = None) -> str:
        """A PromQL selector of its events: all of them, or the good or bad ones."""
        labels = {label_name(instruments.TASK): ""} | self.labels(objective)
        if result is not None:
            labels[label_name(instruments.RESULT)] = result
        return metric_name(instruments.EVENTS) + matchers(labels)


@attrs.frozen(kw_only=True)
class Export:
    """What was made: ``documents`` of plain data, and ``losses``, a sentence for each meaning they cannot carry."""

    documents: tuple[dict[str, Any], ...]
    losses: tuple[str, ...]


def dns_label(text: str, ending: str = "") -> str:
    """A name as RFC 1123 has it: lower-case letters, digits and ``-``, at most 63 with its ending.

    What had to be changed for it gets a digest of the whole, so that different texts stay different.

    >>> dns_label("analyzer-swarm"), dns_label("Analyzer 2", "-latency")
    ('analyzer-swarm', 'analyzer-2-26cba8cd-latency')
    """
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    room = _LABEL_MAX - len(ending)
    if plain != text or len(plain) > room:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
        plain = f"{plain[: room - _DIGEST - 1].strip('-') or 'swarm'}-{digest}"
    return plain + ending


def label_name(attribute: str) -> str:
    """An attribute of OpenTelemetry as Prometheus's label.

    >>> label_name("infrafabric.swarm.id")
    'infrafabric_swarm_id'
    """
    return attribute.replace(".", "_")


def metric_name(instrument: instruments.Instrument) -> str:
    """An instrument of OpenTelemetry as its Prometheus exporter names it, without a histogram's ``_bucket``.

    >>> metric_name(instruments.DURATION), metric_name(instruments.EVENTS)
    ('infrafabric_task_duration_seconds', 'infrafabric_slo_events_total')
    """
    unit = {"s": "_seconds", "By": "_bytes"}.get(instrument.unit, "")
    return instrument.name.replace(".", "_") + unit + ("_total" if instrument.kind == "counter" else "")


def matchers(labels: dict[str, str]) -> str:
    r"""Labels as PromQL's matchers, whatever stands in their values.

    >>> print(matchers({"a": 'x"y'}))
    {a="x\"y"}
    """
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items())) + "}"


def exact(number: Fraction) -> str:
    """A ratio as the decimal it is, never a binary fraction's 0.9990000000000001.

    One that no decimal ends, such as a third, is rounded to 17 digits.

    >>> exact(Fraction(999, 1000)), exact(Fraction(72, 5) / 1000), exact(Fraction(30))
    ('0.999', '0.0144', '30')
    """
    scaled, digits = number, 0
    while scaled.denominator != 1 and digits < 40:  # no percentage is written with so many
        scaled, digits = scaled * 10, digits + 1
    if scaled.denominator != 1:
        return f"{float(number):.17g}"
    sign, whole = ("-" if scaled < 0 else ""), str(abs(scaled.numerator)).rjust(digits + 1, "0")
    return sign + (f"{whole[:-digits]}.{whole[-digits:]}" if digits else whole)


def objective_percent(objective: Objective) -> str:
    """The share of events that must be good in percent, as the contract's author wrote it: ``99.9``."""
    return exact(100 - 100 * Fraction(*objective.budget))


def duration(seconds: Fraction | float) -> str:
    """A length of time as Prometheus writes it: ``1h``, ``4m40s``, ``2s500ms``; exact to the millisecond.

    >>> duration(3600), duration(280), duration(2.5), duration(30 * 86_400)
    ('1h', '4m40s', '2s500ms', '30d')
    """
    rest = round(seconds * 1000)
    text = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
