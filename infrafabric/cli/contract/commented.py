"""YAML with comments, as `init` and `suggest` write it: a reason above each line.

The lines are put together here, not dumped by the YAML library, whose comments are fixed to the lines around them;
what is written is read back in the tests of both commands.
"""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Any

from infrafabric.contract.fields import FieldSpec, specs
from infrafabric.contract.frozen import thaw
from infrafabric.contract.kinds import Choice, Number
from infrafabric.contract.record import Part
from infrafabric.contract.service_contract import ServiceContract
from infrafabric.contract.writing import KEY_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WIDTH = 100
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = re.compile(r"[A-Za-z]+(?: [A-Za-z]+)+")
#: Words that some reader of YAML takes for something else than text.
_NOT_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"})

#: What a start spells out, with the values to begin with where they are not the defaults.
_ACTIVE = frozenset(
    {
        "swarm_id",
        "version",
        "description",
        "capabilities",
        "resource_limits",
        "resource_limits.max_memory_mb",
        "resource_limits.max_cpu_percent",
        "resource_limits.max_api_calls_per_second",
        "resource_limits.max_execution_time_seconds",
        "slos",
        "slos.target_latency_ms",
        "slos.target_throughput_rps",
        "slos.target_availability_percent",
        "permissions",
        "permissions.log",
        "permissions.wasi",
    }
)

_HEAD = """\
# What this swarm may do, how much it may use and how well it must serve.
#
# Lines that are commented out show defaults, or examples. infrafabric contract lint checks this file,
# infrafabric contract show says what holds, infrafabric contract schema makes editors complete it.
"""


def commented_start(swarm_id: str) -> str:
    """A valid contract with every field in it, those that people seldom change in comments."""
    known = specs(ServiceContract)
    begin = {"swarm_id": swarm_id, "version": "0.1.0", "description": "Say what the swarm does"}
    lines = [_HEAD]
    for name in KEY_ORDER:
        spec = known[name]
        if name in begin:
            lines += [*comment(spec.doc), f"{name}: {flow(begin[name])}", ""]
        elif isinstance(spec.kind, Part) and name in _ACTIVE:
            lines += [*comment(spec.doc), f"{name}:", *_part(name, spec.kind), ""]
        elif name in _ACTIVE:
            lines += [*comment(f"{spec.doc} For example: {_shown(spec)}"), f"{name}: {_default(spec)}", ""]
        else:
            lines += [*comment(spec.doc), *_inactive(spec), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _part(name: str, kind: Part) -> Iterator[str]:
    for key, spec in specs(kind.record).items():
        yield from comment(f"{spec.doc} {_range(spec)}".strip(), indent=2)
        active = f"{name}.{key}" in _ACTIVE
        yield f"  {'' if active else '# '}{key}: {_default(spec)}"


def _inactive(spec: FieldSpec) -> Iterator[str]:
    """A field in comments, with its default or an example."""
    if not isinstance(spec.kind, Part) or spec.kind.nullable:
        yield f"# {spec.name}: {_shown(spec)}"
        return
    yield f"# {spec.name}:"
    for key, inner in specs(spec.kind.record).items():
        for line in comment(f"{inner.doc} {_range(inner)}".strip()):
            yield f"#   {line}"
        yield f"#   {key}: {_default(inner)}"


def _range(spec: FieldSpec) -> str:
    if isinstance(spec.kind, Number):
        return f"{spec.kind.expects[:1].upper()}{spec.kind.expects[1:]}."
    return f"One of {', '.join(map(str, spec.kind.options))}." if isinstance(spec.kind, Choice) else ""


def _default(spec: FieldSpec) -> str:
    return "" if spec.default is None else flow(thaw(spec.default()))


def _shown(spec: FieldSpec) -> str:
    return flow(spec.examples[0]) if spec.examples else _default(spec)


def comment(text: str, indent: int = 0) -> list[str]:
    """A text as the lines of a comment."""
    wrapped = textwrap.wrap(" ".join(text.split()), _WIDTH - indent, break_long_words=False, break_on_hyphens=False)
    return [f"{' ' * indent}# {line}" for line in wrapped]


def flow(value: Any) -> str:
    """A value on one line of YAML.

    >>> flow({"abi": "buffer", "list": [1, None, True, "1.0"]})
    '{abi: buffer, list: [1, null, true, "1.0"]}'
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value)


def _text(value: str) -> str:
    plain = (_PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT) or _WORDS.fullmatch(value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def lines_of(pairs: Iterable[tuple[str, Any, str]], indent: int = 0) -> list[str]:
    """Keys with their values, and above each why it is there."""
    blank = " " * indent
    found = []
    for key, value, why in pairs:
        found += [*comment(why, indent), f"{blank}{_text(key)}: {flow(value)}"]
    return found
