"""The reference page of states says what there is: its tables are what these functions make of the code."""

from __future__ import annotations

from fractions import Fraction

from infrafabric.cli.slo.health import Health
from infrafabric.telemetry import AlertState, Minimums, plan_for
from infrafabric.telemetry.slo.burn import span
from infrafabric.telemetry.slo.sentences import STATES
from tests.engine.driving import ROOT

PAGE = ROOT / "docs" / "reference" / "slo-states.md"
_PERIODS = {"1h": 3600, "1d": 86_400, "7d": 604_800, "28d": 2_419_200, "30d": 2_592_000, "90d": 7_776_000}


def state_table() -> str:
    """Every state, the worst first, in the words in which it is explained."""
    rows = ["| state | an alert or objective in it |", "|---|---|"]
    rows += [f"| `{state.value}` | {STATES[state.value]} |" for state in reversed(AlertState)]
    return "\n".join(rows) + "\n"


def factor_table() -> str:
    """The alerts of thirty days."""
    plan = plan_for(2_592_000)
    columns = ("alert", "severity", "long window", "short window", "fires above", "of the period's budget by then")
    rows = [f"| {' | '.join(columns)} | possible up to a budget of |", "|---|---|---|---|---|---|---|"]
    for tier in plan.tiers:
        long, short = plan.windows[tier.long], plan.windows[tier.short]
        most = float(1 / Fraction(*tier.factor))
        rows.append(
            f"| `{tier.name}` | {tier.severity} | {long.label} | {short.label} | {tier.factor[0] / tier.factor[1]:g} "
            f"| {100 * tier.budget_ratio:g} % | {100 * most:.4g} % |"
        )
    return "\n".join(rows) + "\n"


def window_table() -> str:
    """The windows of other periods, those that are dropped in brackets."""
    rows = ["| period | 14.4 | 6 | 3 | 1 | finest bucket |", "|---|---|---|---|---|---|"]
    for name, seconds in _PERIODS.items():
        plan = plan_for(seconds)
        pairs = {tier.name: (plan.windows[tier.long].seconds, plan.windows[tier.short].seconds) for tier in plan.tiers}
        dropped = {tier.name: (tier.long_seconds, tier.short_seconds) for tier in plan.dropped}
        cells = sorted(
            [(long, f"{span(long)} / {span(short)}") for long, short in pairs.values()]
            + [(long, f"({span(long)} / {span(short)})") for long, short in dropped.values()]
        )
        rows.append(f"| {name} | {' | '.join(cell for _, cell in cells)} | {span(plan.unit_seconds)} |")
    return "\n".join(rows) + "\n"


def health_table() -> str:
    """What `infrafabric slo status` ends with."""
    rows = ["| status | word |", "|---|---|"]
    rows += [f"| {health.value} | {health.word} |" for health in Health]
    return "\n".join(rows) + "\n"


def test_the_tables_of_the_page_are_the_code() -> None:
    """States, factors, windows and exit statuses."""
    page = PAGE.read_text(encoding="utf-8")
    for table in (state_table(), factor_table(), window_table(), health_table()):
        assert table in page, f"put this into {PAGE.name}:\n{table}"


def test_the_minimums_that_the_page_names_are_the_defaults() -> None:
    """Ten events, two failures."""
    minimums = Minimums()
    page = PAGE.read_text(encoding="utf-8")
    assert f"at least {minimums.events} events" in page
    assert f"at least {minimums.failures} of them bad" in page
