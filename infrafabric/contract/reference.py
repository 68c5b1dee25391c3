"""``docs/reference/contract.md`` and ``docs/reference/lint-rules.md``, made from the declarations and the rules.

``python -m infrafabric.contract.reference`` writes them; with ``--check`` it only tells whether they are up to date.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from infrafabric.contract.changes import CHANGES, ChangeRule, Hurts
from infrafabric.contract.defaults import PARTS, variable_of
from infrafabric.contract.fields import FieldSpec, specs
from infrafabric.contract.frozen import thaw
from infrafabric.contract.generated import main
from infrafabric.contract.kinds import Number
from infrafabric.contract.record import Part, PartMap
from infrafabric.contract.rulebook import RULES
from infrafabric.contract.schema_keywords import KEYWORDS
from infrafabric.contract.service_contract import ServiceContract
from infrafabric.contract.times import Timestamp
from infrafabric.contract.writing import KEY_ORDER, dump_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infrafabric.contract.record import Record

CONTRACT_PAGE: Final = "docs/reference/contract.md"
RULES_PAGE: Final = "docs/reference/lint-rules.md"

_MADE = "<!-- Made by `python -m infrafabric.contract.reference`: change the declarations, not this page. -->"

#: A contract that says something about most things; it is valid and lints clean.
EXAMPLE: Final = """\
# yaml-language-server: $schema=../schemas/service-contract.schema.json
swarm_id: analyzer-swarm
version: 1.2.0
description: Counts and checks source files
capabilities: [code-analysis:python, code-analysis:rust]
tasks:
  analyze_code:
    abi: buffer
    returns: json
    params: # checked before each task
      type: object
      properties:
        source: {type: string}
        checks: {type: array, items: {enum: [style, security]}}
      required: [source]
      additionalProperties: false
resource_limits:
  max_memory_mb: 64
  max_execution_time_seconds: 5
slos:
  target_latency_ms: 50
permissions: {log: true, wasi: inert}
metadata: {author: ada}
"""

_CONTRACT_HEAD = f"""\
{_MADE}

# The contract

A contract is a YAML 1.2, TOML or JSON file of at most 1 MiB, or a `ServiceContract` in Python. All formats mean the
same and give the same digest. Every field but `swarm_id` has a default; a key that is not on this page is an error.

What is wrong with a value is explained with [the rules](lint-rules.md). A contract that says a bit about most things:

```yaml
{EXAMPLE}```
"""

_PARAMS_HEAD = """\
## Parameter schemas

`tasks.<name>.params` is a JSON Schema (2020-12) made of these keywords. Each is enforced, but for those that say that
they are for people; any other keyword is an error. `$ref` leads to `#/$defs/name`, never in a circle.

| keyword | meaning |
|---|---|
"""

_DEFAULTS_HEAD = """\
## Defaults of a deployment

What contracts leave unsaid may be filled in for a whole deployment: by a config file, whose path is in
`IFCHASSIS_CONFIG`, and by variables, which win over the file. What a contract says always holds. A default that gives
more than the built-in one is refused unless `allow_looser` (`IFCHASSIS_ALLOW_LOOSER`) is true.

```toml
allow_looser = false

[defaults.resource_limits]
max_memory_mb = 64

[defaults.slos]
period = "7d"
```

| variable | built-in default |
|---|---|
"""

_RULES_HEAD = f"""\
{_MADE}

# Rules

Each mistake in a contract is reported under a stable id: in files as
`file:line:column: error IF102 resource_limits.max_cpu_percent: expected ..., got ...`, in Python as
`ContractValidationError.problems`. Errors keep a contract from being used; warnings and notes are advice.
"""

_GROUPS: Final = {
    "IF0": "How the file is written",
    "IF1": "Single values",
    "IF2": "Values against each other",
    "IF3": "Advice, and the module",
    "IF4": "Parameters of a task",
    "IF5": "Defaults of a deployment",
}

_CHANGES_HEAD = """\
## Changes between two versions

Comparing two contracts names each change, whom it hurts, and the part of the version that has to rise. Before 1.0.0 a
minor version may do what later needs a major one.

| change | hurts | bump | why |
|---|---|---|---|
"""

_CHANGES_FOOT = """\

`VERSION_BUMP_TOO_SMALL` is the error that the version did not rise by as much as the changes need.
"""


def contract_page() -> str:
    """Every field of a contract: meaning, unit, range, default, who enforces it, what happens when it is broken."""
    sections = "\n".join(_sections("", ServiceContract))
    keywords = "".join(f"| `{name}` | {_cell(keyword.doc)} |\n" for name, keyword in KEYWORDS.items())
    variables = "".join(
        f"| `{variable_of(f'{part}.{name}')}` | {_default(spec)} |\n"
        for part, record in PARTS.items()
        for name, spec in specs(record).items()
    )
    return "\n".join((_CONTRACT_HEAD, sections, _PARAMS_HEAD + keywords, _DEFAULTS_HEAD + variables))


def rules_page() -> str:
    """Every rule with its explanation, and every kind of change."""
    parts = [_RULES_HEAD]
    for prefix, title in _GROUPS.items():
        parts.append(f"## {title}\n")
        for rule in RULES.values():
            if rule.id.startswith(prefix):
                severity = "" if rule.severity == "error" else f" ({rule.severity})"
                parts.append(f"### {rule.id}: {rule.title}{severity}\n\n{rule.explanation}\n")
    rows = "".join(
        f"| `{rule.id}` | {_hurts(rule)} | {rule.bump} | {_cell(rule.explanation)} |\n" for rule in CHANGES.values()
    )
    return "\n".join((*parts, _CHANGES_HEAD + rows + _CHANGES_FOOT))


def _hurts(rule: ChangeRule) -> str:
    return "" if rule.hurts is Hurts.NOBODY else rule.hurts.value


def _sections(above: str, record: type[Record]) -> Iterator[str]:
    """A table of the record's fields, then the sections of the records in it."""
    known = specs(record)
    names = KEY_ORDER if record is ServiceContract else tuple(known)
    title = f"`{above}`" if above else "Top level"
    about = (record.__doc__ or "").partition("\n")[0].replace("``", "`") if above else ""
    yield f"## {title}\n\n{about}\n\n{_table(above, {name: known[name] for name in names})}"
    for name in names:
        kind = known[name].kind
        path = f"{above}.{name}" if above else name
        if isinstance(kind, Part):
            yield from _sections(path, kind.record)
        elif isinstance(kind, PartMap):
            yield from _sections(f"{path}.<name>", kind.record)


def _table(above: str, fields: Mapping[str, FieldSpec]) -> str:
    rows = ["| field | meaning | expected | default | enforced by | when broken |", "|---|---|---|---|---|---|"]
    for name, spec in fields.items():
        kind = spec.file_kind
        expects = (
            f"a mapping, see [below](#{_anchor(above, name, kind)})"
            if isinstance(kind, Part | PartMap)
            else kind.expects
        )
        cells = (f"`{name}`", spec.doc, expects, _default(spec), spec.enforced_by, spec.broken)
        rows.append("| " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(rows) + "\n"


def _anchor(above: str, name: str, kind: Any) -> str:
    path = f"{above}.{name}" + (".<name>" if isinstance(kind, PartMap) else "")
    return "".join(character for character in path if character.isalnum() or character in "_-").lower()


def _default(spec: FieldSpec) -> str:
    if spec.default is None:
        return "required"
    if isinstance(spec.file_kind, Timestamp):
        return "the time of loading"
    if isinstance(spec.kind, Part) and not spec.kind.nullable:
        return ""
    value = thaw(spec.default())
    if value in ("", [], {}):
        return "empty"
    if isinstance(value, int | float) and not isinstance(value, bool) and isinstance(spec.kind, Number):
        return f"`{value}`"
    return f"`{dump_yaml({'x': value}).strip().removeprefix('x: ')}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main({CONTRACT_PAGE: contract_page, RULES_PAGE: rules_page}, "infrafabric.contract.reference"))
