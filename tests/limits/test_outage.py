"""Staying away from a service that does not answer, and finding it again."""

from __future__ import annotations

import pytest

from infrafabric.limits.outage import Outage
from tests.limits.clock import SteppedClock


def test_lets_everybody_ask_while_the_service_answers() -> None:
    """Without an outage nobody is held back, and an answer is no news."""
    outage = Outage(SteppedClock())
    assert not outage.is_away
    assert outage.may_ask()
    assert outage.answered() is None


def test_one_caller_looks_after_one_two_four_and_then_every_eight_seconds() -> None:
    """Looks get rarer while the service stays away, and each is one caller's."""
    clock = SteppedClock()
    outage = Outage(clock)
    assert outage.failed()
    looks = []
    for tick in range(1, 450):
        clock.now_ns = tick * 100_000_000
        if outage.may_ask():
            looks.append(tick / 10)
            assert not outage.may_ask()
            assert not outage.failed()
    assert looks == [1, 3, 7, 15, 23, 31, 39]
    assert outage.failures == 1 + len(looks)


def test_an_answer_ends_it_and_the_next_outage_starts_afresh() -> None:
    """The end tells how long it took; the pauses begin at one second again."""
    clock = SteppedClock()
    outage = Outage(clock)
    for _ in range(2):
        assert outage.failed()
        clock.advance(3.5)
        assert outage.may_ask()
        assert outage.answered() == 3_500_000_000
        assert outage.answered() is None
        assert not outage.is_away
    outage.failed()
    assert outage.ns_until_look() == 1_000_000_000


def test_failures_of_requests_under_way_do_not_postpone_the_look() -> None:
    """Ten requests that fail together are one outage, looked at after one second."""
    clock = SteppedClock()
    outage = Outage(clock)
    assert [outage.failed() for _ in range(10)] == [True] + 9 * [False]
    assert outage.failures == 10
    clock.advance(0.999)
    assert not outage.may_ask()
    clock.advance(0.001)
    assert outage.may_ask()


@pytest.mark.parametrize(("waited", "left_ns"), [(0, 1_000_000_000), (0.4, 600_000_000), (2, 10_000_000)])
def test_tells_how_long_until_the_next_look(waited: float, left_ns: int) -> None:
    """Never zero: a look may be under way when it is due."""
    clock = SteppedClock()
    outage = Outage(clock)
    outage.failed()
    clock.advance(waited)
    assert outage.ns_until_look() == left_ns
