"""The rate of one swarm, in this process."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import RateLimitItemPerSecond
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from infrafabric.limits import MonotonicWindowStorage, RateLimiter, RateToken, Refusal, open_rate_storage
from tests.limits.clock import SteppedClock

SECOND_NS = 1_000_000_000

# Steps that meet the edge of the window exactly, one nanosecond before and one after, and a clock that stands still.
steps_ns = st.one_of(
    st.sampled_from((0, 0, 1, SECOND_NS - 1, SECOND_NS, SECOND_NS + 1, SECOND_NS // 2, SECOND_NS // 3)),
    st.integers(0, 2 * SECOND_NS),
)


def admit(limiter: RateLimiter) -> RateToken:
    """Admit a task that must be admitted."""
    token = limiter.try_admit()
    assert not isinstance(token, Refusal)
    return token


def refuse(limiter: RateLimiter) -> float:
    """Have a task refused that must be refused; give its ``retry_after_seconds``."""
    refusal = limiter.try_admit()
    assert isinstance(refusal, Refusal)
    assert not refusal.store_away
    return refusal.retry_after_seconds


@given(
    rate=st.integers(1, 6),
    start_ns=st.integers(-5 * SECOND_NS, 5 * SECOND_NS),
    tries=st.lists(st.tuples(steps_ns, st.integers(0, 10)), max_size=200),
)
def test_admits_exactly_what_a_naive_recount_allows(rate: int, start_ns: int, tries: list[tuple[int, int]]) -> None:
    """A task is admitted if, and only if, fewer than the rate were admitted in the second before, take-backs aside."""
    clock = SteppedClock(start_ns)
    limiter = RateLimiter(rate, "s", clock_ns=clock)
    held: list[tuple[int, RateToken]] = []
    for step_ns, choice in tries:
        clock.now_ns += step_ns
        if choice > 7 and held:
            limiter.give_back(held.pop(choice * len(held) // 11)[1])
            continue
        in_window = [at for at, _ in held if at > clock.now_ns - SECOND_NS]
        answer = limiter.try_admit()
        if len(in_window) < rate:
            assert not isinstance(answer, Refusal)
            held.append((clock.now_ns, answer))
        else:
            assert isinstance(answer, Refusal)
            frees_ns = sorted(in_window)[len(in_window) - rate] + SECOND_NS
            assert answer.retry_after_seconds == pytest.approx((frees_ns - clock.now_ns) / 1e9, abs=1e-9)
            assert limiter.seconds_until_free() == answer.retry_after_seconds
    for at, _ in held:
        assert sum(at <= other < at + SECOND_NS for other, _ in held) <= rate


@given(rate=st.integers(1, 5), taken=st.lists(steps_ns, max_size=12), ahead=st.integers(0, 12))
def test_foretells_when_the_nth_in_line_is_admitted(rate: int, taken: list[int], ahead: int) -> None:
    """Waiting exactly as long as foretold lets everybody ahead in, and then the one who asked; not a moment earlier."""
    clock = SteppedClock()
    limiter = RateLimiter(rate, "s", clock_ns=clock)
    for step_ns in taken:
        clock.now_ns += step_ns
        limiter.try_admit()
    asked_ns = clock.now_ns
    foretold_ns = round(limiter.seconds_until_free(ahead) * 1e9)
    for _ in range(ahead):  # each goes as soon as it may
        clock.now_ns += round(limiter.seconds_until_free() * 1e9)
        admit(limiter)
    assert clock.now_ns + round(limiter.seconds_until_free() * 1e9) == asked_ns + foretold_ns


@pytest.mark.parametrize(
    ("wait_ns", "admitted"),
    [pytest.param(SECOND_NS - 1, False, id="just-inside"), pytest.param(SECOND_NS, True, id="exactly-one-second")],
)
def test_the_window_is_half_open(wait_ns: int, *, admitted: bool) -> None:
    """Tasks one second apart are not in one second; tasks a nanosecond closer are."""
    clock = SteppedClock()
    limiter = RateLimiter(2, "s", clock_ns=clock)
    admit(limiter)
    admit(limiter)
    clock.now_ns += wait_ns
    assert isinstance(limiter.try_admit(), Refusal) is not admitted


def test_a_clock_that_does_not_move_admits_the_rate_once() -> None:
    """However often it is asked, a standing clock means one second."""
    limiter = RateLimiter(1000, "s", clock_ns=SteppedClock())
    assert sum(not isinstance(limiter.try_admit(), Refusal) for _ in range(5000)) == 1000


def test_a_clock_that_steps_back_admits_no_more() -> None:
    """Readings in the wrong order do not open the window, and what was admitted then can be given back."""
    clock = SteppedClock(10 * SECOND_NS)
    limiter = RateLimiter(2, "s", clock_ns=clock)
    admit(limiter)
    clock.advance(-3)
    limiter.give_back(admit(limiter))
    admit(limiter)
    refuse(limiter)
    clock.now_ns = 11 * SECOND_NS
    admit(limiter)
    admit(limiter)
    refuse(limiter)


def test_a_refused_task_consumes_nothing() -> None:
    """Knocking all the time does not keep the door shut."""
    clock = SteppedClock()
    limiter = RateLimiter(1, "s", clock_ns=clock)
    admit(limiter)
    for _ in range(9):
        clock.advance(0.1)
        assert refuse(limiter) > 0
    clock.advance(0.1)
    admit(limiter)


def test_giving_back_frees_the_very_admission() -> None:
    """Taking back the older of two leaves the younger one counting until it is a second old."""
    clock = SteppedClock()
    limiter = RateLimiter(2, "s", clock_ns=clock)
    older = admit(limiter)
    clock.advance(0.9)
    admit(limiter)
    limiter.give_back(older)
    clock.advance(0.2)
    admit(limiter)
    assert refuse(limiter) == pytest.approx(0.8)


def test_giving_back_what_has_left_the_window_changes_nothing() -> None:
    """A token that weighs nothing any more frees nothing, also after its entry was moved out."""
    clock = SteppedClock()
    limiter = RateLimiter(1, "s", clock_ns=clock)
    old = admit(limiter)
    for _ in range(300):
        clock.advance(1)
        admit(limiter)
    limiter.give_back(old)
    refuse(limiter)


def test_giving_back_to_a_storage_that_never_heard_of_it_changes_nothing() -> None:
    """Tokens of a forgotten window, and of another kind of storage, free nothing."""
    storage = MonotonicWindowStorage(clock_ns=SteppedClock())
    limiter = RateLimiter(1, "s", storage=storage)
    token = admit(limiter)
    limiter.give_back("a name in a shared store")
    refuse(limiter)
    storage.reset()
    limiter.give_back(token)
    admit(limiter)
    refuse(limiter)


def test_holds_with_many_threads() -> None:
    """Threads that knock together get the rate, once, and each token can be given back."""
    limiter = RateLimiter(500, "s", clock_ns=SteppedClock())
    admitted: list[RateToken] = []

    def knock() -> None:
        for _ in range(400):
            token = limiter.try_admit()
            if not isinstance(token, Refusal):
                admitted.append(token)

    threads = [threading.Thread(target=knock) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == 500
    for token in admitted:
        limiter.give_back(token)
    assert limiter.seconds_until_free(499) == 0
    assert limiter.seconds_until_free(500) == 1


@pytest.mark.parametrize("rate", [0, -1, 100_001, 1.0, True, "10", None])
def test_refuses_rates_out_of_range(rate: object) -> None:
    """A rate is an int from 1 to 100,000, and the message says so."""
    with pytest.raises(ValueError, match=r"rate of swarm 's' is .*from 1 to 100,000"):
        RateLimiter(rate, "s")  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [1, 100_000])
def test_takes_rates_at_the_ends_of_the_range(rate: int) -> None:
    """The ends themselves are allowed."""
    admit(RateLimiter(rate, "s"))


def test_memory_grows_with_use_and_shrinks_again() -> None:
    """The highest rate costs nothing until it is used, 8 bytes a task then, and little after a quiet second."""
    clock = SteppedClock()
    storage = MonotonicWindowStorage(clock_ns=clock)
    limiter = RateLimiter(100_000, "s", storage=storage, clock_ns=clock)
    admit(limiter)
    (window,) = storage._windows.values()
    assert window.times.buffer_info()[1] == 1
    for _ in range(100_000):
        limiter.try_admit()
    assert window.times.buffer_info()[1] == 100_000
    clock.advance(1)
    for _ in range(100_000):
        admit(limiter)
    refuse(limiter)
    assert window.times.buffer_info()[1] <= 200_000
    clock.advance(1)
    for _ in range(110_000):
        clock.advance(0.001)
        admit(limiter)
    assert window.times.buffer_info()[1] <= 2_100


class TestStorage:
    """The windows of many swarms in one storage, and the storage as ``limits`` sees it."""

    @pytest.fixture
    def clock(self) -> SteppedClock:
        """Give a clock that stands."""
        return SteppedClock()

    @pytest.fixture
    def storage(self, clock: SteppedClock) -> MonotonicWindowStorage:
        """Give an empty storage on that clock."""
        return MonotonicWindowStorage(clock_ns=clock)

    def test_swarms_do_not_share_a_rate(self, storage: MonotonicWindowStorage) -> None:
        """One swarm's tasks leave the other's rate alone."""
        ours, theirs = RateLimiter(1, "a", storage=storage), RateLimiter(1, "b", storage=storage)
        admit(ours)
        admit(theirs)
        refuse(ours)

    def test_a_replaced_limiter_goes_on_counting(self, storage: MonotonicWindowStorage, clock: SteppedClock) -> None:
        """A new rate for a swarm id counts what the old one admitted, higher or lower."""
        for _ in range(3):
            admit(RateLimiter(3, "s", storage=storage))
        refuse(RateLimiter(2, "s", storage=storage))
        admit(RateLimiter(4, "s", storage=storage))
        clock.advance(1)
        lower = RateLimiter(2, "s", storage=storage)
        admit(lower)
        admit(lower)
        refuse(lower)

    def test_forgets_swarms_that_are_gone(self, storage: MonotonicWindowStorage, clock: SteppedClock) -> None:
        """Ten thousand ids that came and went leave next to nothing; one that is in use keeps counting."""
        busy = RateLimiter(1, "busy", storage=storage)
        for number in range(10_000):
            admit(RateLimiter(1, f"s{number}", storage=storage))
            clock.advance(0.01)
            if number % 100 == 0:
                admit(busy)
            else:
                refuse(busy)
        assert len(storage._windows) < 500

    def test_a_hit_on_a_window_just_forgotten_counts_in_the_new_one(self, storage: MonotonicWindowStorage) -> None:
        """A thread that found a window before it was dropped does not admit into the void."""
        limiter = RateLimiter(1, "s", storage=storage)
        limiter.give_back(admit(limiter))
        (key,) = storage._windows
        orphan = storage._windows[key]
        storage.clear(key)

        class FindsTheOrphanFirst(dict):  # type: ignore[type-arg]
            answers = iter([orphan])

            def get(self, key: str) -> object:  # type: ignore[override]
                return next(self.answers, None) or super().get(key)

        storage._windows = FindsTheOrphanFirst()
        admit(limiter)
        refuse(limiter)

    def test_the_stock_strategy_of_limits_works_on_it(
        self, storage: MonotonicWindowStorage, clock: SteppedClock
    ) -> None:
        """Hits, costs, tests and statistics of the library's own strategy agree with ours on one key."""
        clock.now_ns = 7 * SECOND_NS
        stock, item = MovingWindowRateLimiter(storage), RateLimitItemPerSecond(5)
        assert stock.hit(item, "x", cost=4)
        assert not stock.hit(item, "x", cost=2)
        assert not stock.hit(item, "x", cost=6)
        assert stock.test(item, "x")
        clock.advance(0.5)
        assert stock.hit(item, "x")
        assert not stock.test(item, "x")
        assert stock.get_window_stats(item, "x") == (8.0, 0)
        clock.advance(0.5)
        assert stock.get_window_stats(item, "x") == (8.5, 4)
        stock.clear(item, "x")
        assert stock.get_window_stats(item, "x") == (9.0, 5)

    def test_is_registered_with_limits_under_its_own_scheme(self) -> None:
        """The library opens it from an address, and resets it."""
        storage = storage_from_string("infrafabric+memory://")
        assert isinstance(storage, MonotonicWindowStorage)
        assert storage.check()
        assert storage.base_exceptions == ()
        assert MovingWindowRateLimiter(storage).hit(RateLimitItemPerSecond(1), "x")
        assert storage.reset() == 1
        assert storage.reset() == 0
        storage.clear("x")
        storage.close()

    def test_refuses_strategies_that_admit_too_many(self, storage: MonotonicWindowStorage) -> None:
        """Fixed windows are not kept here."""
        fixed, item = FixedWindowRateLimiter(storage), RateLimitItemPerSecond(1)
        for use in (fixed.hit, fixed.test, fixed.get_window_stats):
            with pytest.raises(NotImplementedError, match="moving windows only"):
                use(item, "x")


def test_opens_memory_by_default() -> None:
    """No address means this process alone."""
    assert isinstance(open_rate_storage(), MonotonicWindowStorage)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        pytest.param("memcached://u:hush@h:1/x", "'memcached://h:1/x'", id="other-kind"),
        pytest.param("hush", "'(an address without a scheme)'", id="no-scheme"),
        pytest.param("http://[hush", "'(an address that cannot be read)'", id="unreadable"),
        pytest.param("infrafabric+redis://:hush@h", "'infrafabric+redis://h'", id="inner-scheme"),
    ],
)
def test_refuses_unknown_addresses_without_telling_secrets(uri: str, shown: str) -> None:
    """The message names the address without its password, and the kinds there are."""
    with pytest.raises(ValueError, match="redis://, rediss://") as caught:
        open_rate_storage(uri)
    assert shown in str(caught.value)
    assert "hush" not in str(caught.value)
