"""The burn-rate alerts that every objective gets, as far as a contract can be judged by them.

The table is that of the Google SRE Workbook, chapter 5, its windows scaled from thirty days to the contract's
period. The SLO engine works by the same table; a test holds the two together. Importing it from there was rejected:
whoever writes contracts needs no telemetry.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

import attrs

#: Shortest and longest width of a counter's finest bucket, in seconds, and the buckets that a short window needs.
_BUCKET_SECONDS: Final = (Fraction(1, 4), Fraction(10))
_SHORT_DIVISOR: Final = 12
_SHORT_BUCKETS_MIN: Final = 3
#: The throughput objective counts slices of so many seconds.
SLICE_SECONDS: Final = 10


@attrs.frozen
class AlertTier:
    """Somebody is told when a period's ``1 / divisor`` burns ``factor`` times faster than the budget allows."""

    severity: str
    divisor: int
    factor: Fraction

    def long_seconds(self, period_seconds: int) -> Fraction:
        """The longer of its two windows."""
        return Fraction(period_seconds, self.divisor)

    def can_fire(self, budget: Fraction) -> bool:
        """Whether a total outage exceeds it."""
        return self.factor * budget < 1

    def is_watched(self, period_seconds: int, event_seconds: int = 0) -> bool:
        """Whether the period is long enough for its short window; ``event_seconds`` is how long one event lasts."""
        shortest = Fraction(period_seconds, ALERT_TIERS[0].divisor * _SHORT_DIVISOR)
        low, high = _BUCKET_SECONDS
        bucket = max(min(max(shortest / 30, low), high), Fraction(event_seconds))
        return self.long_seconds(period_seconds) / _SHORT_DIVISOR >= _SHORT_BUCKETS_MIN * bucket

    def events_for_one(self, budget: Fraction) -> Fraction:
        """In a window of fewer events than this, a single failure exceeds the factor."""
        return 1 / (self.factor * budget)


#: The fastest first.
ALERT_TIERS: Final = (
    AlertTier("page", 720, Fraction(72, 5)),
    AlertTier("page", 120, Fraction(6)),
    AlertTier("ticket", 30, Fraction(3)),
    AlertTier("ticket", 10, Fraction(1)),
)


def budget_of(objective_percent: float) -> Fraction:
    """The share of events that may be bad, exactly as the decimal was written.

    >>> budget_of(99.9)
    Fraction(1, 1000)
    """
    return 1 - Fraction(Decimal(str(objective_percent))) / 100
