"""Windows, factors and rings of any period."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.telemetry.slo.burn import plan_for, span, tiers_for

HOUR, DAY = 3_600, 86_400

#: Google SRE Workbook, chapter 5, table 5-8 (recommended parameters), with the ticket at one day of the prose.
WORKBOOK = [
    ("page", "1h", "5m", 14.4, 0.02),
    ("page", "6h", "30m", 6.0, 0.05),
    ("ticket", "1d", "2h", 3.0, 0.10),
    ("ticket", "3d", "6h", 1.0, 0.10),
]


def rows(period_seconds: int) -> list[tuple[str, str, str, float, float]]:
    """Severity, long, short, factor and budget of each tier."""
    plan = plan_for(period_seconds)
    return [
        (
            tier.severity,
            plan.windows[tier.long].label,
            plan.windows[tier.short].label,
            tier.factor[0] / tier.factor[1],
            tier.budget_ratio,
        )
        for tier in plan.tiers
    ]


def test_thirty_days_are_the_published_table() -> None:
    """For thirty days the tiers are those of the SRE Workbook."""
    assert rows(30 * DAY) == WORKBOOK


@pytest.mark.parametrize(
    ("period", "unit_seconds", "windows", "dropped"),
    [
        pytest.param(HOUR, 0.25, [("30s", "2.5s"), ("2m", "10s"), ("6m", "30s")], ["page_5s"], id="1h"),
        pytest.param(DAY, 1 / 3, [("2m", "10s"), ("12m", "1m"), ("48m", "4m"), ("2h24m", "12m")], [], id="1d"),
        pytest.param(
            7 * DAY, 7 / 3, [("14m", "1m10s"), ("1h24m", "7m"), ("5h36m", "28m"), ("16h48m", "1h24m")], [], id="7d"
        ),
        pytest.param(
            28 * DAY, 28 / 3,
            [("56m", "4m40s"), ("5h36m", "28m"), ("22h24m", "1h52m"), ("2d19h12m", "5h36m")], [], id="28d"
        ),
        pytest.param(30 * DAY, 10, [("1h", "5m"), ("6h", "30m"), ("1d", "2h"), ("3d", "6h")], [], id="30d"),
        pytest.param(90 * DAY, 10, [("3h", "15m"), ("18h", "1h30m"), ("3d", "6h"), ("9d", "18h")], [], id="90d"),
    ],
)  # fmt: skip
def test_windows_scale_with_the_period(
    period: int, unit_seconds: float, windows: list[tuple[str, str]], dropped: list[str]
) -> None:
    """Factors stay, windows are the period's 720th, 120th, 30th and 10th part, short ones a twelfth of that."""
    plan = plan_for(period)
    assert plan.unit_seconds == pytest.approx(unit_seconds)
    assert [(row[1], row[2]) for row in rows(period)] == windows
    assert [drop.name for drop in plan.dropped] == dropped
    factors = [14.4, 6.0, 3.0, 1.0][len(dropped) :]
    assert [row[3] for row in rows(period)] == factors
    assert [row[4] for row in rows(period)] == pytest.approx([0.02, 0.05, 0.1, 0.1][len(dropped) :])


def test_rings_of_thirty_days() -> None:
    """Ten seconds for an hour, a minute for six hours, five minutes for three days, an hour for the period."""
    plan = plan_for(30 * DAY)
    widths = [(shape.step * plan.unit_seconds, shape.step * shape.buckets * plan.unit_seconds) for shape in plan.rings]
    assert widths == [(10, HOUR), (60, 6 * HOUR), (300, 3 * DAY), (HOUR, 30 * DAY)]


@given(st.integers(HOUR, 90 * DAY))
def test_any_period_fits_its_memory_and_its_windows(period: int) -> None:
    """Every window lies in one ring, within half a bucket of what it should be; a good and a bad count fit in 40 KB."""
    plan = plan_for(period)
    assert sum(shape.buckets for shape in plan.rings) * 2 * 8 <= 40_000
    assert 0.2499 < plan.unit_seconds <= 10
    for window in plan.windows:
        shape = plan.rings[window.ring]
        assert window.buckets <= shape.buckets
        assert abs(window.buckets * window.bucket_seconds - window.seconds) <= window.bucket_seconds / 2 + 1e-9
    assert plan.period.seconds == period
    assert (plan.period.ring, plan.period.buckets) == (len(plan.rings) - 1, 720)
    assert len(plan.tiers) + len(plan.dropped) == 4
    for tier in plan.tiers:
        assert plan.windows[tier.short].seconds * 12 == pytest.approx(plan.windows[tier.long].seconds)


@given(st.integers(HOUR, 90 * DAY), st.integers(0, 2 * 10**18))
def test_a_unit_begins_where_the_one_before_it_ends(period: int, instant: int) -> None:
    """An instant lies at or after its unit's start and before the next one's, in whole nanoseconds."""
    plan = plan_for(period)
    unit = plan.unit_at(instant)
    assert plan.unit_start_ns(unit) <= instant < plan.unit_start_ns(unit + 1)


@pytest.mark.parametrize(
    ("period", "kept"), [pytest.param(6_480, 4, id="three buckets"), pytest.param(6_300, 3, id="fewer")]
)
def test_a_short_window_of_three_buckets_is_kept(period: int, kept: int) -> None:
    """A tier is dropped, and says why, when its short window holds fewer than three buckets."""
    plan = plan_for(period)
    assert len(plan.tiers) == kept
    for drop in plan.dropped:
        assert "fewer than 3 buckets" in drop.reason


@pytest.mark.parametrize(
    ("period", "names"),
    [
        pytest.param(HOUR, ["ticket_6m"], id="1h"),
        pytest.param(DAY, ["page_12m", "ticket_48m", "ticket_2h24m"], id="1d"),
        pytest.param(259_200, ["page_6m", "page_36m", "ticket_2h24m", "ticket_7h12m"], id="3d: 30 s are three slices"),
    ],
)
def test_coarse_events_keep_fewer_tiers(period: int, names: list[str]) -> None:
    """Events of ten seconds each, such as throughput slices, need short windows of thirty."""
    kept, dropped = tiers_for(plan_for(period), 10 * 10**9)
    assert [tier.name for tier in kept] == names
    assert len(kept) + len(dropped) == 4


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.4166, "0.417s"), (2.5, "2.5s"), (59, "59s"), (60, "1m"), (280, "4m40s"), (90_061, "1d1h1m1s"),
     (30 * DAY, "30d"), (3_599.9999, "1h")],
)  # fmt: skip
def test_a_span_is_written_short(seconds: float, text: str) -> None:
    """Lengths of time read as people write them."""
    assert span(seconds) == text
