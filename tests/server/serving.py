"""A real server on a loopback port for a test, on a thread of its own, and guests for it to serve."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import attrs
import httpx

from infrafabric.server import Server, ServerSettings
from infrafabric.testing import ADDER, contract, wat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infrafabric.chassis import IFChassis

TOKEN = "a-token-for-tests-only"  # noqa: S105

#: Answers what it was sent; its memory grows as far as it is asked to hold.
ECHO = wat("""(module
  (memory (export "memory") 2)
  (global $next (mut i32) (i32.const 1024))
  (func (export "alloc") (param $size i32) (result i32) (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.add (global.get $next) (local.get $size)))
    (drop (memory.grow (i32.add (i32.div_u (local.get $size) (i32.const 65536)) (i32.const 1))))
    (local.get $at))
  (func (export "echo") (param $at i32) (param $size i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) (i64.extend_i32_u (local.get $size)))))""")

#: ``spin`` never ends, ``fall`` traps, ``work(n)`` takes n rounds and answers n.
BUSY = wat("""(module
  (func (export "spin") (loop (br 0)))
  (func (export "fall") unreachable)
  (func (export "work") (param i32) (result i32) (local i32)
    (loop (local.set 1 (i32.add (local.get 1) (i32.const 1)))
      (br_if 0 (i32.lt_u (local.get 1) (local.get 0))))
    (local.get 1)))""")

_START_SECONDS = 10


@attrs.frozen
class Running:
    """A server that answers at ``url``."""

    server: Server
    client: httpx.Client

    @property
    def url(self) -> str:
        """Where it is asked."""
        return self.server.url

    def post(self, swarm: str, task: str, json: Any = None, **options: Any) -> httpx.Response:
        """Run a task."""
        if json is not None:
            options["json"] = json
        return self.client.post(f"/v1/swarms/{swarm}/tasks/{task}", **options)


@contextlib.contextmanager
def running(
    chassis: IFChassis, settings: ServerSettings | None = None, *, drains: bool = True, **options: Any
) -> Iterator[Running]:
    """Serve ``chassis`` on a free port while the block runs; without a drain it ends a quarter of a second sooner."""
    server = Server(chassis, settings or ServerSettings(port=0, drain_seconds=5), **options)
    thread = threading.Thread(target=server.serve_until_stopped, name="test-server")
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        headers = {"Authorization": f"Bearer {server.settings.token}"} if server.settings.token else {}
        with httpx.Client(base_url=server.url, headers=headers, timeout=20) as client:
            yield Running(server, client)
    finally:
        server.stop(at_once=not drains)
        thread.join(_START_SECONDS)
        assert not thread.is_alive(), "the server did not end"


def wait_until(is_so: Callable[[], object], seconds: float = _START_SECONDS) -> None:
    """Wait for a condition, and fail when it does not come true in time."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.005)


def load(chassis: IFChassis, swarm_id: str, module: bytes = ADDER, /, **fields: Any) -> None:
    """Load a module under a generous contract."""
    limits = {"max_concurrent_tasks": 4, **fields.pop("resource_limits", {})}
    chassis.load_swarm(swarm_id, module, contract(swarm_id, resource_limits=limits, **fields))
