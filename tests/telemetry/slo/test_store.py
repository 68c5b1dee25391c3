"""The history on disk: whole, durable, and refused when it is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import zlib
from array import array
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.errors import Outcome, SloStateError
from infrafabric.telemetry.slo.objectives import ObjectiveTargets
from infrafabric.telemetry.slo.rings import from_bytes, to_bytes
from tests.telemetry.slo.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOUR, DAY = 3_600, 86_400


def busy_world(targets: ObjectiveTargets | None = None) -> World:
    """A world with two hours of every kind of ending behind it."""
    world = World(targets)
    for minute in range(120):
        world.pass_seconds(60)
        world.record(latency_ms=5, times=20)
        world.record(latency_ms=500)
        for outcome in Outcome:
            if minute % 7 == 0:
                world.record(outcome)
    world.engine.evaluate()
    return world


def test_a_loaded_history_is_the_saved_one(tmp_path: Path) -> None:
    """Every number, state and percentile of a snapshot is the same after a restart, and nothing is announced twice."""
    world = busy_world()
    world.pass_seconds(10)
    before = world.snapshot()
    path = tmp_path / "swarm.slo"
    world.engine.save(path)
    world.start()
    world.changes.clear()
    assert world.engine.load(path) is True
    assert world.snapshot() == before
    assert world.changes == []
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["swarm.slo"]


def test_no_file_is_no_history(tmp_path: Path) -> None:
    """The first start finds nothing, which is no error."""
    world = World()
    assert world.engine.load(tmp_path / "swarm.slo") is False
    world.engine.save(tmp_path / "swarm.slo")
    world.start()
    assert world.engine.load(tmp_path / "swarm.slo") is True
    assert world.engine._ledger.rings is None, "an empty history takes no memory"


def test_a_history_is_loaded_before_the_first_record(tmp_path: Path) -> None:
    """Loading over what was counted would lose it."""
    world = busy_world()
    world.engine.save(tmp_path / "s")
    with pytest.raises(ValueError, match="swarm has a history already"):
        world.engine.load(tmp_path / "s")


def _flip(raw: bytes) -> bytes:
    return raw[:-20] + bytes([raw[-20] ^ 1]) + raw[-19:]


def _signed(state: Any) -> bytes:
    """A file whose seal is right and whose content is not."""
    return _sealed(zlib.compress(json.dumps(state).encode()))


def _sealed(body: bytes) -> bytes:
    head = {"format": "infrafabric-slo", "version": 2, "bytes": len(body), "sha256": sha256(body).hexdigest()}
    return json.dumps(head).encode() + b"\n" + body


def _head(**changes: Any) -> Callable[[bytes], bytes]:
    def change(raw: bytes) -> bytes:
        line, _, body = raw.partition(b"\n")
        return json.dumps(json.loads(line) | changes).encode() + b"\n" + body

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda _: b"", "its first line is not JSON", id="empty"),
        pytest.param(lambda raw: raw[:40], "its first line is not JSON", id="cut in the first line"),
        pytest.param(lambda raw: raw[:-1], r"it holds \d+ of \d+ bytes", id="cut at the end"),
        pytest.param(lambda raw: raw + b"\0", r"it holds \d+ of \d+ bytes", id="longer"),
        pytest.param(_flip, "its SHA-256 does not match", id="one bit"),
        pytest.param(lambda _: b"\x00\xff" * 5_000, "its first line is not JSON", id="noise"),
        pytest.param(lambda _: b"[1]\n", "does not say format", id="other JSON"),
        pytest.param(_head(format="sqlite"), "does not say format", id="another format"),
        pytest.param(_head(version=3), "it is of version 3; this infrafabric reads 2", id="newer"),
        pytest.param(lambda _: _sealed(b"plain"), "it cannot be unpacked", id="not compressed"),
        pytest.param(lambda _: _signed([]), "it holds no state", id="a list"),
        pytest.param(lambda _: _signed({}), r"its state does not fit \(KeyError: 'subject'\)", id="empty state"),
        pytest.param(lambda _: b"x" * (8 * 2**20 + 1), "it is larger than 8388608 bytes", id="huge"),
    ],
)
def test_a_file_that_cannot_be_used_is_kept_aside(
    tmp_path: Path, damage: Callable[[bytes], bytes], message: str
) -> None:
    """A damaged file is refused with its reason, moved aside untouched, and the engine counts from nothing."""
    world = busy_world()
    path = tmp_path / "swarm.slo"
    world.engine.save(path)
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    world.start()
    with pytest.raises(SloStateError, match=message) as caught:
        world.engine.load(path)
    assert str(path) in str(caught.value)
    aside = tmp_path / "swarm.slo.refused-1"
    assert caught.value.kept_as == str(aside)
    assert aside.read_bytes() == damaged
    assert not path.exists()
    world.record()
    assert world.snapshot().objective("availability").total_events == 1
    assert world.snapshot().coverage.holes == 0


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda s: s["ledger"]["rings"][0].update(rows={"hex": "00"}), id="rows of no whole number"),
        pytest.param(lambda s: s["ledger"]["rings"][0].update(rows={"hex": "00" * 8}), id="too few rows"),
        pytest.param(lambda s: s["ledger"]["rings"][0].update(head=-(10**9)), id="buckets that are to come"),
        pytest.param(
            lambda s: s["ledger"]["rings"][0].update(starts={"hex": s["ledger"]["rings"][0]["starts"]["hex"][::-1]}),
            id="buckets in no order",
        ),
        pytest.param(lambda s: s["ledger"]["rings"].pop(), id="a ring missing"),
        pytest.param(lambda s: s["ledger"].update(counts=["many"]), id="no numbers"),
        pytest.param(lambda s: s["ledger"].update(period_seconds=0), id="no period"),
        pytest.param(lambda s: s["ledger"]["latency"].update(slots=[]), id="no latency"),
        pytest.param(lambda s: s.update(holes=[[1]]), id="half a hole"),
        pytest.param(lambda s: s.update(subject="neighbour"), id="another swarm's"),
        pytest.param(lambda s: s.update(alerts=[["availability", "page_1h", "asleep", 0]]), id="an unknown state"),
        pytest.param(lambda s: s["ledger"]["exclusions"].update(entries=[{"number": 1}]), id="half an exclusion"),
    ],
)
def test_a_sealed_file_with_a_wrong_state_is_refused_too(tmp_path: Path, spoil: Callable[[Any], Any]) -> None:
    """A state that does not fit is refused as a whole: nothing of it is taken over."""
    world = busy_world()
    path = tmp_path / "swarm.slo"
    world.engine.save(path)
    state = json.loads(zlib.decompress(path.read_bytes().partition(b"\n")[2]))
    spoil(state)
    path.write_bytes(_signed(state))
    world.start()
    fresh = world.snapshot()
    with pytest.raises(SloStateError):
        world.engine.load(path)
    assert world.snapshot() == fresh


def test_only_unfinished_saves_of_this_file_are_swept(tmp_path: Path) -> None:
    """A load removes what killed saves of its own file left, and nothing else."""
    for name in (".swarm.slo.x7.tmp", ".swarm.slo.txt", ".other.slo.x7.tmp", "swarm.slo.tmp"):
        (tmp_path / name).touch()
    World().engine.load(tmp_path / "swarm.slo")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        ".other.slo.x7.tmp",
        ".swarm.slo.txt",
        "swarm.slo.tmp",
    ]


def test_refused_files_do_not_overwrite_each_other(tmp_path: Path) -> None:
    """Each refused file keeps a name of its own."""
    path = tmp_path / "swarm.slo"
    for number in (1, 2, 3):
        path.write_bytes(b"damage %d" % number)
        with pytest.raises(SloStateError, match=f"refused-{number}"):
            World().engine.load(path)
    assert (tmp_path / "swarm.slo.refused-2").read_bytes() == b"damage 2"


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk keeps the last good history, leaves no litter, and the engine stays dirty."""
    world = busy_world()
    path = tmp_path / "swarm.slo"
    world.engine.save(path)
    good = path.read_bytes()
    world.record()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        world.engine.save(path)
    monkeypatch.undo()
    assert path.read_bytes() == good
    assert [entry.name for entry in tmp_path.iterdir()] == ["swarm.slo"]
    assert world.engine.dirty


def test_dirty_says_whether_a_save_keeps_something_new(tmp_path: Path) -> None:
    """Records, state changes and exclusions make it dirty, a save clean; an idle hour is worth a save, too."""
    path = tmp_path / "s"
    world = World()
    assert not world.engine.dirty
    world.pass_seconds(40 * DAY)
    world.engine.evaluate()
    assert not world.engine.dirty, "nothing was ever recorded"

    def saved_after(change: Callable[[], object]) -> bool:
        world.engine.save(path)
        assert not world.engine.dirty
        change()
        return world.engine.dirty

    assert saved_after(world.record)
    assert saved_after(lambda: world.record(Outcome.RATE_LIMITED))
    assert saved_after(world.engine.evaluate)
    assert not saved_after(world.engine.evaluate)
    assert saved_after(lambda: world.engine.exclude(None, None, reason="r", author="a"))
    assert saved_after(lambda: world.engine.retarget(ObjectiveTargets(period_seconds=HOUR)))
    world.engine.retarget(ObjectiveTargets())
    world.engine.evaluate()

    def idle(seconds: int) -> None:
        world.pass_seconds(seconds)
        world.engine._ledger.advance(world.mono_ns)

    assert not saved_after(lambda: idle(HOUR - 1))
    assert saved_after(lambda: idle(HOUR))


@pytest.mark.parametrize("typecode", ["I", "Q"])
def test_cells_are_little_endian_on_any_machine(typecode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A history moves between machines: its cells are written in one byte order."""
    cells = array(typecode, [1, 2**31 + 7])
    little = b"".join(cell.to_bytes(cells.itemsize, "little") for cell in cells)
    assert to_bytes(cells) == little
    assert from_bytes(typecode, little) == cells
    swapped = cells[:]
    swapped.byteswap()
    monkeypatch.setattr(sys, "byteorder", "big" if sys.byteorder == "little" else "little")
    assert to_bytes(swapped) == little
    assert from_bytes(typecode, little) == swapped


def test_many_saves_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    """Threads that save together with threads that record never leave a file that cannot be loaded."""
    world = busy_world()
    path = tmp_path / "swarm.slo"

    def save() -> None:
        for _ in range(5):
            world.engine.save(path)

    threads = [threading.Thread(target=save) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        world.engine.record(Outcome.SUCCESS)
    world.engine.save(path)
    total = world.engine.totals()
    world.start()
    assert world.engine.load(path)
    assert world.engine.totals() == total


_VICTIM = """
import sys
from infrafabric.errors import Outcome
from infrafabric.telemetry.slo.engine import SloEngine
from infrafabric.telemetry.slo.objectives import ObjectiveTargets
engine = SloEngine(ObjectiveTargets())
engine.load(sys.argv[1])
while True:
    for _ in range(50):
        engine.record(Outcome.SUCCESS)
        engine.record(Outcome.TRAP)
    engine.save(sys.argv[1])
    print(engine.totals()["availability"][0], flush=True)
"""


def test_kill_minus_nine_loses_only_what_was_not_saved(tmp_path: Path) -> None:
    """Killed at any moment, a process leaves a file that loads and holds at least its last finished save."""
    path = tmp_path / "swarm.slo"
    saved = 0
    for number in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", _VICTIM, str(path)], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": "."}
        ) as victim:
            assert victim.stdout is not None
            for _ in range(3 + 2 * number):
                saved = int(victim.stdout.readline())
            victim.send_signal(signal.SIGKILL)
            saved = max([saved, *(int(line) for line in victim.stdout.read().split())])
        world = World()
        assert world.engine.load(path)
        good, bad = world.engine.totals()["availability"]
        assert good == bad >= saved, "a save holds whole batches"
        assert (good - saved) in {0, 50}, "at most the save that was not yet reported"
        assert world.snapshot().objective("availability").total_events == good + bad
        assert [entry.name for entry in tmp_path.iterdir()] == ["swarm.slo"], "what a killed save left is swept"
