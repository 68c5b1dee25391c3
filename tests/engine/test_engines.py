"""The engines of the process: one for each kind of code, pools only where they fit, settings that distinguish code."""

from __future__ import annotations

import itertools
import threading

import pytest

from infrafabric.engine import engines
from infrafabric.engine.engines import POOL_SLOTS, SLOT_SPAN_BYTES, code_kind, engine_for, on_demand_engine, pool_slots
from infrafabric.engine.settings import CodeKind, new_engine
from infrafabric.engine.wat import wat_to_wasm
from infrafabric.testing import ADDER, EMPTY
from tests.engine.driving import Guest, python

KINDS = [CodeKind(*flags) for flags in itertools.product((False, True), repeat=3)]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_kind_of_engine_can_be_made(kind: CodeKind) -> None:
    """Each setting is one that the engine knows."""
    assert new_engine(kind)


def test_an_engine_is_made_once() -> None:
    """However many threads ask first, a kind has one engine with a pool and one without."""
    kind = CodeKind(fuel=True, canonical_nans=True)
    found: list[tuple[object, object]] = []

    def ask() -> None:
        found.append((engine_for(kind, pooled=True), on_demand_engine(kind)))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(id(pooled), id(plain)) for pooled, plain in found}) == 1
    assert engine_for(kind, pooled=False) is on_demand_engine(kind)
    assert not on_demand_engine(kind).pooled


def test_compact_code_has_no_pool() -> None:
    """A pool is made of reserved address space, which compact code does without."""
    assert engine_for(CodeKind(compact=True), pooled=True) is None


@pytest.mark.parametrize(
    ("room", "slots"),
    [
        (2 * POOL_SLOTS * SLOT_SPAN_BYTES, POOL_SLOTS),
        (2 * POOL_SLOTS * SLOT_SPAN_BYTES - 1, 250),
        (2 * 250 * SLOT_SPAN_BYTES, 250),
        (2 * 250 * SLOT_SPAN_BYTES - 1, 62),
        (1 << 40, 62),
    ],
)
def test_a_pool_takes_half_of_what_can_be_had(monkeypatch: pytest.MonkeyPatch, room: int, slots: int) -> None:
    """Slots are quartered until twice their span can be reserved."""
    monkeypatch.setattr(engines, "_can_reserve", lambda span_bytes: span_bytes <= room)
    monkeypatch.setattr(engines, "_compact", None)
    assert pool_slots() == slots


def test_below_a_tebibyte_there_is_no_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """And code is compact then."""
    monkeypatch.setattr(engines, "_can_reserve", lambda span_bytes: span_bytes < 1 << 40)
    monkeypatch.setattr(engines, "_compact", None)
    assert pool_slots() == 0
    assert code_kind() == CodeKind(compact=True)
    assert code_kind(fuel=True, canonical_nans=True) == CodeKind(fuel=True, canonical_nans=True, compact=True)


@pytest.mark.parametrize("span", [1, 4096, 1 << 40])
def test_reserving_leaves_nothing_reserved(span: int) -> None:
    """Asking whether address space can be had takes none."""
    assert all(engines._can_reserve(span) for _ in range(300))


@pytest.mark.parametrize("span", [1 << 62, 1 << 64, -1])
def test_what_cannot_be_reserved_is_told(span: int) -> None:
    """More than there is, more than a number holds, less than nothing."""
    assert not engines._can_reserve(span)


def test_the_same_settings_have_the_same_fingerprint_everywhere() -> None:
    """Cached code is found by other processes: the fingerprint depends on settings and versions only."""
    code = "from infrafabric.engine.settings import CodeKind; print(CodeKind(fuel=True).fingerprint())"
    assert python(code).stdout.strip() == CodeKind(fuel=True).fingerprint()


@pytest.mark.parametrize(
    "kind", [{"fuel": 10**9}, {"deterministic": True}, {"fuel": 10**9, "deterministic": True}], ids=str
)
def test_code_of_each_kind_runs(kind: dict[str, int]) -> None:
    """Fuel and canonical NaNs are kinds of their own, and run."""
    assert Guest(ADDER, **kind).run("add", [2, 3]).ok() == 5  # type: ignore[arg-type]


NANS = """(module (func (export "bits") (param f64 f64) (result i64)
  (i64.reinterpret_f64 (f64.div (local.get 0) (local.get 1)))))"""


def test_deterministic_code_has_one_nan() -> None:
    """0/0 has the canonical bits, whatever the machine would give."""
    assert Guest(NANS, deterministic=True).run("bits", [0.0, 0.0]).ok() == 0x7FF8 << 48


def test_text_becomes_a_module_or_says_where_it_is_wrong() -> None:
    """The one place where text is read says line and column of the mistake."""
    assert wat_to_wasm("(module)") == EMPTY
    with pytest.raises(ValueError, match="1:10"):
        wat_to_wasm("(module (wrong))")
