"""What every server's OpenAPI document consists of: addresses, answers, and the shapes of both."""

from __future__ import annotations

from typing import Any, Final

from infrafabric.errors import Blame, Outcome
from infrafabric.server.accepting import BYTES, JSON, TEXT, TIMEOUT_HEADER
from infrafabric.server.problems import GUARD_CODES, MEDIA_TYPE, STATUSES, TITLES

Plain = dict[str, Any]


def _object(required: Plain, optional: Plain | None = None, description: str = "") -> Plain:
    plain: Plain = {"type": "object", "properties": required | (optional or {}), "required": list(required)}
    return plain | ({"description": description} if description else {})


def _refer(kind: str, name: str) -> Plain:
    return {"$ref": f"#/components/{kind}/{name}"}


_TEXT: Final[Plain] = {"type": "string"}
_TEXTS: Final[Plain] = {"type": "array", "items": _TEXT}
_COUNT: Final[Plain] = {"type": "integer", "minimum": 0}
_SECONDS: Final[Plain] = {"type": "number", "minimum": 0}
_MAYBE_TEXT: Final[Plain] = {"type": ["string", "null"]}
_MAYBE_OBJECT: Final[Plain] = {"type": ["object", "null"]}
_ANYTHING: Final[Plain] = {"type": "object"}

_USAGE: Final[Plain] = _object(
    {
        "wall_seconds": _SECONDS,
        "cpu_seconds": _SECONDS,
        "queue_seconds": _SECONDS,
        "throttled_seconds": _SECONDS,
        "peak_memory_bytes": _COUNT,
        "fuel": {"type": ["integer", "null"]},
        "log_records": _COUNT,
        "log_bytes": _COUNT,
        "log_dropped": _COUNT,
        "host_calls": _COUNT,
    },
    description="What the task used.",
)
_LOG: Final[Plain] = {"type": "array", "items": _ANYTHING, "description": "The first 100 records of the guest."}

SCHEMAS: Final[Plain] = {
    "TaskResult": _object(
        {
            "status": {"const": Outcome.SUCCESS.code},
            "swarm_id": _TEXT,
            "task_name": _TEXT,
            "execution_time_seconds": _SECONDS,
            "output": {"description": 'What the guest answered; bytes as {"base64": "..."}.'},
            "usage": _refer("schemas", "Usage"),
            "logs": _LOG,
            "metadata": _ANYTHING,
            "error": {"type": "null"},
        },
        description="What came of a task that succeeded: the same fields as Python's TaskResult.",
    ),
    "Usage": _USAGE,
    "Problem": _object(
        {
            "type": _TEXT | {"format": "uri-reference", "description": "The code, as a URI reference."},
            "title": _TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": _TEXT | {"description": "What happened this time, and what to do next."},
        },
        {
            "code": _TEXT | {"enum": sorted({*TITLES, *GUARD_CODES})},
            "blame": _TEXT | {"enum": [blame.value for blame in Blame if blame is not Blame.NOBODY]},
            "swarm": _TEXT,
            "task": _TEXT,
            "retry_after_seconds": _SECONDS,
            "execution_time_seconds": _SECONDS,
            "usage": _refer("schemas", "Usage"),
            "logs": _LOG,
            "trap_code": _TEXT,
            "backtrace": _TEXT,
            "guest_code": {"type": "integer"},
        },
        "An error (RFC 9457).",
    ),
    "SwarmList": _object(
        {
            "swarms": {
                "type": "array",
                "items": _object(
                    {
                        "swarm_id": _TEXT,
                        "version": _TEXT,
                        "description": _TEXT,
                        "capabilities": _TEXTS,
                        "tasks": _TEXTS,
                    }
                ),
            }
        }
    ),
    "Swarm": _object(
        {
            "swarm_id": _TEXT,
            "version": _TEXT,
            "description": _TEXT,
            "digest": _TEXT | {"pattern": "^[0-9a-f]{64}$"},
            "contract": _ANYTHING | {"description": "The contract, defaults filled in."},
            "tasks": {
                "type": "array",
                "items": _object(
                    {
                        "name": _TEXT,
                        "shown_name": _TEXT | {"description": "The name, safe to print."},
                        "signature": _TEXT,
                        "calling_conventions": _TEXTS,
                        "parameter_names": _TEXTS,
                        "returns": _TEXT,
                        "params": _MAYBE_OBJECT | {"description": "The JSON Schema of the parameters."},
                    }
                ),
            },
            "stats": _ANYTHING | {"description": "What Python's get_runtime_stats returns."},
            "reload_error": _MAYBE_TEXT
            | {"description": "Why the last change of the contract or the module is not in force."},
        }
    ),
    "Slo": _object(
        {"subject": _TEXT, "taken_at": {"type": "number"}, "state": _TEXT, "objectives": _ANYTHING},
        description="How the swarm does against its objectives.",
    ),
    "Health": _object({"status": {"const": "up"}}),
    "Ready": _object(
        {
            "ready": {"type": "boolean"},
            "reasons": _TEXTS,
            "swarms": _COUNT,
            "refused_changes": _TEXTS | {"description": "Swarms that run as they were: a change of them is refused."},
        }
    ),
}


def _answer(description: str, schema: Plain, media: str = JSON, **more: Any) -> Plain:
    return {"description": description, "content": {media: {"schema": schema}}} | more


_PROBLEM: Final = _refer("schemas", "Problem")
_RETRY: Final[Plain] = {
    "Retry-After": {
        "description": "Seconds after which to ask again, where it is known.",
        "schema": {"type": "integer"},
    }
}


def _codes(*statuses: int) -> str:
    codes = [outcome.code for outcome, status in STATUSES.items() if status in statuses]
    return ", ".join(f"`{code}`" for code in codes)


#: Answers that several addresses give, by name.
RESPONSES: Final[Plain] = {
    "BadRequest": _answer("`bad_request`, `bad_json`, `bad_query`.", _PROBLEM, MEDIA_TYPE),
    "Unauthorized": _answer("`unauthorized`: the token is missing or wrong.", _PROBLEM, MEDIA_TYPE),
    "Forbidden": _answer("`cross_origin`: a page of another origin asked.", _PROBLEM, MEDIA_TYPE),
    "NotFound": _answer(f"{_codes(404)}, `not_found`.", _PROBLEM, MEDIA_TYPE),
    "MethodNotAllowed": _answer("`method_not_allowed`.", _PROBLEM, MEDIA_TYPE),
    "NotAcceptable": _answer("`not_acceptable`: no type that `Accept` names can be given.", _PROBLEM, MEDIA_TYPE),
    "BodyTooSlow": _answer("`body_too_slow`, `head_too_slow`.", _PROBLEM, MEDIA_TYPE),
    "BodyTooLarge": _answer("`body_too_large`: more than the contract or the server takes.", _PROBLEM, MEDIA_TYPE),
    "UnsupportedMediaType": _answer("`unsupported_media_type`.", _PROBLEM, MEDIA_TYPE),
    "UnknownHost": _answer("`unknown_host`: `Host` is no name of this server.", _PROBLEM, MEDIA_TYPE),
    "InvalidParams": _answer("`invalid_params`: the task takes something else.", _PROBLEM, MEDIA_TYPE),
    "RateLimited": _answer("`rate_limited`: the swarm's rate is used up.", _PROBLEM, MEDIA_TYPE, headers=_RETRY),
    "HeadTooLarge": _answer("`head_too_large`: the request's line and headers.", _PROBLEM, MEDIA_TYPE),
    "Internal": _answer("`internal`: a mistake of the server.", _PROBLEM, MEDIA_TYPE),
    "GuestFailed": _answer(f"The guest failed: {_codes(502)}.", _PROBLEM, MEDIA_TYPE),
    "Refused": _answer(
        f"{_codes(503)}, `overloaded`: nothing ran, or it was stopped.", _PROBLEM, MEDIA_TYPE, headers=_RETRY
    ),
    "Timeout": _answer("`timeout`: the deadline passed while the guest ran.", _PROBLEM, MEDIA_TYPE),
}

EVERYWHERE: Final[Plain] = {
    "400": _refer("responses", "BadRequest"),
    "401": _refer("responses", "Unauthorized"),
    "403": _refer("responses", "Forbidden"),
    "421": _refer("responses", "UnknownHost"),
    "431": _refer("responses", "HeadTooLarge"),
    "500": _refer("responses", "Internal"),
}

TASK_RESPONSES: Final[Plain] = {
    "200": {
        "description": "The task succeeded. By `Accept`: the whole result, or its output alone.",
        "content": {
            JSON: {"schema": _refer("schemas", "TaskResult")},
            TEXT: {"schema": _TEXT},
            BYTES: {"schema": {}},
        },
    },
    "404": _refer("responses", "NotFound"),
    "406": _refer("responses", "NotAcceptable"),
    "408": _refer("responses", "BodyTooSlow"),
    "413": _refer("responses", "BodyTooLarge"),
    "415": _refer("responses", "UnsupportedMediaType"),
    "422": _refer("responses", "InvalidParams"),
    "429": _refer("responses", "RateLimited"),
    "502": _refer("responses", "GuestFailed"),
    "503": _refer("responses", "Refused"),
    "504": _refer("responses", "Timeout"),
} | EVERYWHERE

TASK_OPTIONS: Final = [
    {
        "name": "timeout_seconds",
        "in": "query",
        "description": f"Shortens the contract's deadline; so does the header {TIMEOUT_HEADER}. Give one of them.",
        "schema": {"type": "number", "exclusiveMinimum": 0},
    },
    {
        "name": "wait",
        "in": "query",
        "description": "Wait for the rate to admit the task, within its deadline, instead of being refused.",
        "schema": {"type": "boolean", "default": False},
    },
]


def any_body() -> Plain:
    """What a body may be where the contract says nothing of the parameters."""
    return {
        JSON: {"schema": {"description": "The parameters as a JSON value."}},
        TEXT: {"schema": _TEXT | {"description": "The parameters as text."}},
        BYTES: {"schema": {"description": "The parameters as they are."}},
    }


def _get(summary: str, answers: Plain, parameters: list[Plain] | None = None, **more: Any) -> Plain:
    operation: Plain = {"summary": summary, "responses": answers | {str(key): value for key, value in more.items()}}
    return {"get": operation | ({"parameters": parameters} if parameters else {})}


def _in_path(name: str, description: str) -> Plain:
    schema = _TEXT | {"minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


_SWARM: Final = _in_path("swarm_id", "The id of a loaded swarm.")
_TASK: Final = _in_path("task_name", "The name of an export of its module.")


def _found(description: str, schema: str) -> Plain:
    answers = {"200": _answer(description, _refer("schemas", schema)), "404": _refer("responses", "NotFound")}
    return answers | EVERYWHERE


def _probe(summary: str, answers: Plain) -> Plain:
    """An address that needs no token and answers to any name."""
    described = _get(summary, answers | {name: EVERYWHERE[name] for name in ("400", "431", "500")})
    described["get"]["security"] = []
    return described


_READY: Final = _refer("schemas", "Ready")

#: The addresses of every server; those of the dashboard are for browsers.
PATHS: Final[Plain] = {
    "/v1/swarms": _get("List the loaded swarms", _found("In load order.", "SwarmList")),
    "/v1/swarms/{swarm_id}": _get("Describe a swarm", _found("All there is to know of it.", "Swarm"), [_SWARM]),
    "/v1/swarms/{swarm_id}/slo": _get("See how a swarm does", _found("Its objectives.", "Slo"), [_SWARM]),
    "/v1/swarms/{swarm_id}/tasks/{task_name}": {
        "post": {
            "summary": "Run a task",
            "description": "A body of JSON is sent as its value, text as text, octets as bytes; no body is no "
            "parameters. When the client goes away, the task is stopped.",
            "parameters": [_SWARM, _TASK, *TASK_OPTIONS],
            "requestBody": {"required": False, "content": any_body()},
            "responses": TASK_RESPONSES,
        }
    },
    "/metrics": _get(
        "Be scraped by Prometheus",
        {
            "200": _answer("Metrics in Prometheus' text format.", _TEXT, TEXT),
            "501": _answer("`metrics_missing`: what to install.", _PROBLEM, MEDIA_TYPE),
        }
        | EVERYWHERE,
    ),
    "/openapi.json": _get("Read this document", {"200": _answer("OpenAPI 3.1.", _ANYTHING)} | EVERYWHERE),
    "/health": _probe("Ask whether the process is up", {"200": _answer("It is.", _refer("schemas", "Health"))}),
    "/ready": _probe(
        "Ask whether it takes requests",
        {
            "200": _answer("It does.", _READY),
            "503": _answer("Contracts are not loaded, or the server is shutting down.", _READY),
        },
    ),
}
