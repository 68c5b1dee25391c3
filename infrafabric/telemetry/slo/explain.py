"""Every number of a snapshot in one sentence, with its formula, its inputs and the window it was counted over.

A number is named by its path in `SloSnapshot.to_dict` (``objectives.`` may be left out). What is said of it stands in
`sentences`; a test walks a snapshot and fails on a number without a line. Sentences inside the records were rejected: a
snapshot is taken every few seconds, an explanation once in an incident.
"""

from __future__ import annotations

import difflib
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs

from infrafabric.telemetry.slo.burn import PERIOD_BUCKETS, span
from infrafabric.telemetry.slo.latency import SLOT_NS
from infrafabric.telemetry.slo.ledger import ENDING_BUCKETS
from infrafabric.telemetry.slo.sentences import BAD, GOOD, GROUPS, STATES, UNCOUNTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.telemetry.slo.alerts import AlertState
    from infrafabric.telemetry.slo.line import Line
    from infrafabric.telemetry.slo.snapshot import ObjectiveSnapshot, SloSnapshot

_PREFIX = "objectives."
#: From a minute on, nobody reads fractions of a second.
_ROUNDED_SECONDS = 60


@attrs.frozen(kw_only=True)
class Explanation:
    """What a number means. ``inputs`` are (name, value) pairs of what the formula uses."""

    number: str
    value: float | str | None
    unit: str
    formula: str
    inputs: tuple[tuple[str, float | str | None], ...]
    window: str
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return attrs.asdict(self) | {"inputs": dict(self.inputs)}

    def __str__(self) -> str:
        return self.sentence


def explain(snapshot: SloSnapshot, number: str) -> Explanation:
    """The explanation of the number at this path, such as ``availability.budget.remaining_ratio``.

    `LookupError` suggests what may have been meant.
    """
    path = number.removeprefix(_PREFIX)
    place = _find(snapshot, path)
    if place is None:
        close = difflib.get_close_matches(path, list(numbers(snapshot)), n=3, cutoff=0.5)
        meant = f"; did you mean {', '.join(close)}?" if close else ""
        raise LookupError(f"{snapshot.subject} has no number {number!r} to explain{meant}")
    line, words = place.line, place.words()
    sentence = line.sentence
    if isinstance(sentence, dict):
        assert line.choose is not None  # noqa: S101 - several sentences come with a choice
        sentence = sentence[line.choose(place.record)]
    return Explanation(
        number=path,
        value=_plain(getattr(place.record, place.leaf)),
        unit=line.unit,
        formula=line.formula,
        inputs=tuple((name.removeprefix("own."), _plain(_follow(words, name))) for name in line.inputs.split()),
        window=place.window,
        sentence=sentence.format_map(words),
    )


@cache
def state_sentence(objective: str, state: AlertState) -> str:
    """What the state of an objective means: the sentence of its ``state``, without a snapshot."""
    return f"{objective} {STATES[state.value]}."


def numbers(snapshot: SloSnapshot) -> Iterator[str]:
    """The path of every number and state of a snapshot, in reading order."""
    for path, leaf in _leaves(snapshot.to_dict(), ""):
        if not isinstance(leaf, str) or path.endswith("state"):
            yield path.removeprefix(_PREFIX)


@attrs.frozen(kw_only=True)
class _Place:
    """Where in a snapshot a number stands."""

    snapshot: SloSnapshot
    objective: ObjectiveSnapshot | None
    group: str
    record: Any
    leaf: str
    line: Line

    @property
    def window(self) -> str:
        """What the number was counted over."""
        record, period = self.record, self.snapshot.period_seconds
        if self.leaf in UNCOUNTED.get(self.group, ()):
            return "none: no event changes it"
        if hasattr(record, "bucket_seconds"):
            return f"the last {span(record.seconds)}, exact to {span(record.bucket_seconds)}"
        if hasattr(record, "long_burn_rate"):
            return f"the last {record.long} and the last {record.short}"
        if hasattr(record, "window_seconds"):
            return f"the last {span(record.window_seconds)}, exact to {span(SLOT_NS / 1e9)}"
        if hasattr(record, "watched_seconds"):
            return f"the last {span(period)}"
        buckets = ENDING_BUCKETS if self.leaf == "events" and self.objective is None else PERIOD_BUCKETS
        return f"the last {span(period)}, exact to {span(period / buckets)}"

    def words(self) -> dict[str, Any]:
        """What a sentence may name."""
        words: dict[str, Any] = {"own": self.record, "snapshot": self.snapshot}
        if hasattr(self.record, "state"):
            words["state"] = STATES.get(str(self.record.state), "")
        objective = self.objective
        if objective is not None:
            words |= {
                "objective": objective,
                "event": objective.event,
                "good": GOOD[objective.name],
                "bad": BAD[objective.name],
                "fastest": objective.alerts[0] if objective.alerts else None,
            }
            burns = {burn.name: burn for burn in objective.burn_rates}
            for side in ("long", "short"):
                words[side] = burns.get(getattr(self.record, side, ""))
        return {name: _Shown(value) for name, value in words.items()}


class _Shown:
    """A value, or a record of values, that formats itself for people."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __getattr__(self, name: str) -> _Shown:
        return _Shown(getattr(self.value, name, None))

    def __format__(self, form: str) -> str:
        value = self.value
        if value is None:
            return "unknown"
        if form == "%":
            return f"{100 * value:.6g} %"
        if form == "t":
            return span(round(value) if value >= _ROUNDED_SECONDS else value)
        if form == "at":
            return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(value))
        if form.startswith("#"):
            return f"{self} {form[1:]}{'' if value == 1 else 's'}"
        plain = ",.6g" if isinstance(value, float) else "," if isinstance(value, int) else ""
        return format(value, form or plain)


def _find(snapshot: SloSnapshot, path: str) -> _Place | None:
    """The record that holds the number, or None."""
    parts = path.split(".")
    objective = next((known for known in snapshot.objectives if known.name == parts[0]), None)
    record: Any = snapshot
    group = "snapshot"
    if objective is not None:
        record, group, parts = objective, "objective", parts[1:]
    # The name of a window may hold a dot ("2.5s"): all that stands between group and leaf is one name.
    field, name, leaf = parts[0] if len(parts) > 1 else "", ".".join(parts[1:-1]), parts[-1] if parts else ""
    if field:
        group = f"{group}.{field}"
        record = getattr(record, field, None) if group in GROUPS else None
    if isinstance(record, tuple):
        if not name:  # failures.trap: in plain data the count stands for its record
            name, leaf = leaf, "events"
        record = next((item for item in record if item.name == name), None)
    elif name:
        record = None
    line = GROUPS[group].get(leaf) if record is not None else None
    if line is None:
        return None
    return _Place(snapshot=snapshot, objective=objective, group=group, record=record, leaf=leaf, line=line)


def _leaves(plain: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(plain, dict):
        for name, value in plain.items():
            yield from _leaves(value, f"{path}.{name}" if path else name)
    else:
        yield path, plain


def _follow(words: dict[str, Any], path: str) -> Any:
    first, *rest = path.split(".")
    shown = words[first]
    for name in rest:
        shown = getattr(shown, name)
    return shown.value


def _plain(value: Any) -> float | str | None:
    plain: float | str | None = getattr(value, "value", value)
    return plain
