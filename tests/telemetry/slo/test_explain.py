"""Every number explains itself."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.errors import Outcome
from infrafabric.telemetry.slo.alerts import AlertState
from infrafabric.telemetry.slo.explain import explain, numbers
from infrafabric.telemetry.slo.objectives import ObjectiveTargets
from infrafabric.telemetry.slo.sentences import GROUPS, STATES, UNCOUNTED
from tests.telemetry.slo.world import EPOCH, World

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR, DAY = 3_600, 86_400


def burning() -> World:
    """Ten days of 1,000 good tasks, then 980 good ones, 20 traps and a refused one within the hour."""
    world = World(ObjectiveTargets(target_availability_percent=99))
    for _ in range(10):
        world.record(times=1_000)
        world.pass_seconds(DAY)
    world.record(times=960)
    world.record(latency_ms=250, times=20)
    world.record(Outcome.TRAP, times=20)
    world.record(Outcome.BUSY)
    world.pass_seconds(10)
    return world


def excluding() -> World:
    """A world with an ended, an open and a planned exclusion."""
    world = burning()
    for start, end in ((EPOCH, EPOCH + 60), (None, None), (EPOCH + 90 * DAY, EPOCH + 91 * DAY)):
        world.engine.exclude(start, end, reason="database move {own.author}", author="ada")
    return world


def short() -> World:
    """A period of an hour, which drops tiers."""
    world = World(ObjectiveTargets(period_seconds=HOUR, target_availability_percent=90))
    world.record(Outcome.TRAP, times=30)
    return world


@pytest.mark.parametrize("build", [World, burning, excluding, short], ids=lambda build: build.__name__)
def test_every_number_has_formula_window_and_sentence(build: Callable[[], World]) -> None:
    """No number of any snapshot is without its explanation, and each is one plain sentence with its value's inputs."""
    world = build()
    snapshot = world.snapshot()
    paths = list(numbers(snapshot))
    assert len(paths) > 300
    for path in paths:
        told = world.engine.explain(path, snapshot)
        assert told.number == path
        assert told.unit or path.endswith("number")
        assert told.formula
        assert told.window.startswith(("the last ", "none:"))
        assert re.fullmatch(r"[^\n]{10,}[.}]?[.a-z}]", told.sentence), told.sentence
        assert "unknown" not in told.sentence.replace("unknown_task", ""), (path, told.sentence)
        assert not re.search(r"[{]|None|nan", told.sentence.replace("{own.author}", "")), told.sentence
        assert all(value is None or isinstance(value, int | float | str) for _, value in told.inputs)
        json.dumps(told.to_dict(), allow_nan=False)
        assert str(told) == told.sentence


def test_no_line_is_left_over() -> None:
    """Every line of the tables belongs to a number that some snapshot has."""
    used: set[tuple[str, str]] = set()
    for build in (burning, excluding, short):
        snapshot = build().snapshot()
        for path in numbers(snapshot):
            parts = path.split(".")
            inside = parts[0] in {o.name for o in snapshot.objectives}
            group = "objective" if inside else "snapshot"
            parts = parts[1:] if inside else parts
            group = f"{group}.{parts[0]}" if len(parts) > 1 else group
            used.add(
                (
                    group,
                    "events" if group in {f"snapshot.{k}" for k in ("failures", "excluded", "refused")} else parts[-1],
                )
            )
    assert used == {(group, leaf) for group, lines in GROUPS.items() for leaf in lines}
    assert all(leaves <= set(GROUPS[group]) for group, leaves in UNCOUNTED.items())
    assert set(STATES) == {state.value for state in AlertState}


@pytest.mark.parametrize(
    ("path", "formula"),
    [
        ("availability.sli", lambda i: i["good_events"] / (i["good_events"] + i["bad_events"])),
        ("availability.total_events", lambda i: i["good_events"] + i["bad_events"]),
        ("availability.budget.ratio", lambda i: 1 - i["objective.objective_ratio"]),
        ("availability.budget.events", lambda i: i["ratio"] * i["objective.total_events"]),
        (
            "availability.budget.remaining_events",
            lambda i: i["ratio"] * i["objective.total_events"] - i["objective.bad_events"],
        ),
        (
            "availability.budget.remaining_ratio",
            lambda i: 1 - i["objective.bad_events"] / (i["ratio"] * i["objective.total_events"]),
        ),
        (
            "availability.raw.budget_remaining_ratio",
            lambda i: 1 - i["bad_events"] / (i["objective.budget.ratio"] * i["total_events"]),
        ),
        (
            "availability.seconds_to_exhaustion",
            lambda i: i["budget.remaining_ratio"] * i["snapshot.period_seconds"] / i["fastest.long_burn_rate"],
        ),
        (
            "availability.burn_rates.1h.burn_rate",
            lambda i: i["bad_events"] / (i["good_events"] + i["bad_events"]) / i["objective.budget.ratio"],
        ),
        (
            "availability.alerts.page_1h.short_burn_rate",
            lambda i: i["short.bad_events"]
            / (i["short.good_events"] + i["short.bad_events"])
            / i["objective.budget.ratio"],
        ),
        (
            "availability.alerts.ticket_1d.factor",
            lambda i: i["budget_ratio"] * i["snapshot.period_seconds"] / i["long_seconds"],
        ),
        (
            "availability.alerts.ticket_1d.budget_ratio",
            lambda i: i["factor"] * i["long_seconds"] / i["snapshot.period_seconds"],
        ),
        ("availability.alerts.page_6h.threshold_ratio", lambda i: i["factor"] * i["objective.budget.ratio"]),
        ("availability.alerts.page_6h.exhaustion_seconds", lambda i: i["snapshot.period_seconds"] / i["factor"]),
        ("availability.alerts.page_6h.short_seconds", lambda i: i["long_seconds"] / 12),
        ("coverage.ratio", lambda i: i["watched_seconds"] / i["snapshot.period_seconds"]),
    ],
)  # fmt: skip
def test_a_formula_and_its_inputs_give_the_number(path: str, formula: Callable[[dict[str, Any]], float]) -> None:
    """What the formula says, done with the inputs that are given, is the number shown."""
    told = burning().engine.explain(path)
    assert formula(dict(told.inputs)) == pytest.approx(told.value)


@pytest.mark.parametrize(
    ("path", "sentence", "window"),
    [
        (
            "objectives.availability.budget.remaining_ratio",
            "81.8182 % of the error budget is left: 20 bad tasks of the 110 that may be.",
            "the last 30d, exact to 1h",
        ),
        (
            "availability.seconds_to_exhaustion",
            (
                "At the burn rate of the last 1h, 2, what is left of the availability budget, 81.8182 %, "
                "will be gone in 12d6h32m44s."
            ),
            "the last 30d, exact to 1h",
        ),
        (
            "availability.burn_rates.1h.burn_rate",
            "Over the last 1h the availability budget burns 2 times as fast as it may; 1 uses it up in exactly 30d.",
            "the last 1h, exact to 10s",
        ),
        (
            "availability.alerts.page_1h.long_burn_rate",
            "Over the last 1h the availability budget burns 2 times as fast as it may, not above the factor of 14.4.",
            "the last 1h and the last 5m",
        ),
        (
            "availability.alerts.page_1h.state",
            "page_1h is quiet: nothing burns too fast.",
            "the last 1h and the last 5m",
        ),
        (
            "latency.bad_events",
            "20 successful tasks took longer than the target, exclusions left out.",
            "the last 30d, exact to 1h",
        ),
        (
            "throughput.bad_events",
            "0 10-second slices served less than the target while tasks were turned away as busy, exclusions left out.",
            "the last 30d, exact to 1h",
        ),
        (
            "failures.trap",
            "20 tasks ended as trap: the guest is to blame, so each burns the availability budget.",
            "the last 30d, exact to 1d",
        ),
        (
            "refused.busy",
            "1 task ended as busy: the operator's limits turned them away, which burns no availability budget.",
            "the last 30d, exact to 1d",
        ),
        (
            "latency.target",
            "A successful task is fast enough when it takes at most 0.1 seconds.",
            "none: no event changes it",
        ),
        (
            "percentiles.p50_seconds",
            "50 % of the 980 tasks that succeeded in the last 1h took at most about 0.00102 seconds.",
            "the last 1h, exact to 15m",
        ),
        ("taken_at", "These numbers were taken at 2025-06-25T15:08:53Z.", "none: no event changes it"),
    ],
)  # fmt: skip
def test_sentences_read_plainly(path: str, sentence: str, window: str) -> None:
    """The sentences that operators see most, word for word."""
    told = burning().engine.explain(path)
    assert (told.sentence, told.window) == (sentence, window)


@pytest.mark.parametrize(
    ("build", "path", "sentence"),
    [
        (World, "availability.sli", "No tasks came in the period, so no share of them was good or bad."),
        (World, "availability.seconds_to_exhaustion", "Nothing burns the availability budget now, so it lasts."),
        (World, "percentiles.p99_seconds", "No task succeeded in the last 1h, so there is no latency to tell."),
        (World, "availability.burn_rates.30d.threshold", "No alert watches this window by itself."),
        (short, "availability.seconds_to_exhaustion", "The availability budget is used up."),
        (short, "availability.budget.remaining_ratio", "The budget is used up by 30 bad tasks, where 3 may be."),
        (
            short,
            "availability.dropped.page_5s.long_seconds",
            (
                "page_5s, which would look back 5s, is left out: its short window of 0.417s holds fewer than 3 buckets "
                "of 0.25s; a longer period would watch it."
            ),
        ),
        (short, "availability.burn_rates.2.5s.seconds", "This window looks back 2.5s."),
        (excluding, "exclusions.1.number", "Exclusion 1 was declared by ada: database move {own.author}"),
        (excluding, "exclusions.2.end", "Exclusion 2 lasts until somebody ends it."),
        (excluding, "exclusions.3.state", "Exclusion 3 is planned."),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said(build: Callable[[], World], path: str, sentence: str) -> None:
    """A number that is unknown, unlimited or used up says so; texts from outside are not read as templates."""
    assert build().engine.explain(path).sentence == sentence


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("availability.budget.remaining_ration", "did you mean availability.budget.remaining_ratio"),
        ("availabilty.sli", "did you mean availability.sli"),
        ("", "no number ''"),
        ("availability", "no number 'availability'"),
        ("availability.budget", "no number"),
        ("availability.budget.x.ratio", "no number"),
        ("availability.alerts.page_2h.state", "availability.alerts.page_1h.state"),
        ("availability.name", "no number"),
        ("availability.__class__.mro", "no number"),
        ("failures.events", "no number"),
        ("subject", "no number"),
        ("exclusions.7.start", "no number"),
    ],
)
def test_an_unknown_number_suggests_the_one_meant(path: str, hint: str) -> None:
    """Asking for what is not there is a `LookupError` with the nearest names."""
    with pytest.raises(LookupError, match=re.escape(hint)):
        explain(World().snapshot(), path)
