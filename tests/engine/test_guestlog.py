"""Guests' log records: bounded, escaped, kept apart, and handed to handlers that may be slow or broken."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrafabric.engine import SCRIBE, SwarmLog, TaskLog
from infrafabric.engine.guestlog import (
    LEVEL_NAMES,
    LEVELS,
    MAX_RECORD_BYTES,
    PENDING_RECORDS,
    RECORD_OVERHEAD_BYTES,
    RESULT_RECORDS,
    LogRecord,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLENTY = 100 << 20


class Collector(logging.Handler):
    """Keeps every record; may be told to wait or to fail."""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.records: list[logging.LogRecord] = []
        self.gate: threading.Event | None = None
        self.fail: Callable[[], BaseException] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        if self.gate is not None:
            self.gate.wait(10)
        if self.fail is not None:
            raise self.fail()
        self.records.append(record)

    @property
    def messages(self) -> list[str]:
        """What was said."""
        return [record.getMessage() for record in self.records]


@pytest.fixture
def attach() -> Iterator[Callable[[str], Collector]]:
    """Attach a collector to a logger by name, for one test."""
    attached: list[tuple[logging.Logger, Collector, int]] = []

    def to(name: str) -> Collector:
        logger, collector = logging.getLogger(name), Collector()
        attached.append((logger, collector, logger.level))
        logger.addHandler(collector)
        logger.setLevel(1)
        return collector

    yield to
    for logger, collector, level in attached:
        if collector.gate is not None:
            collector.gate.set()
        logger.removeHandler(collector)
        logger.setLevel(level)
    assert SCRIBE.flush(10)


def task_log(log: SwarmLog) -> TaskLog:
    """The log of a task that begins now."""
    return TaskLog(log, time.monotonic_ns())


# --- one record ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "number"), list(enumerate(LEVELS)))
def test_a_record_reaches_its_swarms_logger(attach: Callable[[str], Collector], level: int, number: int) -> None:
    """A record goes to ``infrafabric.swarm.<id>`` at its level, marked with the swarm, and to the result."""
    seen = attach("infrafabric.swarm.level")
    log = task_log(SwarmLog("level", PLENTY))
    before = time.time()
    log.write(level, b"hello")
    assert SCRIBE.flush()
    (record,) = seen.records
    assert (record.levelno, record.getMessage(), record.name) == (
        number,
        "[WASM:level] hello",
        "infrafabric.swarm.level",
    )
    assert before <= record.created <= time.time()
    (kept,) = log.records
    assert (kept.level, kept.text) == (LEVEL_NAMES[level], "hello")
    assert 0 <= kept.at_seconds < 10


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        (b"one\ntwo\r\nthree", r"one\ntwo\r\nthree"),
        (b"[WASM:other] forged\n[WASM:x]", r"[WASM:other] forged\n[WASM:x]"),
        ("a\u202eb\u2066c".encode(), r"a\u202eb\u2066c"),
        ("a\u2028b\u2029c\u0085d".encode(), r"a\u2028b\u2029c\x85d"),
        (b"nul\0tab\tdel\x7f", r"nul\x00tab\tdel\x7f"),
        (b"bad \xff\xc3", "bad \ufffd\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        ("\ufeffbom \U000e0041".encode(), r"\ufeffbom \U000e0041"),
        ("héllo 😀".encode(), "héllo 😀"),
        (b"100% %s %(name)s {0}", "100% %s %(name)s {0}"),
        (b"", ""),
    ],
    ids=[
        "ansi",
        "lines",
        "forged",
        "bidi",
        "other line breaks",
        "controls",
        "invalid",
        "surrogate",
        "tags",
        "plain",
        "percent",
        "empty",
    ],
)
def test_nothing_but_printable_text_comes_out(attach: Callable[[str], Collector], text: bytes, shown: str) -> None:
    """Control, bidirectional and line-break characters are escaped, wherever the record goes."""
    seen = attach("infrafabric.swarm.escape")
    log = task_log(SwarmLog("escape", PLENTY))
    log.write(2, text)
    assert SCRIBE.flush()
    assert seen.messages == [f"[WASM:escape] {shown}"]
    assert [record.text for record in log.records] == [shown]


@given(text=st.binary(max_size=200))
def test_any_bytes_become_one_printable_line(text: bytes) -> None:
    """Whatever a guest writes, the record is printable and on one line."""
    log = task_log(SwarmLog("any", PLENTY))
    log.write(2, text)
    assert log.records[0].text.isprintable()


def test_a_cut_record_says_how_long_it_was() -> None:
    """A record longer than the bound ends with its real length."""
    log = task_log(SwarmLog("cut", PLENTY))
    log.write(2, b"x" * MAX_RECORD_BYTES, 5000)
    log.write(2, b"x" * MAX_RECORD_BYTES, MAX_RECORD_BYTES)
    assert [record.text for record in log.records] == ["x" * 4096 + "... (5000 bytes)", "x" * 4096]


def test_the_result_keeps_the_first_hundred(attach: Callable[[str], Collector]) -> None:
    """The first records of a task are kept; handlers get all of them, in order."""
    seen = attach("infrafabric.swarm.hundred")
    log = task_log(SwarmLog("hundred", PLENTY))
    for index in range(RESULT_RECORDS + 50):
        log.write(2, b"%d" % index)
    assert SCRIBE.flush()
    assert [record.text for record in log.records] == [str(index) for index in range(RESULT_RECORDS)]
    assert seen.messages == [f"[WASM:hundred] {index}" for index in range(RESULT_RECORDS + 50)]
    assert (log.dropped, log.bytes) == (0, 10 + 90 * 2 + 50 * 3)


def test_a_level_that_nobody_wants_costs_no_handler(attach: Callable[[str], Collector]) -> None:
    """A record below the logger's level reaches no handler, but the result."""
    seen = attach("infrafabric.swarm.quiet")
    logging.getLogger("infrafabric.swarm.quiet").setLevel(logging.WARNING)
    log = task_log(SwarmLog("quiet", PLENTY))
    log.write(2, b"info")
    log.write(3, b"warn")
    assert SCRIBE.flush()
    assert seen.messages == ["[WASM:quiet] warn"]
    assert len(log.records) == 2


def test_a_sink_gets_the_records_of_the_result() -> None:
    """A task's sink is called with each record that the result keeps."""
    got: list[LogRecord] = []
    log = TaskLog(SwarmLog("sink", PLENTY), time.monotonic_ns(), got.append)
    for index in range(RESULT_RECORDS + 1):
        log.write(2, b"%d" % index)
    assert got == log.records


# --- kept apart ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("swarm_id", "logger"),
    [
        ("team", "infrafabric.swarm.team"),
        ("team.evil", "infrafabric.swarm.team%2Eevil"),
        ("team%2Eevil", "infrafabric.swarm.team%252Eevil"),
        ("50%", "infrafabric.swarm.50%25"),
        (".", "infrafabric.swarm.%2E"),
        ("ünï cödé", "infrafabric.swarm.ünï cödé"),
        ("x" * 255, "infrafabric.swarm." + "x" * 255),
    ],
    ids=["plain", "dot", "percent", "percent alone", "dot alone", "unicode", "long"],
)
def test_every_id_has_a_logger_of_its_own(attach: Callable[[str], Collector], swarm_id: str, logger: str) -> None:
    """The id is the last part of the logger's name, with dots and percents escaped so that no two ids meet."""
    seen = attach(logger)
    task_log(SwarmLog(swarm_id, PLENTY)).write(2, b"hello")
    assert SCRIBE.flush()
    assert seen.messages == [f"[WASM:{swarm_id}] hello"]


@given(first=st.text(alphabet=".%2E5ab", max_size=8), second=st.text(alphabet=".%2E5ab", max_size=8))
def test_two_ids_never_share_a_logger(first: str, second: str) -> None:
    """Different ids have different loggers, and none is another's parent."""
    names = [SwarmLog(swarm_id, PLENTY)._logger.name for swarm_id in (first, second)]
    assert (names[0] == names[1]) == (first == second)
    assert all("." not in name.removeprefix("infrafabric.swarm.") for name in names)


def test_a_handler_of_one_swarm_never_sees_another(attach: Callable[[str], Collector]) -> None:
    """A handler on ``team`` gets the records of team, not those of team.evil; one above gets both."""
    team, above = attach("infrafabric.swarm.team"), attach("infrafabric.swarm")
    task_log(SwarmLog("team.evil", PLENTY)).write(2, b"evil")
    task_log(SwarmLog("team", PLENTY)).write(2, b"good")
    assert SCRIBE.flush()
    assert team.messages == ["[WASM:team] good"]
    assert above.messages == ["[WASM:team.evil] evil", "[WASM:team] good"]


# --- bounds ----------------------------------------------------------------------------------------

SECOND_NS = 1_000_000_000


def test_the_byte_budget_is_a_second_deep() -> None:
    """Exactly a second's bytes are admitted at once; they come back with time, never beyond one second's worth."""
    log = SwarmLog("budget", 1000)
    now_ns = log._at_ns
    assert log.admit(999, now_ns)
    assert log.admit(1, now_ns)
    assert not log.admit(1, now_ns)
    assert not log.admit(101, now_ns + SECOND_NS // 10)
    assert log.admit(100, now_ns + SECOND_NS // 10)
    assert log.admit(1000, now_ns + 60 * SECOND_NS)
    assert not log.admit(1, now_ns + 60 * SECOND_NS)
    assert log.dropped == 3


def test_records_over_the_budget_are_dropped_and_counted(attach: Callable[[str], Collector]) -> None:
    """A flood is counted, by task and by swarm, and what was admitted arrives."""
    seen = attach("infrafabric.swarm.flood")
    swarm = SwarmLog("flood", 10 * (RECORD_OVERHEAD_BYTES + 68))
    log = task_log(swarm)
    for _ in range(50):
        log.write(2, b"x" * 68)
    assert SCRIBE.flush()
    assert 10 <= len(seen.records) <= 12  # a slow machine gives a little back meanwhile
    assert log.dropped == swarm.dropped == 50 - len(seen.records) == 50 - len(log.records)


def test_a_budget_of_nothing_drops_everything() -> None:
    """max_log_bytes_per_second = 0 turns the log off; empty records are not free."""
    log = task_log(SwarmLog("off", 0))
    log.write(2, b"")
    log.write(2, b"x")
    assert (log.records, log.dropped) == ([], 2)


def test_a_blocked_handler_holds_only_so_many_records(attach: Callable[[str], Collector]) -> None:
    """While a handler does not return, a thousand records wait; the rest is dropped, and the writer never waits."""
    seen = attach("infrafabric.swarm.blocked")
    seen.gate = threading.Event()
    swarm = SwarmLog("blocked", PLENTY)
    log = task_log(swarm)
    log.write(2, b"first")
    while swarm.pending:  # until the handler holds it
        time.sleep(0.001)
    started = time.perf_counter()
    for _ in range(PENDING_RECORDS + 500):
        log.write(2, b"more")
    assert time.perf_counter() - started < 2.0
    assert len(swarm.pending) == PENDING_RECORDS
    assert log.dropped == swarm.dropped == 500
    assert not SCRIBE.flush(0.05)
    seen.gate.set()
    assert SCRIBE.flush(10)
    assert len(seen.records) == 1 + PENDING_RECORDS


# --- handlers that fail ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [ValueError("broken"), SystemExit(1), KeyboardInterrupt()], ids=lambda e: type(e).__name__
)
def test_a_handler_that_raises_loses_only_its_record(attach: Callable[[str], Collector], error: BaseException) -> None:
    """Other records and other swarms go on, and the failure is told on the engine's logger."""
    told = attach("infrafabric.engine")
    broken, fine = attach("infrafabric.swarm.broken"), attach("infrafabric.swarm.fine")
    broken.fail = lambda: error
    task_log(SwarmLog("broken", PLENTY)).write(2, b"lost")
    task_log(SwarmLog("fine", PLENTY)).write(2, b"arrives")
    assert SCRIBE.flush(5)
    assert fine.messages == ["[WASM:fine] arrives"]
    assert told.messages == ["a logging handler failed on a guest's record"]
    broken.fail = None
    task_log(SwarmLog("broken", PLENTY)).write(2, b"again")
    assert SCRIBE.flush(5)
    assert broken.messages == ["[WASM:broken] again"]


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(1)], ids=lambda e: type(e).__name__)
def test_a_handler_that_breaks_everything_does_not_end_the_scribe(
    attach: Callable[[str], Collector], error: BaseException
) -> None:
    """A handler above all loggers that always raises, also on the report of its failure, stops nothing."""
    above = attach("infrafabric")
    above.fail = lambda: error
    log = task_log(SwarmLog("anything", PLENTY))
    for _ in range(200):
        log.write(2, b"lost")
    assert SCRIBE.flush(5)
    above.fail = None
    log.write(2, b"arrives")
    assert SCRIBE.flush(5)
    assert above.messages == ["[WASM:anything] arrives"]


def test_a_handler_that_logs_through_the_guest_does_not_hang(attach: Callable[[str], Collector]) -> None:
    """A handler may flush, or write to another guest's log, from the scribe's own thread."""
    seen = attach("infrafabric.swarm.inner")
    inner = task_log(SwarmLog("inner", PLENTY))

    class Relay(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            assert not SCRIBE.flush(5)
            inner.write(2, record.getMessage().encode())

    relay = Relay()
    logger = logging.getLogger("infrafabric.swarm.outer")
    logger.addHandler(relay)
    logger.setLevel(1)
    try:
        task_log(SwarmLog("outer", PLENTY)).write(2, b"hello")
        assert SCRIBE.flush(5)
    finally:
        logger.removeHandler(relay)
    assert seen.messages == ["[WASM:inner] [WASM:outer] hello"]


# --- many at once ----------------------------------------------------------------------------------


def test_many_swarms_on_many_threads_keep_their_records(attach: Callable[[str], Collector]) -> None:
    """Sixteen threads write to their own swarms: each handler gets its own records, all, in order."""
    count = 300
    seen = [attach(f"infrafabric.swarm.many{index}") for index in range(16)]
    logs = [task_log(SwarmLog(f"many{index}", PLENTY)) for index in range(16)]

    def write(index: int) -> None:
        for number in range(count):
            logs[index].write(2, b"%d" % number)

    threads = [threading.Thread(target=write, args=(index,)) for index in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert SCRIBE.flush(10)
    for index, collector in enumerate(seen):
        assert collector.messages == [f"[WASM:many{index}] {number}" for number in range(count)]


def test_a_flush_always_finds_what_was_written(attach: Callable[[str], Collector]) -> None:
    """However writing and the scribe's going to sleep meet, a flush after a write sees it delivered."""
    seen = attach("infrafabric.swarm.again")
    log = task_log(SwarmLog("again", PLENTY))
    for number in range(500):
        log.write(2, b"%d" % number)
        assert SCRIBE.flush(5)
        assert len(seen.records) == number + 1
