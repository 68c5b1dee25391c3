"""Numbers as a terminal shows them: as few cells as they can be told in, and never rounded to the better side.

The command line's own words (``2 min 5 s``) were rejected here: a column of a table has six cells.
"""

from __future__ import annotations

import math

#: What stands where nothing has been measured.
NOTHING = "-"


def kept(ratio: float | None) -> str:
    """The share of good events, rounded down: what is not quite kept must not read as 100 %.

    >>> kept(1.0), kept(0.99953), kept(0.999_999_9), kept(None)
    ('100%', '99.953%', '99.999%', '-')
    """
    if ratio is None:
        return NOTHING
    thousandths = math.floor(ratio * 100_000 + 1e-6)
    if ratio < 1:
        thousandths = min(thousandths, 99_999)
    return f"{_plain(thousandths / 1000, 3)}%"


def budget(ratio: float) -> str:
    """What is left of an error budget, rounded down; below zero it is overspent.

    >>> budget(1.0), budget(0.1234), budget(0.0123), budget(-3.125), budget(-123.0)
    ('100%', '12.3%', '1.2%', '-313%', '<-999%')
    """
    percent = 100 * ratio
    if percent < -999:
        return "<-999%"
    if abs(percent) >= 100:
        return f"{math.floor(percent + 1e-9)}%"
    return f"{_plain(math.floor(10 * percent + 1e-9) / 10, 1)}%"


def burn(rate: float | None) -> str:
    """How many times faster than allowed.

    >>> burn(0), burn(0.4213), burn(14.4), burn(1000.0), burn(None)
    ('0x', '0.42x', '14.4x', '1000x', '-')
    """
    return NOTHING if rate is None else f"{_short(rate)}x"


def rate(per_second: float | None) -> str:
    """Events per second.

    >>> rate(0), rate(0.016), rate(12.34), rate(15_300)
    ('0', '0.02', '12.3', '15.3k')
    """
    if per_second is None:
        return NOTHING
    if per_second >= 9_999.5:
        return f"{_short(per_second / 1000)}k"
    return _short(per_second)


def span(seconds: float | None) -> str:
    """A stretch of time, in its two largest units.

    >>> span(0), span(45), span(125), span(7_500), span(273_600), span(2_592_000), span(None)
    ('0s', '45s', '2m5s', '2h5m', '3d4h', '30d', '-')
    """
    if seconds is None:
        return NOTHING
    left = round(seconds)
    for (unit, size), (below, fraction) in (
        (("d", 86_400), ("h", 3_600)),
        (("h", 3_600), ("m", 60)),
        (("m", 60), ("s", 1)),
    ):
        if left >= size:
            whole, rest = divmod(left, size)
            part = f"{rest // fraction}{below}" if rest >= fraction and whole < 100 else ""
            return f"{whole:,}{unit}{part}"
    return f"{left}s"


def latency(seconds: float | None) -> str:
    """How long a task took.

    >>> latency(0.000_85), latency(0.012), latency(1.25), latency(90), latency(0.0)
    ('850µs', '12ms', '1.25s', '1m30s', '0s')
    """
    if seconds is None:
        return NOTHING
    if seconds >= 60:
        return span(seconds)
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size * 0.9995:
            return f"{_short(seconds / size)}{unit}"
    return "0s" if seconds <= 0 else f"{seconds * 1e9:.0f}ns"


def quantity(number: float | None, unit: str) -> str:
    """A number in one of the units of `LimitUse`.

    >>> quantity(3 << 20, "By"), quantity(0.25, "s"), quantity(12.5, "%"), quantity(1_500_000, "instructions")
    ('3 MiB', '250ms', '12.5 %', '1,500,000 instructions')
    >>> quantity(65_536, "By/s"), quantity(None, "tasks")
    ('64 KiB/s', '-')
    """
    if number is None:
        return NOTHING
    if unit == "s":
        return latency(number)
    if unit in {"By", "By/s"}:
        return size(number) + unit.removeprefix("By")
    shown = f"{number:,.0f}" if float(number).is_integer() else _short(number)
    return f"{shown} {unit.removesuffix('s') if shown == '1' else unit}"


def used_of(used: float, limit: float, unit: str) -> str:
    """How much of a limit is used, with the unit once where both are counted in the same.

    >>> used_of(0, 1, "tasks"), used_of(4.07, 20, "%"), used_of(512, 1 << 20, "By")
    ('0 of 1 task', '4.07 of 20 %', '512 B of 1 MiB')
    """
    shown = quantity(used, unit)
    if unit not in {"s", "By", "By/s"}:
        shown = shown.rpartition(" ")[0]
    return f"{shown} of {quantity(limit, unit)}"


def size(count: float) -> str:
    """Bytes.

    >>> size(0), size(1536), size(256 << 20)
    ('0 B', '1.5 KiB', '256 MiB')
    """
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= factor:
            return f"{_short(count / factor)} {unit}"
    return f"{count:.0f} B"


def _short(number: float) -> str:
    """Three digits that count."""
    if number >= 99.95:
        return f"{number:.0f}"
    return _plain(number, 1 if number >= 9.995 else 2)


def _plain(number: float, digits: int) -> str:
    text = f"{number:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
