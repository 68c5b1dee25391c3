"""Limits as flags: each is the contract's, with its range."""

from __future__ import annotations

import click
import pytest

from infrafabric.cli.limit_flags import LIMIT_FLAGS, LimitFlag, flags_named_in
from infrafabric.cli.target import MODULE_LIMITS
from infrafabric.contract import ResourceLimits, specs

_FLAGS = {flag.option: flag for flag in LIMIT_FLAGS}

#: One command line runs one task: there is nothing to run beside it, or to wait behind.
_NO_FLAG = {"max_concurrent_tasks", "max_queued_tasks"}


def test_every_limit_of_a_contract_has_a_flag_or_a_reason_for_none() -> None:
    """A new limit that is forgotten here fails."""
    assert {flag.field for flag in LIMIT_FLAGS} | _NO_FLAG == set(specs(ResourceLimits))


@pytest.mark.parametrize("flag", LIMIT_FLAGS, ids=lambda flag: flag.option)
def test_the_help_of_a_flag_states_the_default_as_it_would_be_written(flag: LimitFlag) -> None:
    """Copying the default from ``--help`` gives the contract's default."""
    shown = flag.help.partition("[default: ")[2].removesuffix("]")
    default = getattr(ResourceLimits(), flag.field)
    if flag.field in MODULE_LIMITS:
        assert shown.startswith(f"{MODULE_LIMITS[flag.field]}%")
    elif default is None:
        assert shown == "not metered"
    else:
        assert flag.convert(shown) == default


_EDGES = [
    ("--memory", "1Mi", 1, "4097Mi"),
    ("--memory", "4Gi", 4096, "0"),
    ("--timeout", "1ms", 0.001, "999us"),
    ("--timeout", "24h", 86_400, "24h1ms"),
    ("--cpu", "0.1%", 0.1, "0"),
    ("--cpu", "25600", 25_600, "25601%"),
    ("--rate", "60/min", 1, "59/min"),
    ("--rate", "100k/s", 100_000, "100001"),
    ("--rate", "90/s", 90, "90/min"),
    ("--fuel", "1", 1, "0"),
    ("--fuel", "9007199254740991", 2**53 - 1, "9007199254740992"),
    ("--payload", "64Mi", 64, "65Mi"),
    ("--log-rate", "0/s", 0, "-1B/s"),
    ("--log-rate", "100Mi/s", 100 << 20, "100.1Mi/s"),
    ("--load-timeout", "100ms", 0.1, "99ms"),
    ("--load-timeout", "10min", 600, "601s"),
    ("--module-size", "256Mi", 256, "257Mi"),
]


@pytest.mark.parametrize(("option", "inside", "number", "outside"), _EDGES, ids=[f"{o} {i}" for o, i, _, _ in _EDGES])
def test_a_flag_takes_what_the_contract_takes_and_nothing_beyond(
    option: str, inside: str, number: float, outside: str
) -> None:
    """Just inside gives the contract's number, just outside an error that quotes what was written."""
    flag = _FLAGS[option]
    assert flag.convert(inside) == number
    ResourceLimits.from_dict({flag.field: number, "max_concurrent_tasks": 256})
    with pytest.raises(click.BadParameter) as caught:
        flag.convert(outside)
    assert outside in caught.value.message


def test_a_number_out_of_range_is_told_in_the_units_of_the_range() -> None:
    """Both what it came to and what is allowed are named."""
    with pytest.raises(click.BadParameter) as caught:
        _FLAGS["--rate"].convert("30/min")
    assert caught.value.message == "30/min is 0.5 tasks a second; expected a whole number from 1 to 100,000 (tasks)"


def test_what_was_written_is_shown_escaped_and_cut() -> None:
    """A flag's value may come from anywhere."""
    with pytest.raises(click.BadParameter) as caught:
        _FLAGS["--memory"].convert("\x1b[31m" + "9" * 10_000)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200


def test_a_message_that_names_a_limit_leads_to_its_flag() -> None:
    """So that an error of the library can be acted on at the command line."""
    assert flags_named_in("max_fuel and max_memory_mb") == ["--memory sets max_memory_mb", "--fuel sets max_fuel"]
    assert flags_named_in("nothing of the kind") == []
