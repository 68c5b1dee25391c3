"""The keywords of JSON Schema that a task's parameters may be described with, and what each takes.

Only what is enforced is here. ``format`` is a comment to JSON Schema 2020-12, so it would promise what nobody checks;
``$id``, ``$anchor`` and ``$dynamicRef`` move references about; ``unevaluated*`` makes the cost of a check hard to
bound. A table instead of the meta-schema, because the meta-schema lets any misspelled keyword pass.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import attrs

#: What holds further schemas: one, a list of them, a mapping to them, or none.
Holds = Literal["one", "list", "map", "none"]


@attrs.frozen(kw_only=True)
class Keyword:
    """One keyword: a line about it, the JSON Schema of its value, and the schemas inside that value.

    ``in_place``: those schemas judge the same value as the one that has the keyword.
    """

    doc: str
    value: dict[str, Any]
    holds: Holds = "none"
    in_place: bool = False


_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_SCHEMA: Final[dict[str, Any]] = {"$ref": "#/$defs/params"}
_COUNT: Final[dict[str, Any]] = {"type": "integer", "minimum": 0}
_NUMBER: Final[dict[str, Any]] = {"type": "number"}
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_NAMES: Final[dict[str, Any]] = {"type": "array", "items": _TEXT, "uniqueItems": True}
_SCHEMAS: Final[dict[str, Any]] = {"type": "array", "items": _SCHEMA, "minItems": 1}
_SCHEMA_MAP: Final[dict[str, Any]] = {"type": "object", "additionalProperties": _SCHEMA}
_TYPE: Final[dict[str, Any]] = {
    "anyOf": [
        {"enum": list(_TYPES)},
        {"type": "array", "items": {"enum": list(_TYPES)}, "minItems": 1, "uniqueItems": True},
    ]
}


def _value(doc: str, value: dict[str, Any]) -> Keyword:
    return Keyword(doc=doc, value=value)


def _inside(doc: str, value: dict[str, Any], holds: Holds) -> Keyword:
    return Keyword(doc=doc, value=value, holds=holds)


def _in_place(doc: str, value: dict[str, Any], holds: Holds) -> Keyword:
    return Keyword(doc=doc, value=value, holds=holds, in_place=True)


#: The dialect that every schema is in; ``$schema`` may say so, and nothing else.
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

KEYWORDS: Final[dict[str, Keyword]] = {
    "type": _value("The type, or a list of types, of the value.", _TYPE),
    "enum": _value("The values that are allowed.", {"type": "array", "minItems": 1}),
    "const": _value("The only value that is allowed.", {}),
    "properties": _inside("The schema of each property, by its name.", _SCHEMA_MAP, "map"),
    "required": _value("The properties that have to be there.", _NAMES),
    "additionalProperties": _inside("The schema of all other properties; false: there are none.", _SCHEMA, "one"),
    "patternProperties": _inside("The schema of properties whose names match a pattern.", _SCHEMA_MAP, "map"),
    "propertyNames": _inside("The schema of the properties' names.", _SCHEMA, "one"),
    "minProperties": _value("The least number of properties.", _COUNT),
    "maxProperties": _value("The greatest number of properties.", _COUNT),
    "dependentRequired": _value(
        "Properties that have to be there when another is.", {"type": "object", "additionalProperties": _NAMES}
    ),
    "dependentSchemas": _in_place("The schema that holds when a property is there.", _SCHEMA_MAP, "map"),
    "items": _inside("The schema of the entries of a list, those of prefixItems aside.", _SCHEMA, "one"),
    "prefixItems": _inside("The schemas of the first entries of a list, in order.", _SCHEMAS, "list"),
    "contains": _inside("A schema that some entries of a list have to meet.", _SCHEMA, "one"),
    "minContains": _value("The least number of entries that meet contains.", _COUNT),
    "maxContains": _value("The greatest number of entries that meet contains.", _COUNT),
    "minItems": _value("The least length of a list.", _COUNT),
    "maxItems": _value("The greatest length of a list.", _COUNT),
    "uniqueItems": _value("True: no entry of a list equals another.", {"type": "boolean"}),
    "minLength": _value("The least number of characters of a text.", _COUNT),
    "maxLength": _value("The greatest number of characters of a text.", _COUNT),
    "pattern": _value(
        "A regular expression that a text matches somewhere; ^ and $ anchor it. Matched in linear time, so without "
        "look-around and backreferences.",
        _TEXT,
    ),
    "minimum": _value("The least number.", _NUMBER),
    "maximum": _value("The greatest number.", _NUMBER),
    "exclusiveMinimum": _value("The number is above this.", _NUMBER),
    "exclusiveMaximum": _value("The number is below this.", _NUMBER),
    "multipleOf": _value("The number is a multiple of this.", {"type": "number", "exclusiveMinimum": 0}),
    "allOf": _in_place("Schemas that all hold.", _SCHEMAS, "list"),
    "anyOf": _in_place("Schemas of which at least one holds.", _SCHEMAS, "list"),
    "oneOf": _in_place("Schemas of which exactly one holds.", _SCHEMAS, "list"),
    "not": _in_place("A schema that does not hold.", _SCHEMA, "one"),
    "if": _in_place("Chooses between then and else.", _SCHEMA, "one"),
    "then": _in_place("Holds where if does.", _SCHEMA, "one"),
    "else": _in_place("Holds where if does not.", _SCHEMA, "one"),
    "$ref": _value(
        "The schema of that name under $defs.", {"type": "string", "pattern": "^#/[$]defs/[A-Za-z0-9._-]+$"}
    ),
    "$defs": _inside("Schemas for $ref, by name; only at the top.", _SCHEMA_MAP, "map"),
    "$schema": _value("The dialect of the schema.", {"const": DIALECT}),
    "$comment": _value("A remark for maintainers.", _TEXT),
    "title": _value("A short name for people.", _TEXT),
    "description": _value("An explanation for people.", _TEXT),
    "default": _value("What the task assumes when the value is missing. For people: nothing fills it in.", {}),
    "examples": _value("Values worth showing.", {"type": "array"}),
    "deprecated": _value("True: still allowed, better avoided. For people.", {"type": "boolean"}),
}

#: Keywords that only people read: changing them changes no promise.
ANNOTATIONS: Final = frozenset({"$schema", "$comment", "title", "description", "default", "examples", "deprecated"})

#: Why keywords of JSON Schema that look usable are not.
UNENFORCED: Final = {
    **dict.fromkeys(
        ("format", "contentEncoding", "contentMediaType", "contentSchema"), "JSON Schema does not enforce it"
    ),
    **dict.fromkeys(("$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$vocabulary"), "schemas stand alone here"),
    **dict.fromkeys(("readOnly", "writeOnly"), "parameters only go in"),
    "unevaluatedProperties": "write additionalProperties",
    "unevaluatedItems": "write items",
    "definitions": "write $defs",
    "dependencies": "write dependentRequired or dependentSchemas",
    "additionalItems": "write items, and prefixItems for the first ones",
}
