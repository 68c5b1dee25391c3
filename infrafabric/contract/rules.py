"""What a rule is, and the rules about values: ``IF1xx`` judge one, ``IF2xx`` several of a contract together.

``IF4xx`` judge a task's parameters, ``IF5xx`` a deployment's defaults. How a file is written is judged by `text_rules`
(``IF0xx``), whether a valid contract is wise by `advice_rules` (``IF3xx``); `rulebook` lists all of them.

The ids are stable: people silence, search and document them. Rules are data, not a class each, so that the
reference page and the linter read the same lines.
"""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class Rule:
    """One rule: its stable id, a title for lists, and an explanation for somebody who has just broken it.

    ``severity`` is "error" (the contract cannot be used as it is), "warning" or "note" (advice). ``at_key``: the
    place to show is the key, not its value.
    """

    id: str
    title: str
    explanation: str = attrs.field(kw_only=True)
    severity: str = attrs.field(kw_only=True, default="error")
    at_key: bool = attrs.field(kw_only=True, default=False)


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
    at_key=True,
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
BAD_SCHEMA: Final = Rule(
    "IF109",
    "parameter schema that cannot be used",
    explanation="The params of a task are a JSON Schema (2020-12) made of keywords that are enforced. Patterns that "
    "need look-around or backreferences, and what JSON Schema itself does not allow, are refused when the contract is "
    "loaded, not when the first task runs.",
)
SCHEMA_LIBRARY_MISSING: Final = Rule(
    "IF110",
    "no library to check parameters with",
    explanation="The contract has a schema for a task's parameters, and the library that checks them is not "
    "installed. Accepting the contract would mean not enforcing it.",
)
SCHEMA_REFERENCE: Final = Rule(
    "IF111",
    "reference out of the schema, or in a circle",
    explanation="A $ref leads to a part of the same schema, as in #/$defs/name. Nothing is fetched, neither from the "
    "network nor from files. References in a circle, and references that multiply into thousands of parts, would let "
    "a small schema cost a great deal of time.",
)
PATH_OUTSIDE: Final = Rule(
    "IF112",
    "path that leaves the contract's folder",
    explanation="A module's path is relative and stays inside the folder of its contract, so that copying a contract "
    "can never make it load another file of the machine. Symbolic links that lead out count as leaving.",
)
MODULE_UNREADABLE: Final = Rule(
    "IF113",
    "module that cannot be read",
    explanation="The file that module.path names is missing, cannot be opened, or is no regular file.",
)
MODULE_CHANGED: Final = Rule(
    "IF114",
    "module with another digest",
    explanation="The file's SHA-256 is not the one that the contract states: it is another build, or somebody "
    "changed it. Nothing of it was run.",
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
    at_key=True,
)
RETURNS_UNUSED: Final = Rule(
    "IF205",
    "returns has no effect",
    explanation="A scalar task answers numbers straight from the WebAssembly signature. Nothing is decoded, so "
    "'returns' can only be auto or number.",
)
PARAMS_MISMATCH: Final = Rule(
    "IF401",
    "parameters that break their schema",
    explanation="The parameters of one task do not fit the schema that its contract states. The guest never saw them.",
)
DEFAULT_TOO_LOOSE: Final = Rule(
    "IF501",
    "deployment default looser than the built-in one",
    explanation="A contract that says nothing about a limit is read as having the built-in default. A deployment that "
    "gives it more must say so once, with 'allow_looser', so that no contract is loosened by accident.",
)
