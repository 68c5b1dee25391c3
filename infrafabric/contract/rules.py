"""Every rule a contract can break, in one table.

The ids are stable: people silence, search and document them. The table is data, not a class per rule, so
that the reference page and the linter read the same lines. ``IF1xx`` judge one value, ``IF2xx`` judge
values against each other.
"""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class Rule:
    """One rule: its stable id, a title for lists, and an explanation for somebody who has just broken it."""

    id: str
    title: str
    explanation: str = attrs.field(kw_only=True)


TOO_MANY_PROBLEMS: Final = Rule(
    "IF100",
    "too many problems",
    explanation="The contract breaks more rules than one report lists. Correct those listed and check it again.",
)
UNKNOWN_KEY: Final = Rule(
    "IF101",
    "unknown key",
    explanation="A key that nothing enforces would be a promise that nobody keeps, so it is refused, not ignored. "
    "Often it is a misspelling; the message then names the nearest known key.",
)
BAD_NUMBER: Final = Rule(
    "IF102",
    "number out of range",
    explanation="The number is outside the range of its field, not finite, or has a fraction where whole numbers "
    "count. The message gives the allowed range with its unit.",
)
WRONG_TYPE: Final = Rule(
    "IF103",
    "wrong type",
    explanation="The value is of another type than the field's. Nothing is converted silently: the text '256' and "
    "true are not numbers, and the number 1.0 is not a version.",
)
MISSING_KEY: Final = Rule(
    "IF104",
    "missing key",
    explanation="The key has no default and must be written.",
)
BAD_TEXT: Final = Rule(
    "IF105",
    "text of the wrong form",
    explanation="The text does not follow its field's grammar: a swarm id, a 'category:name' capability, a "
    "semantic version, a period such as 30d, a time such as 2026-11-20T00:00:00Z.",
)
BAD_CHOICE: Final = Rule(
    "IF106",
    "not one of the choices",
    explanation="The field takes one of a few words. The message lists them.",
)
DUPLICATE: Final = Rule(
    "IF107",
    "listed twice",
    explanation="The same entry stands in a list of distinct entries more than once. Remove all but one.",
)
TOO_LARGE: Final = Rule(
    "IF108",
    "too large",
    explanation="A text, list or mapping is longer, larger or nested deeper than its field holds. The bounds keep "
    "an untrusted contract from costing its reader memory or time.",
)
CPU_ABOVE_CONCURRENCY: Final = Rule(
    "IF201",
    "CPU share above what the tasks can use",
    explanation="One task runs on one core, so a swarm uses at most 100 percent for each task it may run at once. "
    "A larger share could never be reached.",
)
KEPT_INSTANCE_SHARED: Final = Rule(
    "IF202",
    "kept instance with concurrent tasks",
    explanation="With 'instance: swarm' all tasks share one instance, and an instance runs one task at a time. "
    "More concurrency needs a fresh instance for each task.",
)
COMMAND_NOT_START: Final = Rule(
    "IF203",
    "command convention on another task",
    explanation="The 'command' convention runs a program's entry point, which WASI names '_start'. Any other "
    "export is a function and takes one of the function conventions.",
)
NOT_A_TASK: Final = Rule(
    "IF204",
    "name that is never a task",
    explanation="'initialize' and exports whose names begin with '_' (but '_start') belong to the runtime. They "
    "cannot be executed as tasks, so a rule for them would never apply.",
)
RETURNS_UNUSED: Final = Rule(
    "IF205",
    "returns has no effect",
    explanation="A scalar task answers numbers straight from the WebAssembly signature. Nothing is decoded, so "
    "'returns' can only be auto or number.",
)

#: Every rule by its id, in order.
RULES: Final[dict[str, Rule]] = {
    rule.id: rule
    for rule in (
        TOO_MANY_PROBLEMS,
        UNKNOWN_KEY,
        BAD_NUMBER,
        WRONG_TYPE,
        MISSING_KEY,
        BAD_TEXT,
        BAD_CHOICE,
        DUPLICATE,
        TOO_LARGE,
        CPU_ABOVE_CONCURRENCY,
        KEPT_INSTANCE_SHARED,
        COMMAND_NOT_START,
        NOT_A_TASK,
        RETURNS_UNUSED,
    )
}
