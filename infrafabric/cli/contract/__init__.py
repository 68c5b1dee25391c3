"""``infrafabric contract``: write contracts, check them, compare them. Each command is a module, imported when used."""

from __future__ import annotations

from infrafabric.cli.app import LazyGroup, debug_option

#: Every command of the group, as `infrafabric.cli.app.COMMANDS` has those of the program.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("contract.init_command", "Write a contract to start from, every field explained."),
    "suggest": ("contract.suggest_command", "Write the smallest contract for a module, saying why for each line."),
    "lint": ("contract.lint_command", "Find what is wrong with contracts, and what is unwise."),
    "fmt": ("contract.fmt_command", "Bring contracts into the one layout, comments kept."),
    "show": ("contract.show_command", "Show every field of a contract, and where its value is from."),
    "diff": ("contract.diff_command", "Compare two contracts: what changed, and whom it hurts."),
    "breaking": ("contract.breaking_command", "Check that versions rise as far as the changes need."),
    "digest": ("contract.digest_command", "Print the digests of contracts."),
    "schema": ("contract.schema_command", "Print the JSON Schema of contracts, for editors."),
    "export": ("contract.export_command", "Write a contract's objectives for Prometheus, Grafana and others."),
}

command = LazyGroup(
    name="contract",
    lazy=COMMANDS,
    params=[debug_option()],
    short_help="Write, check and compare service contracts.",
    no_args_is_help=False,
    help="""Write, check and compare service contracts.

A contract is a YAML, TOML or JSON file; the three say the same and have one digest.""",
)
