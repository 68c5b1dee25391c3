"""Numbers and states as people read them: short, with a unit, and never kinder than the truth.

Filters of the templates. Rounding stays on the safe side where it matters: what is not all never shows as 100 %.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

import attrs

#: What stands where nothing was measured.
NOTHING: Final = "\N{EN DASH}"

_THIN: Final = "\N{NARROW NO-BREAK SPACE}"


@attrs.frozen
class StateWord:
    """How a state is shown: ``tone`` gives the colour, ``shape`` the sign beside the word."""

    word: str
    tone: str
    shape: str
    meaning: str


_OBJECTIVE_STATES: Final = {
    "exhausted": StateWord("exhausted", "bad", "cross", "no error budget is left in this period"),
    "firing": StateWord("firing", "bad", "triangle", "burns too fast, over a long window and a short one"),
    "increasing": StateWord("increasing", "warn", "up", "burns too fast over a short window, not yet over a long one"),
    "recovering": StateWord("recovering", "warn", "down", "burnt too fast over a long window, and no longer does"),
    "inactive": StateWord("inactive", "good", "dot", "quiet: nothing burns too fast"),
    "insufficient_data": StateWord("insufficient data", "idle", "half", "too few events to judge"),
    "no_data": StateWord("no data", "idle", "ring", "nothing has been measured"),
    "unreachable": StateWord("unreachable", "idle", "dash", "can never fire: no error ratio is above its threshold"),
}
_ENFORCEMENT_STATES: Final = {
    "closed": StateWord("closed", "good", "dot", "the budget policy lets everything through"),
    "observe": StateWord("observe", "good", "dot", "the contract only observes"),
    "throttled": StateWord("throttled", "warn", "down", "the budget policy lets a part of the tasks through"),
    "half_open": StateWord("half open", "warn", "half", "the budget policy tries whether the swarm is well again"),
    "quarantined": StateWord("quarantined", "bad", "cross", "the budget policy lets nothing through"),
}

#: The states of objectives in the order of their badness, the worst first.
OBJECTIVE_STATES: Final = tuple(_OBJECTIVE_STATES)
_STATES: Final = _OBJECTIVE_STATES | _ENFORCEMENT_STATES


def state(code: str) -> StateWord:
    """A state in words; one that is not known is shown as it came."""
    return _STATES.get(code) or StateWord(code.replace("_", " "), "idle", "ring", "a state this program does not know")


def percent(ratio: float | None, digits: int = 2) -> str:
    """A ratio in percent, cut so that nothing less than all is 100 %.

    >>> percent(0.5), percent(1.0), percent(0.999996)
    ('50\u202f%', '100\u202f%', '99.99\u202f%')
    """
    if ratio is None or not math.isfinite(ratio):
        return NOTHING
    number = round(100 * ratio, digits)
    if ratio < 1 and number >= 100:
        number = 100 - 10.0**-digits
    if ratio > 0 and number == 0:
        return f"<{_THIN}{10.0**-digits:.{digits}f}{_THIN}%"
    text = count(number) if abs(number) >= 1000 else _plain(number, digits)
    return f"{text}{_THIN}%".replace("-", "\N{MINUS SIGN}")


def number(value: float | None) -> str:
    """A number with three digits that count, large ones with a prefix.

    >>> number(0), number(0.0123), number(3.14159), number(12345), number(2_500_000)
    ('0', '0.0123', '3.14', '12.3k', '2.5M')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    for factor, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= factor:
            return f"{_three_digits(value / (1e3 if prefix == 'k' else factor))}{prefix}"
    return _three_digits(value)


def count(value: float | None) -> str:
    """A whole number in full, in groups of three.

    >>> count(1234567)
    '1\u202f234\u202f567'
    """
    return NOTHING if value is None else f"{value:,.0f}".replace(",", _THIN)


def rate(per_second: float | None) -> str:
    """Something per second."""
    return NOTHING if per_second is None else f"{number(per_second)}{_THIN}/s"


def seconds(duration: float | None) -> str:
    """A duration.

    >>> [seconds(s) for s in (0, 0.000_0123, 0.25, 90, 7300, 200_000)]
    ['0\u202fs', '12.3\u202fµs', '250\u202fms', '1\u202fmin 30\u202fs', '2\u202fh 1\u202fmin', '2\u202fd 7\u202fh']
    """
    if duration is None or not math.isfinite(duration):
        return NOTHING
    if duration >= 60:
        return _long(round(duration))
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if duration >= factor:
            return f"{_three_digits(duration / factor)}{_THIN}{unit}"
    return f"0{_THIN}s" if duration <= 0 else f"{duration * 1e9:.0f}{_THIN}ns"


def size(size_bytes: float | None) -> str:
    """Bytes.

    >>> size(1536), size(64 << 20)
    ('1.5\u202fKiB', '64\u202fMiB')
    """
    if size_bytes is None or not math.isfinite(size_bytes):
        return NOTHING
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size_bytes >= factor:
            return f"{_three_digits(size_bytes / factor)}{_THIN}{unit}"
    return f"{size_bytes:.0f}{_THIN}B"


def quantity(value: float | None, unit: str) -> str:
    """A value with the unit of a `LimitUse`."""
    if value is None:
        return NOTHING
    if unit == "s":
        return seconds(value)
    if unit.startswith("By"):
        return size(value) + unit.removeprefix("By")
    if unit == "%":
        return f"{number(value)}{_THIN}%"
    if unit == "tasks/s":
        return rate(value)
    return f"{number(value)} {unit}"


def iso(at: float | None) -> str:
    """A time for machines; empty where there is none that a calendar has."""
    moment = _moment(at)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else ""


def moment(at: float | None) -> str:
    """A time for people.

    >>> moment(0)
    '1970-01-01 00:00:00 UTC'
    """
    found = _moment(at)
    return f"{found:%Y-%m-%d %H:%M:%S} UTC" if found else NOTHING


def clock(at: float | None) -> str:
    """The time of the day, where the day is plain."""
    found = _moment(at)
    return f"{found:%H:%M:%S}" if found else NOTHING


def _moment(at: float | None) -> datetime | None:
    try:
        return None if at is None else datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _long(whole: int) -> str:
    for unit, factor, lesser, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60), ("min", 60, "s", 1)):
        if whole >= factor:
            rest = whole % factor // part
            head = f"{count(whole // factor)}{_THIN}{unit}"
            return f"{head} {rest}{_THIN}{lesser}" if rest else head
    return f"{whole}{_THIN}s"


def _three_digits(value: float) -> str:
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if abs(value) < 100 else 0
    return _plain(value, min(digits, 4))


def _plain(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
