"""Guests that talk too much, or say what could hurt whoever reads it."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING

from infrafabric.attack.attack import Attack, group, run, text
from infrafabric.attack.neighbour import SERVER
from infrafabric.engine import SCRIBE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infrafabric.attack.attack import Check
    from infrafabric.attack.scene import Scene

_HEAD = '(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 2)'
_SLOW_HANDLER_SECONDS = 0.02
#: A handler that cannot keep up with what a contract grants by default, and how long others may have to wait for it:
#: some turns of 64 records.
_FLOODED_SECONDS, _HEARD_SECONDS = 0.002, 1.5


def _says(name: str, tries: str, data: str, length: int | None = None) -> Attack:
    """A guest that logs ``data`` (in text format) once."""
    size = length if length is not None else len(data.encode().decode("unicode_escape").encode("latin-1", "replace"))
    return Attack(
        name=name,
        tries=tries,
        module=text(f"""{_HEAD} (data (i32.const 64) "{data}")
          (func (export "run") (call $log (i32.const 64) (i32.const {size}))))"""),
        calls=run(),
        check=_one_record,
    )


def _one_record(scene: Scene) -> Iterable[str]:
    own = [record for record in scene.records if record.name.endswith(f".{scene.swarm_id}")]
    if len(own) != 1:
        yield f"one record was written, {len(own)} arrived"


def _asks(name: str, tries: str, code: str, *, records: int = 1) -> Attack:
    """A guest that calls env.log with wild arguments and goes on."""

    def check(scene: Scene) -> Iterable[str]:
        got = sum(result.usage.log_records for result in scene.results)
        if got != records:
            yield f"{got} records were kept, expected {records}"

    return Attack(
        name=name, tries=tries, module=text(f'{_HEAD} (func (export "run") {code}))'), calls=run(), check=check
    )


def _floods(name: str, tries: str, code: str, check: Check | None = None) -> Attack:
    return Attack(
        name=name,
        tries=tries,
        module=text(f'{_HEAD} (func (export "run") (loop {code} (br 0))))'),
        calls=run("timeout"),
        check=check or _dropped,
    )


def _dropped(scene: Scene) -> Iterable[str]:
    usage = scene.results[0].usage
    if not usage.log_dropped:
        yield f"none of its {usage.host_calls} records was dropped"
    if len(scene.results[0].logs) > 100:
        yield f"its result holds {len(scene.results[0].logs)} records"


class _Slow(logging.Handler):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - what it says does not matter
        time.sleep(self._seconds)


class _Failing(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        message = "this handler always fails"
        raise ValueError(message, record.name)

    def handle(self, record: logging.LogRecord) -> bool:
        self.emit(record)
        return True


def _beside(handler: logging.Handler, scene: Scene) -> None:
    logger = logging.getLogger(f"infrafabric.swarm.{scene.swarm_id}")
    logger.addHandler(handler)
    try:
        scene.execute("run")
        SCRIBE.flush(5.0)
    finally:
        logger.removeHandler(handler)


def _with_slow_handler(scene: Scene) -> Iterable[str]:
    _beside(_Slow(_SLOW_HANDLER_SECONDS), scene)
    result = scene.results[-1]
    if result.status != "timeout":
        yield f"beside a slow handler it ended as {result.status}"


def _neighbour_is_heard(scene: Scene) -> Iterable[str]:
    """While the flood goes on, a line of the neighbour has to get through: its turn comes after one of the flood's."""
    handler, logger = _Slow(_FLOODED_SECONDS), logging.getLogger(f"infrafabric.swarm.{scene.swarm_id}")
    logger.addHandler(handler)
    flood = scene.chassis.submit_task(scene.swarm_id, "run", check=False)
    try:
        time.sleep(0.5)
        line = {"heard": "through the flood"}
        with scene.neighbour.quiet():
            scene.neighbour.said.append(json.dumps(line))
            said = time.monotonic()
            scene.chassis.execute_task(SERVER, "echo", line)
            while not any("through the flood" in record.getMessage() for record in scene.log.records):
                if time.monotonic() - said > _HEARD_SECONDS:
                    yield f"a line of the neighbour was not heard for {_HEARD_SECONDS:g} s"
                    break
                time.sleep(0.01)
    finally:
        flood.cancel()
        logger.removeHandler(handler)  # whatever is left is heard at once
        scene.look_at(flood.result(10))


def _with_failing_handler(scene: Scene) -> Iterable[str]:
    _beside(_Failing(), scene)
    complaints = [record for record in scene.records if record.name == "infrafabric.engine"]
    if not complaints:
        yield "nobody was told that a logging handler failed"
    for record in complaints:  # expected here, and nowhere else
        scene.log.records.remove(record)


_ABORT = """(module (import "env" "abort" (func $abort (param i32 i32 i32 i32))) (memory (export "memory") 1)
  (data (i32.const 4) "%s") (func (export "run") (call $abort %s (i32.const -1) (i32.const -1))))"""

ATTACKS = group(
    "logs",
    _says("terminal-codes", "Clear the screen and rename the window.", "\\1b[2J\\1b]0;owned\\07\\9b31m", 16),
    _says(
        "line-breaks",
        "Begin new lines, of every kind.",
        "a\\0ab\\0dc\\0d\\0ad\\0be\\0cf\\1cg\\c2\\85h\\e2\\80\\a8i\\e2\\80\\a9j",
        26,
    ),
    _says("forged-prefix", "Pretend to be the neighbour.", f"\\0a[WASM:{SERVER}] forged", 26),
    _says("right-to-left", "Turn the line around.", "\\e2\\80\\aegnp.exe\\e2\\80\\8f\\e2\\81\\a6", 16),
    _says("nul-bytes", "End the line early.", "before\\00after", 12),
    _says("not-text", "Say what is no UTF-8.", "\\ff\\fe\\c0\\af\\ed\\a0\\80\\f5\\80\\80\\80", 11),
    _says("format-codes", "Be a format of every kind.", "%s %n %(x)s {0} {x!r} $(id) `id` \\\\n ", 36),
    _says("log4j", "Be a lookup.", "${jndi:ldap://localhost/a}", 26),
    _asks("log-outside", "Log what is not inside the memory.", "(call $log (i32.const 131072) (i32.const 1))"),
    _asks("log-four-gigabytes", "Log four gigabytes.", "(call $log (i32.const 0) (i32.const -1))"),
    _asks("log-negative", "Log from a negative address.", "(call $log (i32.const -16) (i32.const 8))"),
    _asks(
        "log-wrapping", "Log from an address that wraps to the beginning.", "(call $log (i32.const -1) (i32.const 2))"
    ),
    _asks("log-empty", "Log nothing, at the very end of the memory.", "(call $log (i32.const 131072) (i32.const 0))"),
    _asks("log-everything", "Log all of the memory.", "(call $log (i32.const 0) (i32.const 131072))"),
    Attack(
        name="log-levels",
        tries="Log at levels that do not exist.",
        module=text("""(module (import "env" "log" (func $log (param i32 i32 i32))) (memory (export "memory") 1)
          (func (export "run") (call $log (i32.const -1) (i32.const 0) (i32.const 1))
            (call $log (i32.const 5) (i32.const 0) (i32.const 1))
            (call $log (i32.const 0x7fffffff) (i32.const 0) (i32.const 1))))"""),
        calls=run(),
    ),
    Attack(
        name="log-from-hidden-memory",
        tries="Log from a memory that is not exported.",
        module=text("""(module (import "env" "log" (func $log (param i32 i32))) (memory 1)
          (func (export "run") (call $log (i32.const 0) (i32.const 8))))"""),
        calls=run(),
    ),
    _floods("flood-of-bytes", "Log one byte for ever.", "(call $log (i32.const 0) (i32.const 1))"),
    _floods("flood-of-nothing", "Log nothing for ever.", "(call $log (i32.const 0) (i32.const 0))"),
    _floods("flood-of-pages", "Log 64 KiB for ever.", "(call $log (i32.const 0) (i32.const 65536))"),
    _floods("flood-of-mistakes", "Log from wild addresses for ever.", "(call $log (i32.const -1) (i32.const -1))"),
    Attack(
        name="flood-granted",
        tries="Log control characters, each six characters escaped, with 100 MiB a second granted.",
        module=text(f'{_HEAD} (func (export "run") (loop (call $log (i32.const 0) (i32.const 4096)) (br 0))))'),
        calls=run("timeout"),
        limits={"max_log_bytes_per_second": 100 << 20},
    ),
    Attack(
        name="flood-in-start",
        tries="Log for ever in the start function.",
        module=text(f"{_HEAD} (func $start (loop (call $log (i32.const 0) (i32.const 9)) (br 0))) (start $start))"),
        load=("init_failed",),
        limits={"max_load_seconds": 0.4},
    ),
    Attack(
        name="log-none-granted",
        tries="Log where the contract grants no bytes.",
        module=text(f'{_HEAD} (func (export "run") (call $log (i32.const 0) (i32.const 1))))'),
        calls=run(),
        limits={"max_log_bytes_per_second": 0},
        check=_dropped,
    ),
    Attack(
        name="slow-handler",
        tries="Log for ever to a handler that takes 20 ms for each record.",
        module=text(f'{_HEAD} (func (export "run") (loop (call $log (i32.const 0) (i32.const 9)) (br 0))))'),
        limits={"max_log_bytes_per_second": 2_000},
        perform=_with_slow_handler,
    ),
    Attack(
        name="flood-before-slow-handler",
        tries="Log faster than a handler writes, so that nobody else is heard.",
        module=text(f'{_HEAD} (func (export "run") (loop (call $log (i32.const 0) (i32.const 1)) (br 0))))'),
        limits={"max_execution_time_seconds": 10},
        perform=_neighbour_is_heard,
    ),
    Attack(
        name="failing-handler",
        tries="Log to a handler that raises.",
        module=text(f'{_HEAD} (func (export "run") (call $log (i32.const 0) (i32.const 9))))'),
        perform=_with_failing_handler,
    ),
    Attack(
        name="abort-message",
        tries="Abort with terminal codes, line breaks and half of a surrogate pair.",
        module=text(
            _ABORT % ("\\0c\\00\\00\\00\\1b\\00[\\002\\00J\\00\\0a\\00\\00\\d8", "(i32.const 8) (i32.const 8)")
        ),
        calls=run("trap"),
    ),
    Attack(
        name="abort-of-four-gigabytes",
        tries="Abort with a message of four gigabytes.",
        module=text(_ABORT % ("\\ff\\ff\\ff\\ff", "(i32.const 8) (i32.const 8)")),
        calls=run("trap"),
    ),
    Attack(
        name="abort-from-wild-addresses",
        tries="Abort with a message at addresses that do not exist.",
        module=text(_ABORT % ("", "(i32.const 1) (i32.const -1)")),
        calls=run("trap"),
    ),
)
