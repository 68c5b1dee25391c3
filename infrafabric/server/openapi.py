"""The server's OpenAPI 3.1 document: the same for every server, and one operation more for each task that is loaded.

OpenAPI 3.1 takes JSON Schema 2020-12 as it is, which contracts use for the parameters of tasks. Only references have
to change: in here they begin at the document.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from infrafabric.errors import escape
from infrafabric.server import openapi_parts as parts
from infrafabric.server.describing import task_names

if TYPE_CHECKING:
    from infrafabric.chassis import IFChassis
    from infrafabric.chassis.swarm import LoadedSwarm

_DEFS: Final = "#/$defs/"
#: Keywords whose values are data, not schemas.
_DATA: Final = frozenset({"const", "enum", "default", "examples"})
_INTEGERS: Final = {"i32": 32, "i64": 64}


def document(chassis: IFChassis | None = None, *, with_token: bool = False) -> dict[str, Any]:
    """The document: of a server in general, or with the tasks that are loaded into ``chassis``.

    ``with_token``: whether it asks for one.
    """
    schemas: dict[str, Any] = dict(parts.SCHEMAS)
    paths: dict[str, Any] = dict(parts.PATHS)
    for swarm in chassis.swarm_runtimes.values() if chassis is not None else ():
        for name in task_names(swarm):
            path = f"/v1/swarms/{quote(swarm.swarm_id, safe='')}/tasks/{quote(name, safe='')}"
            paths[path] = {"post": _operation(swarm, name, schemas)}
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "infrafabric",
            "version": _version(),
            "description": "Runs the tasks of WebAssembly swarms under their service contracts.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": parts.RESPONSES,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    if with_token or chassis is None:
        described["security"] = [{"token": []}]
    return described


def _operation(swarm: LoadedSwarm, name: str, schemas: dict[str, Any]) -> dict[str, Any]:
    terms = swarm.contract.tasks.get(name)
    params = terms.to_dict()["params"] if terms is not None else None
    operation: dict[str, Any] = {
        "operationId": f"{swarm.swarm_id}.{name}" if name.isprintable() else f"{swarm.swarm_id}.{escape(name)}",
        "tags": [swarm.swarm_id],
        "summary": f"Run {escape(name, 100)} of {escape(swarm.swarm_id)}",
        "parameters": parts.TASK_OPTIONS,
        "responses": parts.TASK_RESPONSES,
    }
    if swarm.contract.description:
        operation["description"] = swarm.contract.description
    signature = swarm.runtime.program.tasks[name].type
    if params is not None:
        schema = _hoisted(params, f"{quote(swarm.swarm_id, safe='')}.{quote(name, safe='')}", schemas)
        content = {"application/json": {"schema": schema}}
        operation["requestBody"] = {"required": _needs_body(params), "content": content}
    elif signature.params or terms is not None:
        required = bool(signature.params) and terms is None
        operation["requestBody"] = {"required": False, "content": parts.any_body()}
        if required and not swarm.runtime.program.info.memories:
            operation["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": _numbers(signature.params)}},
            }
    return operation


def _numbers(params: tuple[str, ...]) -> dict[str, Any]:
    """The schema of a list of numbers: what an export without a memory takes."""
    return {
        "type": "array",
        "prefixItems": [_number(kind) for kind in params],
        "minItems": len(params),
        "maxItems": len(params),
    }


def _number(kind: str) -> dict[str, Any]:
    bits = _INTEGERS.get(kind)
    if bits is None:
        return {"type": "number"}
    return {"type": "integer", "minimum": -(1 << (bits - 1)), "maximum": (1 << bits) - 1}


def _needs_body(schema: dict[str, Any]) -> bool:
    """Whether a schema surely refuses null, which is what no body means."""
    kinds = schema.get("type", ["null"])
    return "null" not in ([kinds] if isinstance(kinds, str) else kinds)


def _hoisted(schema: dict[str, Any], prefix: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """A schema whose definitions stand among the document's, where its references lead."""
    for name, definition in schema.get("$defs", {}).items():
        schemas[_component(prefix, name)] = _relinked(definition, prefix)
    hoisted: dict[str, Any] = _relinked({key: value for key, value in schema.items() if key != "$defs"}, prefix)
    return hoisted


def _component(prefix: str, name: str) -> str:
    """A name of the characters that components may have."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else f"_{ord(c):x}_" for c in f"{prefix}.{name}")


def _relinked(schema: Any, prefix: str) -> Any:
    if isinstance(schema, list):
        return [_relinked(item, prefix) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: f"#/components/schemas/{_component(prefix, value.removeprefix(_DEFS))}"
        if key == "$ref" and isinstance(value, str)
        else value
        if key in _DATA
        else _relinked(value, prefix)
        for key, value in schema.items()
        if key != "$schema"
    }


def _version() -> str:
    try:
        return version("infrafabric")
    except PackageNotFoundError:  # a source tree that nobody installed
        return "0+unknown"
