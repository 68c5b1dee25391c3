"""``schemas/service-contract.schema.json``: what contracts look like, for editors, made from the declarations.

``python -m infrafabric.contract.schema`` writes it. It says of a contract's form what JSON Schema 2020-12 can say;
a few rules (the length of a period, sizes of free data) are left to ``infrafabric contract lint``.
"""

from __future__ import annotations

import re
import sys
from functools import singledispatch
from typing import Any, Final

from infrafabric.contract.data import Data
from infrafabric.contract.fields import FieldSpec, specs
from infrafabric.contract.frozen import thaw
from infrafabric.contract.generated import main
from infrafabric.contract.kinds import Choice, Flag, Number, OptionalText, Text, TextList
from infrafabric.contract.params import SchemaOfParams
from infrafabric.contract.record import Part, PartMap, Record
from infrafabric.contract.schema_keywords import DIALECT, KEYWORDS
from infrafabric.contract.service_contract import ServiceContract
from infrafabric.contract.tasks import TaskContract
from infrafabric.contract.times import Timestamp
from infrafabric.contract.writing import KEY_ORDER, dump_json

Schema = dict[str, Any]

#: Where the schema lies in the source tree.
SCHEMA_FILE: Final = "schemas/service-contract.schema.json"

_NULL: Final[Schema] = {"type": "null"}


def contract_schema() -> Schema:
    """The JSON Schema (2020-12) of a contract's file."""
    defs: dict[str, Schema] = {"params": _params()}
    known = specs(ServiceContract)
    properties = {name: _property(known[name], defs) for name in KEY_ORDER}
    properties["tasks"] |= _TASK_RULES
    return {
        "$schema": DIALECT,
        "title": "Service contract of an infrafabric swarm",
        "description": "What a swarm may do, how much it may use and how well it must serve.",
        "type": "object",
        "properties": {
            "$schema": {"type": "string", "description": "JSON files only: where an editor finds this schema."},
            **properties,
        },
        "required": [name for name in KEY_ORDER if known[name].default is None],
        "unevaluatedProperties": False,
        "allOf": [_KEPT_INSTANCE],
        "$defs": dict(sorted(defs.items())),
    }


def schema_text() -> str:
    """The schema as the text of its file."""
    return dump_json(contract_schema())


#: What `ServiceContract.cross_check` says of kept instances.
_KEPT_INSTANCE: Final[Schema] = {
    "if": {
        "properties": {"execution": {"properties": {"instance": {"const": "swarm"}}, "required": ["instance"]}},
        "required": ["execution"],
    },
    "then": {"properties": {"resource_limits": {"properties": {"max_concurrent_tasks": {"const": 1}}}}},
}
#: What `check_names` says of tasks: runtime exports are none, and only ``_start`` is a command.
_TASK_RULES: Final[Schema] = {
    "propertyNames": {"minLength": 1, "maxLength": 255, "pattern": "^(?!initialize$)(?:_start$|[^_])"},
    # In a schema of its own: beside additionalProperties it would exempt what it matches from it.
    "allOf": [{"patternProperties": {"^(?!_start$)": {"properties": {"abi": {"not": {"const": "command"}}}}}}],
}
#: What `TaskContract.cross_check` says of scalar answers.
_SCALAR_RETURNS: Final[Schema] = {
    "if": {"properties": {"abi": {"const": "scalar"}}, "required": ["abi"]},
    "then": {"properties": {"returns": {"enum": ["auto", "number"]}}},
}


def _property(spec: FieldSpec, defs: dict[str, Schema]) -> Schema:
    schema = dict(_schema_of(spec.file_kind, spec.name, defs))
    doc = spec.doc
    if isinstance(spec.file_kind, Number):
        doc = f"{doc} Expected: {spec.file_kind.expects}."
    schema["description"] = doc
    default = None if spec.default is None else thaw(spec.default())
    # The time of loading is no default that an editor could fill in, and those of a part stand with its keys.
    if spec.default is not None and not isinstance(spec.file_kind, Timestamp | Part):
        schema["default"] = default
    schema["examples"] = list(spec.examples) or [default]
    return schema


def _defined(record: type[Record], defs: dict[str, Schema]) -> Schema:
    """A reference to the schema of a record, which stands in ``defs`` under the name of its class."""
    name = re.sub("(?<!^)(?=[A-Z])", "_", record.__name__).lower()
    defs[name] = {**_record(record, defs), **(_SCALAR_RETURNS if record is TaskContract else {})}
    return {"$ref": f"#/$defs/{name}"}


def _record(record: type[Record], defs: dict[str, Schema]) -> Schema:
    known = specs(record)
    doc = (record.__doc__ or "").partition("\n")[0]
    schema: Schema = {
        "type": "object",
        "description": doc,
        "properties": {name: _property(spec, defs) for name, spec in known.items()},
        "unevaluatedProperties": False,
    }
    required = [name for name, spec in known.items() if spec.default is None]
    return schema | ({"required": required} if required else {})


def _params() -> Schema:
    """The schema of the schemas that parameters may have."""
    return {
        "description": "A JSON Schema (2020-12) made of the keywords that are enforced.",
        "type": ["object", "boolean"],
        "properties": {name: {**keyword.value, "description": keyword.doc} for name, keyword in KEYWORDS.items()},
        "unevaluatedProperties": False,
    }


@singledispatch
def _schema_of(kind: Any, name: str, defs: dict[str, Schema]) -> Schema:
    """The schema of a kind. ``name`` is the field's; ``defs`` takes the schemas that are referred to."""
    message = f"no schema for the kind {kind!r} of {name}"
    raise NotImplementedError(message)


@_schema_of.register
def _(kind: Number, _name: str, _defs: dict[str, Schema]) -> Schema:
    what = "integer" if kind.whole else "number"
    return {
        "type": [what, "null"] if kind.nullable else what,
        "exclusiveMinimum" if kind.above else "minimum": kind.minimum,
        "exclusiveMaximum" if kind.below else "maximum": kind.maximum,
    }


@_schema_of.register
def _(kind: Text, _name: str, _defs: dict[str, Schema]) -> Schema:
    pattern = {"pattern": f"^(?:{kind.pattern})$"} if kind.pattern != ".*" else {}
    return {"type": "string", "maxLength": kind.max_characters, **pattern}


@_schema_of.register
def _(kind: OptionalText, name: str, defs: dict[str, Schema]) -> Schema:
    return {**_schema_of(kind.text, name, defs), "type": ["string", "null"]}


@_schema_of.register
def _(kind: Choice, _name: str, _defs: dict[str, Schema]) -> Schema:
    return {"enum": [*kind.options, *([None] if kind.nullable else [])]}


@_schema_of.register
def _(_kind: Flag, _name: str, _defs: dict[str, Schema]) -> Schema:
    return {"type": "boolean"}


@_schema_of.register
def _(_kind: Timestamp, _name: str, _defs: dict[str, Schema]) -> Schema:
    pattern = r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,18})?([Zz]|[+-]\d\d:\d\d)$"
    return {"type": "string", "format": "date-time", "pattern": pattern}


@_schema_of.register
def _(kind: TextList, name: str, defs: dict[str, Schema]) -> Schema:
    items = {**_schema_of(kind.item, name, defs), "examples": [kind.item.example]}
    return {"type": "array", "items": items, "uniqueItems": True, "maxItems": kind.max_items}


@_schema_of.register
def _(_kind: Data, _name: str, _defs: dict[str, Schema]) -> Schema:
    return {"type": "object"}


@_schema_of.register
def _(kind: Part, _name: str, defs: dict[str, Schema]) -> Schema:
    reference = _defined(kind.record, defs)
    return {"anyOf": [reference, _NULL]} if kind.nullable else reference


@_schema_of.register
def _(kind: PartMap, _name: str, defs: dict[str, Schema]) -> Schema:
    return {"type": "object", "additionalProperties": _defined(kind.record, defs), "maxProperties": kind.max_items}


@_schema_of.register
def _(_kind: SchemaOfParams, _name: str, _defs: dict[str, Schema]) -> Schema:
    # A schema of parameters is a mapping at its top; true and false are schemas inside of it only.
    return {"anyOf": [{"$ref": "#/$defs/params", "type": "object"}, _NULL]}


if __name__ == "__main__":
    sys.exit(main({SCHEMA_FILE: schema_text}, "infrafabric.contract.schema"))
