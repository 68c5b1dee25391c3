"""The rules about how a contract's file is written: ``IF0xx``. They hold before anything in it means something."""

from __future__ import annotations

from typing import Final

from infrafabric.contract.rules import Rule

UNREADABLE: Final = Rule(
    "IF001",
    "file that cannot be read",
    explanation="The file is missing, may not be opened, or is no regular file.",
)
NOT_TEXT: Final = Rule(
    "IF002",
    "not plain UTF-8 text",
    explanation="Contracts are UTF-8 text without control characters. Files in other encodings, binary files and "
    "hidden characters would be read differently by different tools.",
)
FILE_TOO_LARGE: Final = Rule(
    "IF003",
    "file too large",
    explanation="A contract's file is at most 1 MiB, so that reading an untrusted one costs little.",
)
UNKNOWN_FORMAT: Final = Rule(
    "IF004",
    "unknown file format",
    explanation="The name of a contract's file ends in .yaml, .yml, .toml or .json, which decides how it is read.",
)
SYNTAX: Final = Rule(
    "IF010",
    "not valid YAML, TOML or JSON",
    explanation="The text breaks the grammar of its format. Nothing after this place was looked at.",
)
DUPLICATE_KEY: Final = Rule(
    "IF011",
    "key written twice",
    explanation="One mapping has the same key more than once. Many readers silently keep the last; here both are "
    "shown, because only one of them can be what the author meant.",
    at_key=True,
)
TAG: Final = Rule(
    "IF012",
    "YAML tag",
    explanation="Tags such as !!python/object or !!binary choose how a value is built. Contracts are plain data: text, "
    "numbers, true, false, null, lists and mappings.",
)
ALIAS: Final = Rule(
    "IF013",
    "alias without an anchor, or too many",
    explanation="A few anchors (&name) and aliases (*name) spare repetition. Many of them, and an alias inside its own "
    "anchor, are how a small file turns into an enormous value.",
)
TOO_DEEP: Final = Rule(
    "IF014",
    "nested too deep",
    explanation="Mappings and lists stand in each other more than 64 levels deep, or a dotted key has more parts.",
)
MERGE_KEY: Final = Rule(
    "IF015",
    "merge key",
    explanation="'<<' merges mappings in YAML 1.1 only. In YAML 1.2 it is an ordinary key, so a reader would not find "
    "what was merged.",
    at_key=True,
)
SEVERAL_DOCUMENTS: Final = Rule(
    "IF016",
    "more than one document",
    explanation="A YAML file may hold several documents, separated by ---. A contract is one.",
)
YAML_VERSION: Final = Rule(
    "IF017",
    "YAML of another version",
    explanation="A %YAML directive asks for a version other than 1.2, in which no, on and 010 mean something else.",
)
TOO_MANY_VALUES: Final = Rule(
    "IF018",
    "too many values",
    explanation="The file holds more than 50,000 values. No contract needs so many, and reading them takes seconds.",
)
KEY_NOT_TEXT: Final = Rule(
    "IF019",
    "key that is no text",
    explanation="The key of a mapping is a list, a mapping or an alias of one. Contracts have text as keys.",
    at_key=True,
)
