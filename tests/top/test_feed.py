"""The feed asks on its own thread, one question at a time, and keeps what it knew when there is no answer."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from infrafabric.errors import BoardError
from infrafabric.top.feed import Feed, Seen
from tests.top.boards import HandMadeSource, page, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infrafabric.board.records import Overview

import pytest

WAIT_SECONDS = 20


class Looks:
    """What a feed delivered, one look after the other."""

    def __init__(self, source: HandMadeSource, interval_seconds: float = 0.01) -> None:
        self._arrived: queue.Queue[Seen] = queue.Queue()
        self.feed = Feed(source, interval_seconds=interval_seconds, deliver=self._arrived.put)

    def next(self) -> Seen:
        """The next look."""
        return self._arrived.get(timeout=WAIT_SECONDS)

    def first(self, *, error: bool = False, page_of: str | None = None) -> Seen:
        """The first look from now on that did (not) fail and belongs to that swarm."""
        while True:
            seen = self.next()
            if (seen.error is not None) == error and seen.page_of == page_of:
                return seen


@pytest.fixture
def source() -> HandMadeSource:
    """A source with one swarm."""
    return HandMadeSource([row("analyzer")], [page("analyzer")])


@pytest.fixture
def looks(source: HandMadeSource) -> Iterator[Looks]:
    """A running feed."""
    looks = Looks(source)
    looks.feed.start()
    yield looks
    looks.feed.stop()


def test_keeps_what_it_knew_when_there_is_no_answer(source: HandMadeSource, looks: Looks) -> None:
    """A failure keeps rows and the time of the last answer, and names its reason on one line of safe text."""
    known = looks.first()
    source.failure = BoardError("no\nanswer \x1b[31m")
    failed = looks.first(error=True)
    assert failed.overview is not None
    assert failed.overview.rows == source.rows
    assert failed.answered_at is not None
    assert known.answered_at is not None
    assert failed.answered_at >= known.answered_at
    assert failed.error == "no answer \\x1b[31m"
    source.failure = None
    assert looks.first().error is None


def test_follows_a_swarm_until_told_otherwise(looks: Looks) -> None:
    """A page comes with each look while a swarm is followed; None says that it is not loaded."""
    looks.feed.follow("analyzer")
    assert looks.first(page_of="analyzer").page is not None
    looks.feed.follow("missing")
    assert looks.first(page_of="missing").page is None
    looks.feed.follow(None)
    assert looks.first().page is None


def test_never_asks_twice_at_once() -> None:
    """However often somebody wants to know, one question is under way."""
    under_way, most = 0, 0
    counting = threading.Lock()

    class CountingSource(HandMadeSource):
        def overview(self) -> Overview:
            nonlocal under_way, most
            with counting:
                under_way += 1
                most = max(most, under_way)
            try:
                return super().overview()
            finally:
                with counting:
                    under_way -= 1

    looks = Looks(CountingSource([row()]))
    looks.feed.start()
    for _ in range(200):
        looks.feed.refresh()
    for _ in range(5):
        looks.next()
    looks.feed.stop()
    assert most == 1


def test_stops_without_waiting_for_a_source_that_hangs() -> None:
    """Stopping returns while a question hangs, and its late answer is not delivered."""
    asked, release, ended = threading.Event(), threading.Event(), threading.Event()

    class HangingSource(HandMadeSource):
        def overview(self) -> Overview:
            asked.set()
            release.wait(WAIT_SECONDS)
            try:
                return super().overview()
            finally:
                ended.set()

    looks = Looks(HangingSource([row()]))
    looks.feed.start()
    assert asked.wait(WAIT_SECONDS)
    looks.feed.stop()
    assert not ended.is_set()
    release.set()
    assert ended.wait(WAIT_SECONDS)
    looks.feed.stop()
    with pytest.raises(queue.Empty):
        looks._arrived.get_nowait()
