"""Past events under other targets: what would have fired, and when."""

from __future__ import annotations

import json
import random
import time

import pytest

from infrafabric.errors import Blame, Outcome
from infrafabric.telemetry import ObjectiveTargets
from infrafabric.telemetry.slo.replay import STEP_SECONDS, PastEvent, replay

_T0 = 1_763_625_600.0
_TARGETS = ObjectiveTargets(target_latency_ms=None, target_throughput_rps=None)


def _outage(start: int = 3600, seconds: int = 1200, total: int = 4 * 3600, every: int = 2) -> list[PastEvent]:
    return [
        PastEvent(_T0 + at, Outcome.TRAP if start <= at < start + seconds else Outcome.SUCCESS)
        for at in range(0, total, every)
    ]


def test_an_outage_fires_in_the_step_after_it_exceeds_and_clears_with_its_short_window() -> None:
    """20 minutes of total outage after an hour, at 99.9 % over 30 days."""
    found = replay(_TARGETS, _outage())
    spans = {
        alert.alert: (alert.fired_at - _T0, None if alert.cleared_at is None else alert.cleared_at - _T0)
        for alert in found.alerts
    }
    # page_1h: bad > 1.44 % of about 1800 events, so 26 of them, 52 s; page_6h needs 11, tickets fewer.
    assert spans["page_1h"][0] == 3660
    assert spans["page_6h"][0] == spans["ticket_1d"][0] == spans["exhausted"][0] == 3630
    # Cleared once the last failure (at 4798) has left the short window, in which buckets of 10 s and 1 min leave.
    for alert, short in (("page_1h", 300), ("page_6h", 1800), ("ticket_1d", 7200)):
        cleared = spans[alert][1]
        assert cleared is not None
        assert 4798 + short - 60 <= cleared <= 4800 + short + STEP_SECONDS
    assert spans["exhausted"][1] is None
    assert [alert.severity for alert in found.alerts if alert.alert == "exhausted"] == [None]
    assert found.events == len(_outage())
    assert (found.began_at, found.ended_at) == (_T0, _T0 + 4 * 3600 - 2)


def test_targets_decide() -> None:
    """What fires at 99.9 % is nothing at 40 %."""
    assert replay(_TARGETS, _outage()).alerts
    modest = ObjectiveTargets(target_availability_percent=40, target_latency_ms=None, target_throughput_rps=None)
    assert not replay(modest, _outage()).alerts


def test_the_order_of_lines_does_not_matter() -> None:
    """Threads log out of order."""
    events = _outage()
    shuffled = events.copy()
    random.Random(4).shuffle(shuffled)  # noqa: S311 - no secret
    assert replay(_TARGETS, shuffled).alerts == replay(_TARGETS, events).alerts


def test_what_the_caller_is_to_blame_for_burns_nothing() -> None:
    """As in the engine: a timeout that the caller's own shorter limit caused."""
    events = [PastEvent(_T0 + at, Outcome.TIMEOUT, 0.0, Blame.CALLER) for at in range(0, 3600, 5)]
    found = replay(_TARGETS, events)
    assert not found.alerts
    assert found.end.objective("availability").total_events == 0


def test_a_pause_of_years_between_two_incidents_takes_no_time() -> None:
    """Nothing is judged once every window is empty, and the second incident fires like the first."""
    years = 20 * 365 * 86_400
    later = [PastEvent(event.at + years, event.outcome) for event in _outage()]
    began = time.perf_counter()
    found = replay(_TARGETS, [*_outage(), *later])
    assert time.perf_counter() - began < 30  # two months of steps, not twenty years of them
    fired = [alert for alert in found.alerts if alert.alert == "page_1h"]
    assert [round(alert.fired_at - _T0) // 60 for alert in fired] == [61, 61 + years // 60]
    exhausted = next(alert for alert in found.alerts if alert.alert == "exhausted")
    assert exhausted.cleared_at is not None
    assert 30 <= (exhausted.cleared_at - _T0) / 86_400 < 31


def test_a_replay_is_plain_data_and_nothing_to_replay_is_refused() -> None:
    """JSON without NaN."""
    plain = replay(_TARGETS, _outage()).to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert {change["current"] for change in plain["changes"]} >= {"firing", "recovering", "exhausted"}
    with pytest.raises(ValueError, match="no event"):
        replay(_TARGETS, [])
