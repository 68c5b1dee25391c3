"""Seeded mutants of real modules: most are broken, some are valid, and a few are valid and hostile."""

from __future__ import annotations

import random
from pathlib import Path

from infrafabric.attack import binary
from tests.adversarial.sections import HEADER, Sections, join, read_leb, split

_ROOT = Path(__file__).resolve().parents[2]
#: Larger guests would be compiled for longer than all others together.
_LARGEST_BYTES = 40_000
#: Of what a truncation leaves, less than this has nothing to change.
_SHORTEST = 16
GUESTS = sorted(path for path in _ROOT.glob("guests/*/*.wasm") if path.stat().st_size <= _LARGEST_BYTES)

#: Numbers at which something changes: signs, widths, pages, limits.
_NUMBERS = (0, 1, 2, 0x3F, 0x40, 0x7F, 0x80, 0xFF, 0xFFFF, 0x10000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
#: Opcodes that may stand for each other, by signature: these mutants stay valid.
_KIN = (
    tuple(range(0x46, 0x50)),  # i32 comparisons
    tuple(range(0x51, 0x5B)),  # i64 comparisons
    tuple(range(0x6A, 0x79)),  # i32 arithmetic
    tuple(range(0x7C, 0x8B)),  # i64 arithmetic
    tuple(range(0xA0, 0xA7)),  # f64 arithmetic
    (0x28, 0x2C, 0x2D, 0x2E, 0x2F),  # i32 loads
    (0x36, 0x3A, 0x3B),  # i32 stores
)


def mutant(seed: int) -> bytes:
    """The module of this seed: always the same for the same guests."""
    chance = random.Random(seed)  # noqa: S311 - reproducible is what it has to be
    module = _read(chance)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        if len(module) < _SHORTEST:
            break
        module = chance.choice(_CHANGES)(module, chance)
    return module


def _read(chance: random.Random) -> bytes:
    return chance.choice(GUESTS).read_bytes()


def _flip(module: bytes, chance: random.Random) -> bytes:
    data = bytearray(module)
    for _ in range(chance.choice((1, 1, 2, 5))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _overwrite(module: bytes, chance: random.Random) -> bytes:
    data = bytearray(module)
    at = chance.randrange(len(data))
    data[at : at + 4] = chance.randbytes(chance.randrange(1, 5))
    return bytes(data)


def _truncate(module: bytes, chance: random.Random) -> bytes:
    return module[: chance.randrange(len(module))]


def _repeat(module: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(module))
    piece = module[at : at + chance.randrange(1, 64)]
    return module[:at] + piece * chance.choice((2, 3, 50)) + module[at:]


def _swap_kin(module: bytes, chance: random.Random) -> bytes:
    """Change instructions into others of their kind."""
    data = bytearray(module)
    for _ in range(chance.choice((1, 3, 10, 40))):
        at = chance.randrange(len(HEADER), len(data))
        for kin in _KIN:
            if data[at] in kin:
                data[at] = chance.choice(kin)
    return bytes(data)


def _renumber(module: bytes, chance: random.Random) -> bytes:
    """Change a constant: what follows ``i32.const`` (0x41) in the code."""
    places = [at for at in range(len(module) - 6) if module[at] == 0x41]
    if not places:
        return module
    at = chance.choice(places)
    try:
        _, end = read_leb(module, at + 1)
    except IndexError:
        return module
    return module[: at + 1] + _padded(chance.choice(_NUMBERS), end - at - 1) + module[end:]


def _padded(number: int, width: int) -> bytes:
    """A number in exactly so many bytes, as far as it fits: sizes around it stay right."""
    return binary.leb(number & ((1 << 7 * width) - 1), width)


def _by_section(module: bytes, chance: random.Random) -> bytes:
    """Change sections as wholes: drop, double, shuffle, trade with another guest."""
    try:
        sections = split(module)
    except IndexError:
        return module
    if not sections:
        return module
    at = chance.randrange(len(sections))
    match chance.randrange(7):
        case 0:
            del sections[at]
        case 1:
            sections.insert(at, sections[at])
        case 2:
            chance.shuffle(sections)
        case 3:
            _trade(sections, at, chance)
        case 4:
            sections.insert(at, (0, binary.name(chance.choice(("name", "producers", "x"))) + chance.randbytes(40)))
        case 5:
            sections[at] = (chance.randrange(16), sections[at][1])
        case _:
            sections[at] = (sections[at][0], _recount(sections[at][1], chance))
    return join(sections)


def _trade(sections: Sections, at: int, chance: random.Random) -> None:
    others = dict(split(_read(chance)))
    if sections[at][0] in others:
        sections[at] = (sections[at][0], others[sections[at][0]])


def _recount(content: bytes, chance: random.Random) -> bytes:
    """Say another number of entries, encoded in one of the ways there are."""
    if not content:
        return content
    _, start = read_leb(content, 0)
    return binary.leb(chance.choice(_NUMBERS), chance.choice((1, 1, 3, 5))) + content[start:]


_CHANGES = (_flip, _overwrite, _truncate, _repeat, _swap_kin, _swap_kin, _swap_kin, _renumber, _renumber, _by_section)
