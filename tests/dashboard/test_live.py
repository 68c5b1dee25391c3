"""The dashboard of a real chassis in a real browser: right numbers, live, and still there after a restart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from infrafabric.chassis import IFChassis
from infrafabric.dashboard.serving import serve_dashboard
from infrafabric.testing import contract, wat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.dashboard.conftest import Watched

pytestmark = pytest.mark.requires_tool("chromium")

GUEST = wat("""(module
  (import "env" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "about to <b>fail</b>")
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "boom") (call $log (i32.const 0) (i32.const 20)) unreachable))""")

SLOS = {"target_availability_percent": 99.9, "target_latency_ms": 1000, "period": "30d"}


def _load(chassis: IFChassis, *, good: int = 0, bad: int = 0, unknown: int = 0) -> None:
    for task, count in (("add", good), ("boom", bad), ("nothing", unknown)):
        for _ in range(count):
            chassis.execute_task("analyzer", task, [1, 2] if task == "add" else None, check=False)


@pytest.fixture
def loaded(cache_dir: Path, tmp_path: Path) -> Callable[[], IFChassis]:
    """Make a chassis with a swarm that adds and fails; its history lasts."""

    def make() -> IFChassis:
        chassis = IFChassis(cache_dir=cache_dir, state_dir=tmp_path / "state")
        chassis.load_swarm("analyzer", GUEST, contract("analyzer", slos=SLOS, description="Adds, and fails."))
        return chassis

    return make


def test_a_known_load_is_shown_live_and_lasts(loaded: Callable[[], IFChassis], watch: Callable[..., Watched]) -> None:
    """196 good tasks and 4 traps are 98 %; more of them are shown as they end, after a reload and a restart."""
    with loaded() as chassis, serve_dashboard(chassis) as server:
        _load(chassis, good=196, bad=4, unknown=3)
        watched = watch(server.url)
        shown = watched.page
        shown.goto(server.url)
        row = shown.locator("#rows tr", has_text="availability")
        expect(row).to_have_attribute("data-state", "exhausted")
        expect(row.locator("[data-label=SLI]")).to_have_text("98\u202f%")
        # 0.1 % of 200 tasks may fail: 4 failures are twenty times that.
        expect(row.locator(".budget")).to_have_text(re.compile("\N{MINUS SIGN}1\u202f900\u202f%"))
        expect(shown.locator("#rows tr", has_text="latency").locator("[data-label=SLI]")).to_have_text("100\u202f%")

        shown.evaluate("window.same = true")  # lost by a reload, kept by an update in place
        _load(chassis, good=200)
        expect(row.locator("[data-label=SLI]")).to_have_text("99\u202f%")
        assert shown.evaluate("window.same")
        shown.reload()
        expect(row.locator("[data-label=SLI]")).to_have_text("99\u202f%")

        row.locator("a").click()
        expect(shown).to_have_title("analyzer · infrafabric")
        outcomes = shown.locator(".outcomes tbody tr")
        assert [" ".join(text.split()) for text in outcomes.all_inner_texts()] == [
            "success nobody 98.3 % 396",
            "trap guest 1 % 4",
            "unknown_task caller 0.7 % 3",
        ]
        # A mistake of the caller is a failure to be seen, and burns nothing.
        expect(shown.locator(".failures tbody tr")).to_have_count(7)
        expect(shown.locator(".failures tbody th", has_text="boom")).to_have_count(4)
        expect(shown.locator(".logs .text")).to_have_text(["about to <b>fail</b>"] * 4)
        expect(shown.locator("#alerts .badge", has_text="firing").first).to_be_visible()
        expect(shown.locator('[id="limit:max_memory_mb"] td').nth(1)).to_have_text("64\u202fKiB")
        expect(shown.locator('[id="objective:availability-budget-chart"] canvas')).to_be_visible()
        port = server.port

        server.close()
        expect(shown.locator("#freshness")).to_contain_text("stale since")
    watched.forgive("net::ERR")
    with loaded() as chassis, serve_dashboard(chassis, port=port):
        expect(shown.locator("#freshness")).to_contain_text("live, as of", timeout=20_000)
        # The history lasted; what is counted since the swarm was loaded begins anew.
        expect(shown.locator('[id="objective:availability"] .facts dd').first).to_have_text("99\u202f%")
        expect(shown.locator("#outcomes")).to_contain_text("No task has ended yet.")
        watched.forgive("net::ERR")
        watched.check()
