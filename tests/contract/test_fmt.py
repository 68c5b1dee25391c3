"""One layout: keys in order, comments with what they are about, and nothing that means anything else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infrafabric.contract import ServiceContract
from infrafabric.contract.document import Format, Source
from infrafabric.contract.files import read_document
from infrafabric.contract.fmt import format_text, is_formatted
from infrafabric.contract.fmt_yaml import arrange_yaml
from infrafabric.contract.writing import KEY_ORDER, contract_data, dump_json, dump_yaml
from infrafabric.contract.yaml_tree import comments_of, read_tree
from infrafabric.errors import ContractSyntaxError, ContractValidationError
from tests.contract.strategies import contracts

if TYPE_CHECKING:
    import random

YAML = """\
# yaml-language-server: $schema=service-contract.schema.json
# Written by hand.

# which one
version:   "1.0"     # text
swarm_id: s


resource_limits:   # what it may use
    # fuel
    max_fuel: 5

    max_memory_mb:  64   # MiB
    # that is all

# what it does
tasks:
     run: {returns: json, abi: buffer}
     go:
       # checked
       params:
          type: object
          # in this order
          properties: {b: {}, a: {}}
       abi: scalar
permissions: {wasi: none, log: true}
capabilities:
- docs:b   # one
# two
- docs:a
description: |
    Text

      further in
    end

metadata:
   z: 1
   a: "folded
     text"
# the end
"""

YAML_FORMATTED = """\
# yaml-language-server: $schema=service-contract.schema.json
# Written by hand.

swarm_id: s
# which one
version: "1.0"     # text
description: |
    Text

      further in
    end
capabilities:
  - docs:b   # one
  # two
  - docs:a

# what it does
tasks:
  run: {abi: buffer, returns: json}
  go:
    abi: scalar
    # checked
    params:
      type: object
      # in this order
      properties: {b: {}, a: {}}

resource_limits:   # what it may use
  max_memory_mb: 64   # MiB
  # fuel
  max_fuel: 5
  # that is all
permissions: {log: true, wasi: none}

metadata:
  z: 1
  a: "folded
    text"
# the end
"""

TOML = '''\
# Written by hand.

# which one
swarm_id   =   "s"  # a name
version= "1.0"
description = """
 Text
   further in
"""
capabilities = [
  "docs:b",  # one
  # two
  "docs:a" ]

  [slos]
  # a week
  period="7d"
[tasks.run.params]
type="object"
# the task
[tasks.run]
abi = "buffer"
[metadata]
z=1
[[metadata.y]]
a=1
[metadata.y.q]
a=2
[[metadata.y]]
a=3
[resource_limits]
max_fuel = 1
max_memory_mb = 2
# the end
'''

TOML_FORMATTED = '''\
# Written by hand.

# which one
swarm_id = "s"  # a name
version = "1.0"
description = """
 Text
   further in
"""
capabilities = [
  "docs:b",  # one
  # two
  "docs:a" ]

# the task
[tasks.run]
abi = "buffer"

[tasks.run.params]
type = "object"

[resource_limits]
max_memory_mb = 2
max_fuel = 1

[slos]
# a week
period = "7d"

[metadata]
z = 1

[[metadata.y]]
a = 1

[metadata.y.q]
a = 2

[[metadata.y]]
a = 3
# the end
'''


@pytest.mark.parametrize(
    ("form", "text", "formatted"),
    [("yaml", YAML, YAML_FORMATTED), ("toml", TOML, TOML_FORMATTED)],
    ids=["yaml", "toml"],
)
def test_the_layout(form: Format, text: str, formatted: str) -> None:
    """Keys stand in order two spaces in; comments stay above, beside and at the end of what they are about."""
    assert format_text(text, form) == formatted
    assert format_text(formatted, form) == formatted
    assert is_formatted(formatted, form)
    assert not is_formatted(text, form)
    assert ServiceContract.from_text(formatted, form).digest == ServiceContract.from_text(text, form).digest


def test_json_has_one_layout() -> None:
    """JSON is spread over lines two spaces in, its keys in order, the editor's line first."""
    slos = '"slos":{"period":"7d","target_latency_ms":5.0}'
    text = f'{{{slos},"swarm_id":"s","x":[1],"$schema":"a.json","metadata":{{"b":1,"a":2}}}}'
    formatted = format_text(text, "json")
    assert re.findall(r'^  "([^"]*)"', formatted, re.MULTILINE) == ["$schema", "swarm_id", "slos", "metadata", "x"]
    assert '"target_latency_ms": 5.0,\n    "period"' in formatted
    assert '"b": 1,\n    "a": 2' in formatted
    assert format_text(formatted, "json") == formatted


#: Texts that are in the layout already, each with something that an eager tool would spoil.
KEPT: list[tuple[str, Format, str]] = [
    ("empty", "yaml", "# nothing yet\n"),
    ("one-key", "yaml", "swarm_id: s\n"),
    ("flow-root", "yaml", "{version: '1.0', swarm_id: s}\n"),
    ("start-mark", "yaml", "# top\n---\nswarm_id: s\n...\n"),
    ("unknown-keys-last", "yaml", "swarm_id: s\nzzz: 1\naaa: 2\n"),
    ("task-order", "yaml", "tasks:\n  b: {}\n  a: {}\n"),
    ("no-final-keep", "yaml", "swarm_id: s\ndescription: |+\n  text\n\n\n"),
    ("hash-in-text", "yaml", 'swarm_id: s\ndescription: "a # b" # c\n'),
    ("multi-line-flow", "yaml", "swarm_id: s\nslos: {\n  period: 7d, # a week\n  target_latency_ms: 5\n}\n"),
    ("aligned-comments", "yaml", "slos:\n  target_latency_ms: 5    # a\n  period: 7d              # b\n"),
    ("trailing-blanks-in-block", "yaml", "swarm_id: s\ndescription: |\n  text  \n  more\n"),
    ("line-of-blanks-in-block", "yaml", "swarm_id: s\ndescription: |-\n  a\n   \nslos: {period: 7d}\n"),
    ("escaped-line-break", "yaml", 'swarm_id: s\ndescription: "a\\\n  b \\\n  c"\n'),
    ("question-mark-key", "yaml", "? swarm_id\n: s\n? version\n: '1.0'\n"),
    ("null-value", "yaml", "swarm_id: s\nslos:\n"),
    ("toml-empty", "toml", "# nothing yet\n"),
    ("toml-tail", "toml", 'swarm_id = "s"\n\n# the end\n'),
    ("toml-dotted", "toml", 'swarm_id = "s"\nslos.period = "7d"\n'),
    ("toml-text-with-statement", "toml", 'swarm_id = "s"\ndescription = """\n[slos]\nversion=1  \n"""\n'),
]


@pytest.mark.parametrize(("form", "text"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT])
def test_what_is_in_the_layout_is_not_touched(form: Format, text: str) -> None:
    """Quotes, folds, alignment, order of names and everything inside values stay as the author wrote them."""
    assert format_text(text, form) == text


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        ("swarm_id: s   \r\nversion: '1.0'\r\n", "swarm_id: s\nversion: '1.0'\n"),
        ("\ufeffswarm_id: s", "swarm_id: s\n"),
        ("\n\n\nswarm_id: s\n\n\n", "swarm_id: s\n"),
        ("  version: '1.0'\n  swarm_id: s\n", "swarm_id: s\nversion: '1.0'\n"),
        ("version: '1.0'\nswarm_id: s", "swarm_id: s\nversion: '1.0'\n"),
        ("slos : {period : 7d,target_latency_ms: 5}\n", "slos: {target_latency_ms: 5, period: 7d}\n"),
        ("slos:\n  period: 7d\n    # deep\n# at the end\n", "slos:\n  period: 7d\n    # deep\n# at the end\n"),
        ("x:\n      - a\n # one\n   # two\ny: 1\n", "x:\n  - a\n  # one\n  # two\ny: 1\n"),
    ],
)
def test_small_things(text: str, formatted: str) -> None:
    """Line endings, blank lines at the ends, indentation of the whole, blanks around colons."""
    assert format_text(text) == formatted


def test_an_anchor_stays_before_its_aliases() -> None:
    """With aliases nothing changes places, because an alias needs its anchor above it."""
    text = "metadata:\n    a: &x 1\nswarm_id: s\nslos: {target_latency_ms: *x}\n"
    assert format_text(text) == "metadata:\n  a: &x 1\nswarm_id: s\nslos: {target_latency_ms: *x}\n"


def test_a_kept_line_break_is_never_added_to_a_text() -> None:
    """A blank line that would become part of a text is a reason to leave the order alone."""
    text = "description: |+\n  text\n\nversion: '1.0'\n\nswarm_id: s\n"
    formatted = format_text(text)
    assert read_document(Source("", formatted), "yaml").data == read_document(Source("", text), "yaml").data
    assert format_text(formatted) == formatted


@pytest.mark.parametrize(
    ("text", "error"),
    [("a: [", ContractSyntaxError), ("a: 1\na: 2", ContractValidationError), ("a: \0", ContractSyntaxError)],
)
def test_what_cannot_be_read_is_not_formatted(text: str, error: type[Exception]) -> None:
    """A text with doubled keys or bad grammar is refused with its place."""
    with pytest.raises(error) as caught:
        format_text(text, name="x.yaml")
    assert "x.yaml:" in caught.value.__notes__[0]


#: Keys whose values are records, or names of records.
PARTS = frozenset({"resource_limits", "slos", "permissions", "execution", "enforcement", "module", "tasks"})


class Writer:
    """Writes contracts as YAML the way many hands would, with comments about one key each.

    ``about`` holds of each comment how the key is written that it is about.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.about: list[str] = []

    def mapping(self, data: dict[str, Any], indent: int, *, are_names: bool = False, depth: int = 3) -> list[str]:
        """The lines of a record, or of records by name."""
        lines: list[str] = []
        items = list(data.items())
        self._chance.shuffle(items)
        step = self._chance.randint(1, 5)
        for key, value in items:
            is_part = are_names or (depth == 3 and key in PARTS)
            written, _, rest = dump_yaml({key: value}).rstrip("\n").partition(":")
            lines += [""] * self._chance.choice([0, 0, 0, 1, 2])
            if self._chance.random() < 0.3:
                lines.append(" " * indent + self._comment("above", written))
            beside = ""
            if self._chance.random() < 0.3 and not re.search(r"[|>\"']", rest.partition("\n")[0]):
                beside = " " * self._chance.randint(1, 3) + self._comment("beside", written)
            if is_part and value and self._chance.random() < 0.8:
                lines.append(f"{' ' * indent}{written}:{beside}")
                lines += self.mapping(value, indent + step, are_names=key == "tasks" and depth == 3, depth=depth - 1)
            else:
                lines += self._value(written, rest.split("\n"), indent, beside, step)
        return lines

    def _value(self, key: str, rest: list[str], indent: int, beside: str, step: int) -> list[str]:
        gap = " " * self._chance.randint(0, 2) if rest[0] else ""
        return [f"{' ' * indent}{key}:{gap}{rest[0]}{beside}", *(" " * (indent + step - 1) + line for line in rest[1:])]

    def _comment(self, where: str, key: str) -> str:
        self.about.append(key)
        return f"# {where} {len(self.about) - 1}"


@given(contracts, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_formatting_keeps_meaning_and_comments(fields: dict[str, Any], chance: random.Random) -> None:
    """However a contract was written, formatting is idempotent, orders its keys, and leaves each comment in place."""
    data = contract_data(ServiceContract(**fields), defaults=False)
    writer = Writer(chance)
    text = "\n".join(writer.mapping(data, chance.choice([0, 0, 2]))) + "\n"
    assert read_document(Source("", text), "yaml").data == data
    formatted = format_text(text)
    after = read_document(Source("", formatted), "yaml")
    assert after.data == data
    assert format_text(formatted) == formatted
    root = read_tree(text)
    assert root is not None
    assert sorted(comments_of(text, root)) == sorted(comments_of(formatted, read_tree(formatted)))
    if "|+" not in text:  # with one, the order may have to stay
        assert formatted == arrange_yaml(text, root, reorder=True)
        assert list(after.data) == [key for key in KEY_ORDER if key in data]
    lines = formatted.split("\n")
    for number, line in enumerate(lines):
        for where, comment in re.findall(r"# (above|beside) ([0-9]+)$", line):
            about = line if where == "beside" else next(item for item in lines[number + 1 :] if "# above" not in item)
            assert about.lstrip().startswith(writer.about[int(comment)])


@given(contracts)
@settings(max_examples=50, deadline=None)
def test_what_the_library_writes_is_formatted(fields: dict[str, Any]) -> None:
    """YAML and JSON as contracts are written are in the layout already."""
    contract = ServiceContract(**fields)
    assert is_formatted(contract.to_yaml())
    assert is_formatted(contract.to_json(), "json")
    assert dump_json({}) == "{}\n"


TOML_KEYS = ["swarm_id", "version", "description", "resource_limits.max_fuel", "slos.period"]


@given(st.permutations(TOML_KEYS), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_toml_keeps_comments_with_their_statements(order: list[str], chance: random.Random) -> None:
    """Statements of TOML come in order, with the comments above and beside them."""
    lines: list[str] = []
    for key in order:
        lines += [""] * chance.randint(0, 2) if lines else []
        lines += [f"# above {key}", f'{key}{" " * chance.randint(0, 2)}="7d" # beside {key}']
    formatted = format_text("\n".join(lines), "toml")
    assert re.findall(r"^# above (\S+)$", formatted, re.MULTILINE) == TOML_KEYS
    for key in order:
        assert f'# above {key}\n{key} = "7d" # beside {key}\n' in formatted
    assert format_text(formatted, "toml") == formatted
