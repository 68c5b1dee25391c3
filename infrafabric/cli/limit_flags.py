"""Limits of a contract as flags: ``--memory 64Mi`` is ``resource_limits.max_memory_mb: 64``.

Names, meanings, defaults and ranges are the contract's own; a flag adds the unit that people write. A new limit that is
to be a flag is one line of `LIMIT_FLAGS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click

from infrafabric.cli import units
from infrafabric.contract.fields import specs
from infrafabric.contract.problems import Problems
from infrafabric.contract.resource_limits import ResourceLimits
from infrafabric.errors import escape

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

_AnyFunction = TypeVar("_AnyFunction", bound="Callable[..., Any]")


@attrs.frozen(kw_only=True)
class LimitFlag:
    """One limit as a flag. ``parse`` gives the number in ``unit``, which is that of the contract's ``field``.

    ``written`` is how that number is written as a flag; ``default`` says it in words where the number does not.
    """

    option: str
    field: str
    metavar: str
    parse: Callable[[str], Fraction]
    unit: str
    written: str = "{}"
    default: str = ""

    @property
    def help(self) -> str:
        """The first sentence of what the contract says of the field, and the default."""
        meaning = specs(ResourceLimits)[self.field].doc.split(". ")[0].rstrip(".")
        default = self.default or self.written.format(getattr(ResourceLimits(), self.field))
        return f"{meaning}.  [default: {default}]"

    def convert(self, text: str) -> float:
        """The number that ``text`` says, an int where it is whole. Raises `click.BadParameter`."""
        shown = escape(text, limit=40)
        try:
            exact = self.parse(text)
        except ValueError as error:
            raise click.BadParameter(f"expected {error}, got '{shown}'") from None
        number = int(exact) if exact.denominator == 1 else float(exact)
        problems = Problems()
        kind = specs(ResourceLimits)[self.field].kind
        kind.read(number, "", problems)
        if len(problems):
            raise click.BadParameter(f"{shown} is {number:,.6g} {self.unit}; expected {kind.expects}")
        return number


LIMIT_FLAGS = (
    LimitFlag(
        option="--memory",
        field="max_memory_mb",
        metavar="SIZE",
        parse=units.parse_mebibytes,
        unit="MiB",
        written="{}Mi",
    ),
    LimitFlag(
        option="--timeout",
        field="max_execution_time_seconds",
        metavar="DURATION",
        parse=units.parse_duration,
        unit="seconds",
        written="{}s",
    ),
    LimitFlag(
        option="--cpu",
        field="max_cpu_percent",
        metavar="PERCENT",
        parse=units.parse_percent,
        unit="percent of one core",
        default="100% for a module, else what the contract says",
    ),
    LimitFlag(
        option="--rate",
        field="max_api_calls_per_second",
        metavar="RATE",
        parse=units.parse_rate,
        unit="tasks a second",
        written="{}/s",
    ),
    LimitFlag(
        option="--fuel",
        field="max_fuel",
        metavar="COUNT",
        parse=units.parse_count,
        unit="instructions",
        default="not metered",
    ),
    LimitFlag(
        option="--payload",
        field="max_payload_mb",
        metavar="SIZE",
        parse=units.parse_mebibytes,
        unit="MiB",
        written="{}Mi",
    ),
    LimitFlag(
        option="--log-rate",
        field="max_log_bytes_per_second",
        metavar="SIZE/s",
        parse=units.parse_bytes_per_second,
        unit="bytes a second",
        written="{}B/s",
    ),
    LimitFlag(
        option="--load-timeout",
        field="max_load_seconds",
        metavar="DURATION",
        parse=units.parse_duration,
        unit="seconds",
        written="{}s",
    ),
    LimitFlag(
        option="--module-size",
        field="max_module_mb",
        metavar="SIZE",
        parse=units.parse_mebibytes,
        unit="MiB",
        written="{}Mi",
    ),
)


def limit_options(function: _AnyFunction) -> _AnyFunction:
    """Add every limit as an option; the command gets them as keywords named by their fields, None where not given."""
    for flag in reversed(LIMIT_FLAGS):
        option = click.option(
            flag.option, flag.field, metavar=flag.metavar, type=flag.convert, default=None, help=flag.help
        )
        function = option(function)
    return function


def given(limits: dict[str, Any]) -> dict[str, Any]:
    """The limits that the command line sets."""
    return {field: value for field, value in limits.items() if value is not None}


def flags_named_in(message: str) -> list[str]:
    """How to change each limit that ``message`` names: what stands behind the cause of an error.

    >>> flags_named_in("it did not finish within 1 s (max_execution_time_seconds)")
    ['--timeout sets max_execution_time_seconds']
    """
    return [f"{flag.option} sets {flag.field}" for flag in LIMIT_FLAGS if flag.field in message]
