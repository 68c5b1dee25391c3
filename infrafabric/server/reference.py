"""``docs/reference/http.md``, made from the OpenAPI document of a server without swarms.

``python -m infrafabric.server.reference`` writes it; with ``--check`` it only tells, by exit status 1, that the file is
not what would be written.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infrafabric.errors import Outcome
from infrafabric.server import openapi
from infrafabric.server.openapi_parts import EVERYWHERE
from infrafabric.server.problems import STATUSES, TITLES

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path("docs/reference/http.md")

_HEAD = """\
<!-- Made by `python -m infrafabric.server.reference`: change infrafabric/server, not this page. -->

# HTTP

What `infrafabric serve` answers, and `infrafabric.server.create_app` in any ASGI server. `/openapi.json` describes it
for programs, with one operation more for each task that is loaded. How to start and guard a server:
[serve swarms over HTTP](../how-to/serve-over-http.md).

Where the server has a token, every address but the probes needs `Authorization: Bearer TOKEN`. `Host` has to be an IP
address or a known name, and browsers are answered on pages of the server's own origin only. The pages of the dashboard
are below `/dashboard/`; their data is at `/v1/overview`, `/v1/swarms/{swarm_id}/page` and `/v1/board`.

## A task

The body's `Content-Type` says what the parameters are, `Accept` what comes back:

| `Content-Type` | the task gets |
|---|---|
| `application/json` (or `...+json`) | the JSON value: no key twice, no NaN or infinities, at most 64 deep |
| `text/plain` | the text, as UTF-8 |
| `application/octet-stream` | the bytes |
| none, and no body | nothing |

| `Accept` | the answer |
|---|---|
| `application/json`, `*/*` or none | the whole result, as `TaskResult.to_dict` in Python |
| `text/plain` | the output alone; what is no text as JSON, bytes as they are |
| `application/octet-stream` | the output alone |

The query `timeout_seconds`, or the header `Infrafabric-Timeout`, shortens the contract's deadline. `wait=true` waits
for the rate within it. A client that goes away stops its task. A `traceparent` header makes the task's span a child of
the caller's.
"""

_ERRORS = """\
## Errors

Problem details ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) of type `application/problem+json`. `type` and
`code` are stable; `detail` is for people. The problem of a task has `blame`, `swarm` and `task`, and what its result
holds: `usage`, `logs`, `execution_time_seconds`, `trap_code`, `backtrace`, `guest_code`.

The server is a gateway to the guest: what the guest does wrong is 502, or 504 where it does not end in time. 429 and
503 mean that nothing ran, or that it was stopped: trying again is right, after `Retry-After` seconds where that is
known.
"""

_LIMITS = """\
## Limits

| what | limit | beyond |
|---|---|---|
| a body | the contract's `max_payload_mb`, and `--max-body` | 413 |
| the bodies of all requests together, above 64 KiB each | 256 MiB | 503 |
| chunks of a body, beyond its first 16 KiB | 16 bytes each, on average | 400 |
| how slowly a body may come | 10 s, and 1 s more for each 16 KiB | 408 |
| how slowly an answer may be read | the same | the connection ends |
| the request line and headers together | 16 KiB | 431 |
| how slowly they may come | 10 s | 408 |
| an idle connection | 75 s | the connection ends |
| connections | 4,096, or what the limit of open files allows | the one that waits longest ends |

A request with both `Content-Length` and `Transfer-Encoding` is refused, as is a compressed body.
"""

#: Codes that no outcome has, with their statuses.
_OTHERS = {
    "bad_request": 400,
    "bad_json": 400,
    "bad_query": 400,
    "not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "body_too_slow": 408,
    "head_too_slow": 408,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "head_too_large": 431,
    "metrics_missing": 501,
    "overloaded": 503,
}
_GUARDED = (
    (401, "unauthorized", "The token is missing or wrong"),
    (403, "cross_origin", "A page of another origin asked"),
    (421, "unknown_host", "`Host` is no name of this server"),
)


def page() -> str:
    """The whole page."""
    return "\n".join((_HEAD, "\n".join(_addresses()), _ERRORS, "\n".join(_codes()), _LIMITS))


def _addresses() -> Iterator[str]:
    document = openapi.document()
    yield "## Addresses\n"
    yield f"Every address may also answer {', '.join(sorted(EVERYWHERE))}: see [errors](#errors).\n"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"### `{method.upper()} {path}`\n"
            yield f"{operation['summary']}.{_described(operation)}\n"
            yield "| status | answer |\n|---|---|"
            for status, answer in sorted(operation["responses"].items()):
                if status in EVERYWHERE:
                    continue
                yield f"| {status} | {_resolved(document, answer)['description']} |"
            yield ""


def _described(operation: dict[str, Any]) -> str:
    text = f" {operation['description']}" if "description" in operation else ""
    return text + (" Needs no token." if operation.get("security") == [] else "")


def _resolved(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    reference = part.get("$ref")
    if reference is None:
        return part
    found: dict[str, Any] = document["components"]["responses"][reference.rpartition("/")[2]]
    return found


def _codes() -> Iterator[str]:
    rows = [
        (status.value, outcome.code, TITLES[outcome.code]) for outcome, status in STATUSES.items() if _fails(outcome)
    ]
    rows += [(status, code, TITLES[code]) for code, status in _OTHERS.items()]
    yield "| status | code | meaning |\n|---|---|---|"
    for status, code, meaning in sorted([*rows, *_GUARDED]):
        yield f"| {status} | `{code}` | {meaning} |"
    yield ""


def _fails(outcome: Outcome) -> bool:
    return outcome is not Outcome.SUCCESS


def main() -> int:
    """Write the page, or with ``--check`` say whether it is up to date."""
    page_path = Path(__file__).resolve().parents[2] / PAGE
    text = page()
    if "--check" not in sys.argv[1:]:
        page_path.write_text(text, encoding="utf-8")
        return 0
    if page_path.exists() and page_path.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{PAGE} is not what the server says: run python -m infrafabric.server.reference\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
