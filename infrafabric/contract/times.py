"""Points in time: seconds since 1970 in Python, RFC 3339 text in files, exact from one to the other.

``datetime`` alone was rejected: it ends at microseconds, while a float of today has steps of a quarter of one, and a
contract written to a file and read again has to be the same contract.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal
from typing import Any

import attrs

from infrafabric.contract import rules
from infrafabric.contract.problems import Problems, shown

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_END_OF_9999 = 253_402_300_799
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(\.\d{1,18})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@attrs.frozen
class Timestamp:
    """A point in time, kept as seconds since 1970 (UTC).

    Takes an aware ``datetime``, RFC 3339 text, or such seconds. ``in_file``: no seconds, which nobody can read.
    """

    in_file: bool = False

    @property
    def expects(self) -> str:
        """The forms in words."""
        time = 'a time as in "2026-11-20T00:00:00Z"'
        return time if self.in_file else f"seconds since 1970 (UTC) or {time}"

    def read(self, value: Any, path: str, problems: Problems) -> float:
        """Seconds since 1970 as a float, up to the year 9999."""
        message = f"expected {self.expects}, got {shown(value)}"
        seconds = value
        if isinstance(value, str):
            seconds = _parse(str.__str__(value))
            if seconds is None:
                problems.add(rules.BAD_TEXT, path, message)
                return 0.0
        elif isinstance(value, dt.datetime):
            if value.tzinfo is None:
                fix = "append Z for UTC, or an offset such as +02:00"
                problems.add(rules.BAD_TEXT, path, "the time does not say its time zone", fix)
                return 0.0
            seconds = (value - _EPOCH).total_seconds()
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            problems.add(rules.WRONG_TYPE, path, message)
        elif not 0 <= seconds <= _END_OF_9999:
            problems.add(rules.BAD_NUMBER, path, f"expected a time from 1970 to 9999, got {shown(value)}")
        elif self.in_file and not isinstance(value, str | dt.datetime):
            problems.add(rules.WRONG_TYPE, path, message, f"write {rfc3339(math.floor(seconds))}")
        else:
            return float(seconds)
        return 0.0


def rfc3339(seconds: float) -> str:
    """A time as files write it, to the nanosecond.

    >>> rfc3339(1795132800), rfc3339(1795132800.25)
    ('2026-11-20T00:00:00Z', '2026-11-20T00:00:00.25Z')
    """
    exact = round(Decimal(seconds), 9)
    whole = math.floor(exact)
    text = (_EPOCH + dt.timedelta(seconds=whole)).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{exact - whole:.9f}"[1:].rstrip("0").rstrip(".")
    return f"{text}{fraction}Z"


def _parse(text: str) -> float | None:
    found = _RFC3339.fullmatch(text)
    if found is None:
        return None
    whole, fraction, zone = found.groups()
    try:
        moment = dt.datetime.fromisoformat(whole.upper() + zone.upper())
    except ValueError:  # the 31st of February
        return None
    seconds = (moment - _EPOCH) // dt.timedelta(seconds=1)
    # Read as one decimal, so that the fraction is not rounded twice; a time before 1970 is refused anyway.
    return float(f"{seconds}{fraction or ''}") if seconds >= 0 else float(seconds)
