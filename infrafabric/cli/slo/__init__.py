"""``infrafabric slo``: how swarms keep their objectives, from what a chassis left behind. Commands load when used."""

from __future__ import annotations

from infrafabric.cli.app import LazyGroup, debug_option

#: Every command of the group, as `infrafabric.cli.app.COMMANDS` has those of the program.
COMMANDS: dict[str, tuple[str, str]] = {
    "status": ("slo.status_command", "Show how swarms keep their objectives, the worst first."),
    "explain": ("slo.explain_command", "Say what a number means, and how it came about."),
    "report": ("slo.report_command", "Print every number of every objective, or write a page of them."),
    "replay": ("slo.replay_command", "Say which alerts past events would have fired."),
}

command = LazyGroup(
    name="slo",
    lazy=COMMANDS,
    params=[debug_option()],
    short_help="See how swarms keep their objectives, and try contracts on past events.",
    no_args_is_help=False,
    help="""See how swarms keep their objectives, and try contracts on past events.

Numbers come from the folder in which a chassis keeps its history, IFChassis(state_dir=...), or from a file that `slo
report` wrote.""",
)
