"""``infrafabric slo replay``: a contract judged by events that are past."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.chassis import IFChassis, ServiceContract
from infrafabric.testing import wat
from tests.cli.program import Ended, show
from tests.cli.slo.histories import T0, contract, lines, outage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Ended]


def _fired(ended: Ended) -> dict[str, tuple[float, float | None]]:
    assert ended.status == 0, ended.err
    return {
        alert["alert"]: (alert["fired_at"] - T0, alert["cleared_at"] and alert["cleared_at"] - T0)
        for alert in ended.json["alerts"]
    }


def test_what_would_have_fired_when_is_said(infrafabric: Run, tmp_path: Path) -> None:
    """Ten minutes of outage at 99.9 %: paged within a minute, cleared when the short windows have forgotten it."""
    fired = _fired(infrafabric("slo", "replay", lines(tmp_path / "e", outage())))
    wanted = {"page_1h": (3660, 4500), "page_6h": (3630, 6000), "ticket_3d": (3630, None)}
    assert {alert: fired[alert] for alert in wanted} == wanted


def test_other_targets_are_tried_without_writing_a_contract(infrafabric: Run, tmp_path: Path) -> None:
    """At 50 % only the tickets for slow burning can fire; with a period of a day the windows are other ones."""
    events = lines(tmp_path / "e", outage())
    assert not _fired(infrafabric("slo", "replay", events, "--set", "target=50"))
    assert "page_2m" in _fired(infrafabric("slo", "replay", events, "--set", "period=1d"))
    slow = infrafabric("slo", "replay", events, "--set", "latency=10", "--set", "latency-objective=95")
    assert {alert["objective"] for alert in slow.json["alerts"]} == {"availability", "latency"}
    assert slow.json["targets"]["latency_objective_percent"] == 95


def test_a_contract_is_judged_before_it_ships(infrafabric: Run, tmp_path: Path) -> None:
    """Its own objectives, those of a task, and --set over both."""
    events = [record | {"task_name": "t", "swarm_id": "a"} for record in outage()]
    path = lines(tmp_path / "e", events)
    terms = contract(
        tmp_path, "a", "slos: {target_availability_percent: 50}\ntasks: {t: {slos: {target_latency_ms: 5}}}"
    )
    assert not _fired(infrafabric("slo", "replay", path, "--contract", terms))
    own = infrafabric("slo", "replay", path, "--contract", terms, "--task", "t")
    assert {alert["objective"] for alert in own.json["alerts"]} == {"latency"}
    strict = infrafabric("slo", "replay", path, "--contract", terms, "--set", "target_availability_percent=99.9")
    assert {alert["objective"] for alert in strict.json["alerts"]} == {"availability"}


def test_what_the_witness_logs_is_taken_as_it_is(infrafabric: Run, tmp_path: Path) -> None:
    """With its other events between, of two swarms, blame and all."""
    logged = io.StringIO()
    logger, handler = logging.getLogger("infrafabric.witness"), logging.StreamHandler(logged)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    module = wat('(module (func (export "ok")) (func (export "bad") unreachable) (func (export "spin") (loop br 0)))')
    try:
        with IFChassis() as chassis:
            for name in ("a", "b"):
                chassis.load_swarm(
                    name, module, ServiceContract(name, resource_limits={"max_api_calls_per_second": 900})
                )
            for number in range(40):
                chassis.execute_task("a", "bad" if number % 4 == 0 else "ok", check=False)
            chassis.execute_task("b", "ok")
            chassis.execute_task("a", "spin", timeout_seconds=0.01, check=False)  # the caller's own fault
            ours = chassis.slo("a")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    path = tmp_path / "witness.jsonl"
    path.write_text(logged.getvalue())
    assert ours is not None
    end = infrafabric("slo", "replay", path, "--swarm", "a").json["end"]
    assert end["subject"] == "a"
    availability = ours.objective("availability")
    assert end["objectives"]["availability"]["bad_events"] == availability.bad_events == 10
    assert end["objectives"]["availability"]["good_events"] == availability.good_events == 30
    assert end["excluded"] == {ending.name: ending.events for ending in ours.excluded}
    both = infrafabric("slo", "replay", path)
    assert both.status == 2
    assert "has events of 2 swarms: give --swarm, one of a, b" in both.err


_GOOD: dict[str, Any] = {"at": T0, "outcome": "success"}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"at": T0}, "outcome is null; expected one of success, trap"),
        ({"at": T0, "outcome": "sucess"}, 'outcome is "sucess"'),
        ({"at": T0, "outcome": ["trap"]}, 'outcome is ["trap"]'),
        ({"outcome": "trap"}, "at is null"),
        ({"at": "yesterday", "outcome": "trap"}, 'at is "yesterday"; expected epoch seconds, or a time'),
        ({"at": True, "outcome": "trap"}, "at is true"),
        ({"at": -1, "outcome": "trap"}, "at is -1"),
        ({"at": 1e300, "outcome": "trap"}, "at is 1e+300"),
        ({"at": T0 * 1000, "outcome": "trap"}, "at is 1763625600000"),  # milliseconds
        ({**_GOOD, "latency_seconds": -0.1}, "latency_seconds is -0.1"),
        ({**_GOOD, "latency_seconds": "1 s"}, 'latency_seconds is "1 s"'),
        ({**_GOOD, "latency_seconds": float("nan")}, "latency_seconds is NaN"),
        ({**_GOOD, "blame": "me"}, 'blame is "me"; expected one of nobody, guest'),
        ([1], "expected a JSON object"),
        ("\x1b[31m", "expected a JSON object"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_line_that_says_no_event_is_told_with_its_number(
    infrafabric: Run, tmp_path: Path, record: Any, message: str
) -> None:
    """One line on stderr, and nothing of the file can control a terminal."""
    path = lines(tmp_path / "e.jsonl", [_GOOD, record])
    ended = infrafabric("slo", "replay", path)
    assert (ended.status, ended.out) == (2, "")
    assert f"{path}:2: {message}" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    "at", ["2025-11-20T08:00:00Z", "2025-11-20T09:00:00+01:00", "2025-11-20T08:00:00", T0, float(T0)]
)
def test_times_are_epoch_seconds_or_rfc_3339(infrafabric: Run, tmp_path: Path, at: Any) -> None:
    """Without a zone it is UTC."""
    ended = infrafabric("slo", "replay", lines(tmp_path / "e", [{"at": at, "outcome": "success"}]))
    assert ended.json["began_at"] == T0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("target=100", "--set target=100: expected a number above 0 and below 100"),
        ("target=high", "--set target=high: expected a number"),
        ("target", "--set target=: expected a number"),
        ("targte=99", "did you mean target"),
        ("qqq=1", "there are target, latency"),
        ("period=1y", "--set period=1y: expected"),
        ("latency=inf", "--set latency=inf"),
    ],
)
def test_an_objective_that_cannot_be_is_refused(infrafabric: Run, tmp_path: Path, setting: str, message: str) -> None:
    """With the range, as a contract with it would be."""
    ended = infrafabric("slo", "replay", lines(tmp_path / "e", [_GOOD]), "--set", setting)
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err


def test_a_file_that_is_not_there_or_empty_is_told(infrafabric: Run, tmp_path: Path) -> None:
    """Also one that has events of other swarms only."""
    assert "cannot read" in infrafabric("slo", "replay", tmp_path / "x").err
    path = lines(tmp_path / "e", [])
    assert "has no event" in infrafabric("slo", "replay", path).err
    other = lines(tmp_path / "o", [_GOOD | {"swarm_id": "b"}])
    assert "has no event of swarm 'a'" in infrafabric("slo", "replay", other, "--swarm", "a").err


def test_a_terminal_shows_what_fired_and_how_it_ended(tmp_path: Path) -> None:
    """Whole lines in 80 columns."""
    shown = show("slo", "replay", lines(tmp_path / "e", outage()))
    row = next(line.split() for line in shown.lines if "page_1h" in line)
    assert row[:5] == ["availability", "page_1h", "11-20", "09:01:00", "14m"]
    assert "3,600 events from 2025-11-20 08:00:00 to 2025-11-20 09:59:58 (UTC)" in shown.text
    assert max(map(len, shown.lines)) <= 80
    calm = show("slo", "replay", lines(tmp_path / "c", [_GOOD]))
    assert "No alert would have fired." in calm.text


def test_json_is_plain(infrafabric: Run, tmp_path: Path) -> None:
    """No NaN, states as text."""
    found = infrafabric("slo", "replay", lines(tmp_path / "e", outage())).json
    assert json.dumps(found, allow_nan=False)
    assert found["changes"][0]["previous"] == "no_data"
