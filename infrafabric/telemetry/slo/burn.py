"""Which windows are watched for which burn rate, for any period from one hour to ninety days.

The table is that of the Google SRE Workbook, chapter 5 ("Multiwindow, Multi-Burn-Rate Alerts"), written for
thirty days; for another period the factors stay and the windows scale with it. Keeping the thirty-day windows was
rejected: with a period of seven days they let 9-43 % of the budget burn before anybody is told.

Everything is counted in *units*, the width of the finest bucket: a whole fraction of the period, so that no window
drifts against another.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Final

import attrs

_NS: Final = 10**9
#: The finest bucket is the shortest alert window / 30, but no finer and no coarser than this.
_UNIT_NS_MIN: Final = _NS // 4
_UNIT_NS_MAX: Final = 10 * _NS
#: The coarsest ring holds the whole period in this many buckets.
PERIOD_BUCKETS: Final = 720
#: A short window of fewer buckets cannot tell "now" from "a while ago".
SHORT_BUCKETS_MIN: Final = 3
#: Width of a ring's bucket in units, and how many it holds at most: 10 s for 1 h, 1 min for 6 h, 5 min for 3 d.
_FINE_RINGS: Final = ((1, 360), (6, 360), (30, 864))
#: Severity, period / long window, burn factor. Short window = long / 12. Budget used at the factor = factor / divisor.
_TIERS: Final = (("page", 720, (72, 5)), ("page", 120, (6, 1)), ("ticket", 30, (3, 1)), ("ticket", 10, (1, 1)))
_SHORT_DIVISOR: Final = 12


@attrs.frozen(kw_only=True)
class RingShape:
    """One resolution: ``buckets`` buckets of ``step`` units each."""

    step: int
    buckets: int


@attrs.frozen(kw_only=True)
class Window:
    """A look back over ``buckets`` buckets (the running one included) of the ring numbered ``ring``.

    ``seconds`` is what the table asks for; what is counted is exact to ``bucket_seconds``.
    """

    label: str
    seconds: float
    ring: int
    buckets: int
    bucket_seconds: float


@attrs.frozen(kw_only=True)
class Tier:
    """Fire when the long and the short window both burn faster than ``factor`` times the budget.

    ``factor`` is an exact ratio; ``long`` and ``short`` are indexes into `BurnPlan.windows`; ``budget_ratio`` is the
    share of the period's budget that is gone when the long window has burnt at the factor.
    """

    name: str
    severity: str
    factor: tuple[int, int]
    long: int
    short: int
    budget_ratio: float


@attrs.frozen(kw_only=True)
class DroppedTier:
    """A tier of the table that this period is too short for, and why."""

    name: str
    severity: str
    long_seconds: float
    short_seconds: float
    reason: str


@attrs.frozen(kw_only=True)
class BurnPlan:
    """The rings, windows and tiers of one period.

    One unit is ``period_ns / units_per_period`` nanoseconds, an exact ratio. The last window is the period itself.
    """

    period_ns: int
    units_per_period: int
    rings: tuple[RingShape, ...]
    windows: tuple[Window, ...]
    tiers: tuple[Tier, ...]
    dropped: tuple[DroppedTier, ...]

    @property
    def unit_seconds(self) -> float:
        """Width of the finest bucket, 0.25-10 s."""
        return self.period_ns / self.units_per_period / _NS

    @property
    def period(self) -> Window:
        """The window of the error budget."""
        return self.windows[-1]

    def unit_at(self, timeline_ns: int) -> int:
        """The number of the unit that holds this instant."""
        return timeline_ns * self.units_per_period // self.period_ns

    def unit_start_ns(self, unit: int) -> int:
        """The first whole nanosecond of a unit."""
        return -(-unit * self.period_ns // self.units_per_period)


def tiers_for(plan: BurnPlan, minimum_bucket_ns: int) -> tuple[tuple[Tier, ...], tuple[DroppedTier, ...]]:
    """The tiers that events as coarse as ``minimum_bucket_ns`` can feed, and those they cannot.

    A throughput slice of ten seconds is such an event: a short window of five seconds would hold none.
    """
    kept, dropped = [], list(plan.dropped)
    for tier in plan.tiers:
        short = plan.windows[tier.short]
        if short.seconds * _NS < SHORT_BUCKETS_MIN * minimum_bucket_ns:
            dropped.append(_drop(tier.name, tier.severity, plan.windows[tier.long].seconds, minimum_bucket_ns / _NS))
        else:
            kept.append(tier)
    return tuple(kept), tuple(dropped)


@lru_cache(maxsize=64)  # ten thousand swarms share a handful of periods
def plan_for(period_seconds: int) -> BurnPlan:
    """The plan of a period.

    >>> [(window.label, window.buckets, window.bucket_seconds) for window in plan_for(30 * 86_400).windows][:3]
    [('1h', 360, 10.0), ('5m', 30, 10.0), ('6h', 360, 60.0)]
    """
    period_ns = period_seconds * _NS
    step = _period_step(period_ns)
    units = PERIOD_BUCKETS * step
    unit = Fraction(period_ns, units)
    shapes = [shape for shape in _FINE_RINGS if shape[0] < step] + [(step, PERIOD_BUCKETS)]

    windows: list[Window] = []
    tiers: list[Tier] = []
    dropped: list[DroppedTier] = []
    for severity, divisor, factor in _TIERS:
        long, short = Fraction(units, divisor), Fraction(units, divisor * _SHORT_DIVISOR)
        name = f"{severity}_{span(float(long * unit / _NS))}"
        if short < SHORT_BUCKETS_MIN:
            dropped.append(_drop(name, severity, float(long * unit / _NS), float(unit / _NS)))
            continue
        places = []
        for length in (long, short):
            window = _window(length, unit, shapes)
            if window not in windows:
                windows.append(window)
            places.append(windows.index(window))
        budget = Fraction(*factor) / divisor
        tier = Tier(
            name=name, severity=severity, factor=factor, long=places[0], short=places[1], budget_ratio=float(budget)
        )
        tiers.append(tier)
    windows.append(_window(Fraction(units), unit, shapes, first=len(shapes) - 1))
    return BurnPlan(
        period_ns=period_ns,
        units_per_period=units,
        # A ring holds no more than its longest window reads.
        rings=tuple(
            RingShape(step=shape[0], buckets=max([w.buckets for w in windows if w.ring == number], default=1))
            for number, shape in enumerate(shapes)
        ),
        windows=tuple(windows),
        tiers=tuple(tiers),
        dropped=tuple(dropped),
    )


def span(seconds: float) -> str:
    """A length of time in the fewest letters: ``5m``, ``1h``, ``4m40s``, ``2.5s``.

    >>> span(300), span(280), span(2.5), span(30 * 86_400)
    ('5m', '4m40s', '2.5s', '30d')
    """
    rest = round(seconds, 3)
    text = ""
    for letter, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        count = int(rest // size)
        if count:
            text += f"{count}{letter}"
            rest -= count * size
    rest = round(rest, 3)
    return text + (f"{rest:g}s" if rest or not text else "")


def _period_step(period_ns: int) -> int:
    """How many units make one of the period's 720 buckets."""
    ideal = Fraction(period_ns, 720 * _SHORT_DIVISOR * 30)  # the shortest short window in thirty buckets
    if ideal > _UNIT_NS_MAX:
        return -(-period_ns // (PERIOD_BUCKETS * _UNIT_NS_MAX))
    if ideal < _UNIT_NS_MIN:
        return period_ns // (PERIOD_BUCKETS * _UNIT_NS_MIN)
    return 360


def _window(length: Fraction, unit: Fraction, shapes: list[tuple[int, int]], first: int = 0) -> Window:
    """The window of ``length`` units in the finest ring, from ``first`` on, that holds it."""
    ring = next(n for n in range(first, len(shapes)) if round(length / shapes[n][0]) <= shapes[n][1])
    step = shapes[ring][0]
    seconds = float(length * unit / _NS)
    return Window(
        label=span(seconds),
        seconds=seconds,
        ring=ring,
        buckets=round(length / step),
        bucket_seconds=float(step * unit / _NS),
    )


def _drop(name: str, severity: str, long_seconds: float, bucket_seconds: float) -> DroppedTier:
    short_seconds = long_seconds / _SHORT_DIVISOR
    return DroppedTier(
        name=name,
        severity=severity,
        long_seconds=long_seconds,
        short_seconds=short_seconds,
        reason=(
            f"its short window of {span(short_seconds)} holds fewer than {SHORT_BUCKETS_MIN} buckets "
            f"of {span(bucket_seconds)}; a longer period would watch it"
        ),
    )
