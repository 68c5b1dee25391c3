"""The demo is a real server with swarms at work; what it promises to show is there to be seen."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.contract.files import check_file
from infrafabric.demo import DemoFilesError, Running, calls, gallery
from infrafabric.demo.guide import guide
from tests.cli.program import PROGRAM, run_program

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_SECONDS = 60
ROOT = Path(__file__).resolve().parents[2]


def _ask(url: str, path: str) -> Any:
    with urllib.request.urlopen(f"{url}{path}", timeout=WAIT_SECONDS) as answer:  # noqa: S310 - our own server
        return json.load(answer)


class Demo:
    """A demo that runs as a program; what it printed comes before its address is known."""

    def __init__(self, temporary: Path) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, "demo", "--port", "0", "--no-open"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", first)
        assert found, first + self.process.communicate()[1]
        self.url = found[0]

    def rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The overview by swarm and objective."""
        return {(row["swarm_id"], row["objective"]): row for row in _ask(self.url, "/v1/overview")["rows"]}

    def page(self, swarm_id: str) -> dict[str, Any]:
        """All there is of one swarm."""
        found: dict[str, Any] = _ask(self.url, f"/v1/swarms/{swarm_id}/page")
        return found

    def alerts(self, swarm_id: str) -> set[str]:
        """The states of a swarm's page alerts for availability."""
        alerts = self.page(swarm_id)["objectives"][0]["numbers"]["alerts"].values()
        return {alert["state"] for alert in alerts if alert["severity"] == "page"}

    def end(self) -> tuple[int, str, str]:
        """Press Ctrl-C; status and output."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=WAIT_SECONDS)
        return self.process.returncode, out, err


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A running demo."""
    demo = Demo(tmp_path)
    yield demo
    demo.process.kill()
    demo.process.communicate()


@pytest.mark.timeout(180)
def test_shows_a_swarm_that_misbehaves_among_others_that_do_well(demo: Demo, tmp_path: Path) -> None:
    """Within a minute the runaway's budget is gone and its alert fires, while the others serve; Ctrl-C ends it."""
    assert {swarm for swarm, _ in demo.rows()} == set(gallery.GALLERY)
    deadline = time.monotonic() + 100
    while "firing" not in demo.alerts("runaway") or demo.rows()["runaway", "availability"]["state"] != "exhausted":
        assert time.monotonic() < deadline, demo.rows()["runaway", "availability"]
        time.sleep(0.5)
    page = demo.page("runaway")
    assert page["outcomes"]["timeout"] > 0
    hits = {use["name"]: use["hits"] for use in page["limits"]}
    assert hits["max_execution_time_seconds"] > 0
    rows = demo.rows()
    assert rows["code-analyzer", "availability"]["sli"] == 1
    assert rows["json-validator", "availability"]["sli"] == 1
    assert rows["json-validator", "availability"]["tasks_per_second"] > 0
    snapshot = run_program("top", demo.url)
    assert snapshot.out.count("runaway") == 3, snapshot

    status, out, err = demo.end()
    assert status == 0
    assert err == ""
    assert "How it ended:" in out
    assert re.search(r"exhausted +runaway +availability", out)
    assert list(tmp_path.iterdir()) == []


def test_a_contract_that_is_changed_is_taken_in(demo: Demo) -> None:
    """The folder that it names holds the contracts that are served; a change is in force while tasks run."""
    assert demo.process.stdout is not None
    folder = Path(re.search(r"Contracts: +(\S+)", "".join(demo.process.stdout.readline() for _ in range(2)))[1])  # type: ignore[index] # fails the test
    path = folder / "slug-maker.yaml"
    path.write_text(path.read_text().replace('"0.3.0"', '"0.4.0"'))
    deadline = time.monotonic() + WAIT_SECONDS
    while demo.page("slug-maker")["version"] != "0.4.0":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_ends_by_itself() -> None:
    """``--seconds`` bounds it; its address and a table are what it printed."""
    began = time.monotonic()
    ended = run_program("demo", "--port", "0", "--seconds", "1", "--no-open")
    assert ended.status == 0, ended.err
    assert time.monotonic() - began >= 1
    assert "Dashboard:  http://127.0.0.1:" in ended.out
    assert "6 swarms" in ended.out


def test_what_it_tells_fits_a_terminal() -> None:
    """No line is broken at eighty columns."""
    told = guide(Running(url="http://127.0.0.1:65535", folder=Path("/tmp/infrafabric-demo-abcdefgh")))  # noqa: S108 - text
    assert "http://127.0.0.1:65535/dashboard/" in told
    assert max(map(len, told.splitlines())) <= 80


def test_a_port_that_is_taken_is_one_line(demo: Demo) -> None:
    """The port, the reason, and the option that helps."""
    ended = run_program("demo", "--port", demo.url.rpartition(":")[2], "--seconds", "1", "--no-open")
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert "Address already in use" in ended.err
    assert "--port" in ended.err


def test_without_the_extra_it_says_what_to_install() -> None:
    """No traceback: one line with the command."""
    code = (
        "import sys, importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'uvicorn' else real(name, *a)\n"
        "from infrafabric.cli import main\n"
        "sys.exit(main(['demo', '--port', '0', '--seconds', '1']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'infrafabric[server]'" in done.stderr


def test_the_gallery_is_complete_and_valid(tmp_path: Path) -> None:
    """Every contract beside the package is in the gallery, valid, and names the module that is written with it."""
    gallery.write_gallery(tmp_path)
    written = {path.stem for path in tmp_path.glob("*.yaml")}
    assert written == {path.stem for path in (ROOT / "infrafabric/demo/contracts").glob("*.yaml")}
    for path in tmp_path.glob("*.yaml"):
        contract = check_file(path).require()
        assert contract.swarm_id == path.stem
        assert contract.module is not None
        assert (tmp_path / contract.module.path).is_file()
    assert {caller.swarm_id for caller in calls.CALLERS} == written


def test_the_wheel_ships_every_guest_of_the_gallery() -> None:
    """What the checkout takes from guests/ is what pyproject.toml puts into the wheel."""
    import tomllib  # noqa: PLC0415 - only here

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    shipped = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    guests = {name for name, place in shipped.items() if place.startswith("infrafabric/demo/guests/")}
    assert guests == {f"guests/{guest}/{guest}.wasm" for guest in gallery.GALLERY.values()}
    assert sum((ROOT / name).stat().st_size for name in guests) < 300 * 1024


def test_missing_guests_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the guests says which file it looked for, and where."""
    monkeypatch.setattr(gallery, "_CHECKOUT", tmp_path)
    with pytest.raises(DemoFilesError, match=r"analyzer\.wasm is neither at"):
        gallery.write_gallery(tmp_path)


@pytest.mark.parametrize("caller", calls.CALLERS, ids=lambda caller: caller.swarm_id)
def test_calls_are_the_same_in_every_run(caller: calls.Caller) -> None:
    """What number 0 to 99 ask for does not depend on chance, and not all of it is alike."""
    first = [caller.call(number) for number in range(100)]
    assert first == [caller.call(number) for number in range(100)]
    assert len(set(first)) > 1
