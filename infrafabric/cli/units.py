"""Numbers as people write them: ``64Mi``, ``250ms``, ``50%``, ``60/min``, ``10M``; and as tables show them.

Binary prefixes are Ki, Mi, Gi; decimal ones k, M, G, as in Kubernetes. Sizes need their unit, since 64 is bytes to one
reader and MiB to the next. Parsers are exact (fractions, not floats) and raise ValueError saying what they take.
"""

from __future__ import annotations

import re
from fractions import Fraction

_DECIMAL = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40}
_BYTES = {f"{prefix}{b}": factor for prefix, factor in (_DECIMAL | _BINARY).items() for b in ("", "b")}
_SECONDS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "min": Fraction(60),
    "h": Fraction(3600),
    "d": Fraction(86_400),
}
_PER = {"": 1, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600}

#: Bounded, so that no input is slow: nothing that is counted here has more digits.
_NUMBER = r"[0-9]{1,18}(?:\.[0-9]{1,18})?"
_QUANTITY = re.compile(rf"({_NUMBER})\s?([A-Za-zµ]{{0,6}})")
_DURATION = re.compile(rf"(?:{_NUMBER}\s?[a-zµ]{{1,3}}\s?){{1,6}}")
_PART = re.compile(rf"({_NUMBER})\s?([a-zµ]{{1,3}})")
_MIB = 1 << 20


def parse_size(text: str) -> Fraction:
    """Bytes: ``64Mi``, ``1.5GiB``, ``500kB``, ``10B``.

    >>> parse_size("64Mi") == 64 * 1024 * 1024, parse_size("1k") == 1000
    (True, True)
    """
    found = _QUANTITY.fullmatch(text.strip())
    unit = found[2].lower() if found else ""
    if found is None or unit not in _BYTES:
        raise ValueError("a size with its unit, as in 64Mi, 1.5GiB or 500kB")
    if not unit and Fraction(found[1]):
        raise ValueError(f"a size with its unit, as in {found[1]}Mi, {found[1]}Ki or {found[1]}B")
    return Fraction(found[1]) * _BYTES[unit]


def parse_mebibytes(text: str) -> Fraction:
    """A size in MiB; of those, only whole ones can be limits, so the nearest are named.

    >>> parse_mebibytes("1Gi") == 1024
    True
    """
    size = parse_size(text) / _MIB
    if size.denominator != 1:
        near = f"{int(size)}Mi or {int(size) + 1}Mi" if size > 1 else "1Mi"
        raise ValueError(f"a whole number of MiB, as in {near}")
    return size


def parse_bytes_per_second(text: str) -> Fraction:
    """Bytes a second: ``64Ki/s``, or ``64Ki`` for short."""
    return parse_size(text.strip().removesuffix("/s"))


def parse_duration(text: str) -> Fraction:
    """Seconds: ``250ms``, ``30s``, ``1m30s``, ``1.5h``; a bare number is seconds.

    >>> parse_duration("1m30s"), float(parse_duration("250ms")), parse_duration("30")
    (Fraction(90, 1), 0.25, Fraction(30, 1))
    """
    plain = text.strip()
    if re.fullmatch(_NUMBER, plain):
        return Fraction(plain)
    if _DURATION.fullmatch(plain):
        parts = _PART.findall(plain)
        units = [unit for _, unit in parts]
        if all(unit in _SECONDS for unit in units) and len(set(units)) == len(units):
            return sum((Fraction(number) * _SECONDS[unit] for number, unit in parts), Fraction(0))
    raise ValueError("a duration, as in 250ms, 30s, 1m30s or 2h")


def parse_percent(text: str) -> Fraction:
    """Percent: ``50%``, or ``50`` for short."""
    plain = text.strip().removesuffix("%").rstrip()
    if not re.fullmatch(_NUMBER, plain):
        raise ValueError("a percentage, as in 50%")
    return Fraction(plain)


def parse_rate(text: str) -> Fraction:
    """Events a second: ``10``, ``10/s``, ``600/min``, ``36000/h``.

    >>> parse_rate("600/min")
    Fraction(10, 1)
    """
    number, _, per = text.strip().partition("/")
    count = _QUANTITY.fullmatch(number.strip())
    if count is None or count[2].lower() not in _DECIMAL or per.strip() not in _PER or ("/" in text) != bool(per):
        raise ValueError("a rate, as in 10/s or 600/min")
    return Fraction(count[1]) * _DECIMAL[count[2].lower()] / _PER[per.strip()]


def parse_count(text: str) -> Fraction:
    """A count: ``1000000``, ``1_000_000``, ``1,000,000``, ``1M``."""
    plain = text.strip()
    if re.fullmatch(r"[0-9]{1,3}([_,][0-9]{3}){1,6}", plain):
        plain = plain.replace(",", "").replace("_", "")
    found = _QUANTITY.fullmatch(plain)
    if found is None or found[2].lower() not in _DECIMAL:
        raise ValueError("a count, as in 1000000, 1_000_000 or 1M")
    return Fraction(found[1]) * _DECIMAL[found[2].lower()]


# --- the other way ---------------------------------------------------------------------------------


def show_size(size_bytes: float) -> str:
    """A size for people, with three digits that count.

    >>> show_size(0), show_size(1536), show_size(256 << 20), show_size(1_100_000)
    ('0 B', '1.5 KiB', '256 MiB', '1.05 MiB')
    """
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size_bytes >= factor:
            return f"{_three_digits(size_bytes / factor)} {unit}"
    return f"{size_bytes:.0f} B"


def show_seconds(seconds: float) -> str:
    """A duration for people, with three digits that count.

    >>> show_seconds(0), show_seconds(0.000_012_3), show_seconds(0.25), show_seconds(90), show_seconds(7300)
    ('0 s', '12.3 µs', '250 ms', '1 min 30 s', '2 h 1 min')
    """
    if seconds >= 60:
        minutes, rest = divmod(round(seconds), 60)
        if minutes < 60:
            return f"{minutes} min {rest} s".removesuffix(" 0 s")
        return f"{minutes // 60} h {minutes % 60} min".removesuffix(" 0 min")
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= factor:
            return f"{_three_digits(seconds / factor)} {unit}"
    return "0 s" if not seconds else f"{seconds * 1e9:.0f} ns"


def _three_digits(number: float) -> str:
    if number >= 100:
        return f"{number:.0f}"
    text = f"{number:.2f}" if number < 10 else f"{number:.1f}"
    return text.rstrip("0").rstrip(".")
