"""The code cache: private, checked, bounded, and never in the way."""

from __future__ import annotations

import hashlib
import os
import random
import resource
import stat
import threading
import time
from typing import TYPE_CHECKING

import pytest

from infrafabric.engine import CacheRefusedError, CodeCache, default_cache_folder, load_program
from infrafabric.engine import program as program_module
from infrafabric.engine.cache import _MAGIC
from infrafabric.engine.compiler import COMPILER
from infrafabric.engine.settings import CodeKind
from infrafabric.testing import wat
from infrafabric.wasm import inspect_module
from tests.engine.driving import python

if TYPE_CHECKING:
    from pathlib import Path

    from infrafabric.engine import Program

KIND = CodeKind()
NAME = hashlib.sha256(b"a module").hexdigest()
CODE = bytes(range(256)) * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the cache of a test lies."""
    return tmp_path / "code"


@pytest.fixture
def cache(folder: Path) -> CodeCache:
    """A cache with one entry."""
    cache = CodeCache(folder)
    cache.put(NAME, KIND, CODE)
    return cache


def files(folder: Path) -> list[Path]:
    """Everything that lies there."""
    return sorted(folder.iterdir())


# --- what is kept ----------------------------------------------------------------------------------


def test_what_was_put_comes_back(cache: CodeCache, folder: Path) -> None:
    """Under the same module and kind, also for another cache on the same folder, and nothing else lies there."""
    assert cache.get(NAME, KIND) == CODE
    assert CodeCache(folder).get(NAME, KIND) == CODE
    (file,) = files(folder)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_each_kind_of_code_has_its_own(cache: CodeCache) -> None:
    """Code of one kind is never given out as another; neither is another module's."""
    kinds = [
        CodeKind(fuel=f, canonical_nans=n, compact=c)
        for f in (False, True)
        for n in (False, True)
        for c in (False, True)
    ]
    assert len({kind.fingerprint() for kind in kinds}) == 8
    assert [cache.get(NAME, kind) for kind in kinds[1:]] == [None] * 7
    assert cache.get("0" * 64, KIND) is None


def test_an_entry_can_be_forgotten(cache: CodeCache, folder: Path) -> None:
    """Discarding removes it, and discarding nothing is fine."""
    cache.discard(NAME, KIND)
    cache.discard(NAME, KIND)
    assert cache.get(NAME, KIND) is None
    assert files(folder) == []


# --- what is damaged -------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, len(_MAGIC) - 1, len(_MAGIC), len(_MAGIC) + 31, len(_MAGIC) + 32, -1])
@pytest.mark.parametrize("bit", [0, 7])
def test_a_flipped_bit_is_found(cache: CodeCache, folder: Path, place: int, bit: int) -> None:
    """In the magic, the digest, or the code: the entry is deleted and made again."""
    (file,) = files(folder)
    content = bytearray(file.read_bytes())
    content[place] ^= 1 << bit
    file.write_bytes(content)
    assert cache.get(NAME, KIND) is None
    assert files(folder) == []
    cache.put(NAME, KIND, CODE)
    assert cache.get(NAME, KIND) == CODE


@pytest.mark.parametrize("size", [0, 1, len(_MAGIC), len(_MAGIC) + 31, len(_MAGIC) + 32, -1])
def test_a_truncated_file_is_found(cache: CodeCache, folder: Path, size: int) -> None:
    """Also an empty one, and one that lost its last byte."""
    (file,) = files(folder)
    file.write_bytes(file.read_bytes()[:size])
    assert cache.get(NAME, KIND) is None
    assert files(folder) == []


def test_a_longer_file_is_found(cache: CodeCache, folder: Path) -> None:
    """What follows the code belongs to it."""
    (file,) = files(folder)
    file.write_bytes(file.read_bytes() + b"\0")
    assert cache.get(NAME, KIND) is None


def test_an_entry_under_another_name_is_found(cache: CodeCache, folder: Path) -> None:
    """A whole entry that was renamed is not taken for the other module's code."""
    (file,) = files(folder)
    other = hashlib.sha256(b"another module").hexdigest()
    file.rename(folder / file.name.replace(NAME, other))
    assert cache.get(other, KIND) is None


@pytest.mark.parametrize("what", ["folder", "link", "dangling link", "pipe"])
def test_what_is_no_plain_file_is_not_read(cache: CodeCache, folder: Path, what: str, tmp_path: Path) -> None:
    """Neither a link to a good file nor a pipe that would block is an entry."""
    (file,) = files(folder)
    elsewhere = tmp_path / "elsewhere"
    file.rename(elsewhere)
    if what == "folder":
        file.mkdir()
    elif what == "link":
        file.symlink_to(elsewhere)
    elif what == "dangling link":
        file.symlink_to(tmp_path / "nothing")
    else:
        os.mkfifo(file)
    assert cache.get(NAME, KIND) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_somebody_else_is_not_read(cache: CodeCache, folder: Path) -> None:
    """A good entry that belongs to another user was not written by us."""
    (file,) = files(folder)
    os.chown(file, 12345, 12345)
    assert cache.get(NAME, KIND) is None


# --- whose folder it is ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "said"), [(0o755, "mode 755"), (0o710, "mode 710"), (0o701, "mode 701"), (0o777, "777")]
)
def test_a_folder_that_others_may_enter_is_refused(folder: Path, mode: int, said: str) -> None:
    """Code is run: the folder has to be ours alone, and the message says how to make it so."""
    folder.mkdir(mode=0o700)
    folder.chmod(mode)
    with pytest.raises(CacheRefusedError) as caught:
        CodeCache(folder)
    assert said in str(caught.value)
    assert "chmod 700" in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_folder_of_somebody_else_is_refused(folder: Path) -> None:
    """Whatever its mode."""
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)
    with pytest.raises(CacheRefusedError, match="belongs to uid 12345, not to uid 0"):
        CodeCache(folder)


def test_a_file_in_its_place_is_refused(folder: Path) -> None:
    """A file is no folder."""
    folder.write_text("")
    with pytest.raises(CacheRefusedError, match="cannot be used: File exists"):
        CodeCache(folder)


@pytest.mark.parametrize(("mode", "refused"), [(0o700, False), (0o755, True)])
def test_a_link_is_judged_by_what_it_leads_to(tmp_path: Path, folder: Path, mode: int, refused: bool) -> None:  # noqa: FBT001
    """A cache moved to another disk and linked works, if the place itself is private."""
    target = tmp_path / "disk"
    target.mkdir()
    target.chmod(mode)
    folder.symlink_to(target)
    if refused:
        with pytest.raises(CacheRefusedError):
            CodeCache(folder)
        return
    cache = CodeCache(folder)
    cache.put(NAME, KIND, CODE)
    assert cache.get(NAME, KIND) == CODE


@pytest.mark.parametrize("xdg", ["set", "empty", "unset"])
def test_the_folder_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, xdg: str) -> None:
    """Where the user's caches lie."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg") if xdg == "set" else "")
    if xdg == "unset":
        monkeypatch.delenv("XDG_CACHE_HOME")
    base = tmp_path / ("xdg" if xdg == "set" else ".cache")
    assert default_cache_folder() == base / "infrafabric"


# --- bounds ----------------------------------------------------------------------------------------


def test_the_least_recently_used_go(folder: Path) -> None:
    """Over the limit the oldest entries are deleted; using one makes it young."""
    entry = len(_MAGIC) + 32 + 1000
    cache = CodeCache(folder, max_bytes=3 * entry)
    names = [f"{index:064}" for index in range(4)]
    for age, name in enumerate(names[:3]):
        cache.put(name, KIND, b"x" * 1000)
        os.utime(cache._path(name, KIND), ns=(age, age))
    assert cache.get(names[0], KIND) is not None
    cache.put(names[3], KIND, b"x" * 1000)
    assert [cache.get(name, KIND) is not None for name in names] == [True, False, True, True]


def test_what_is_not_the_caches_stays(folder: Path) -> None:
    """A folder that also holds other files loses none of them, however large."""
    cache = CodeCache(folder, max_bytes=100)
    (folder / "notes.txt").write_bytes(b"x" * 10_000)
    os.utime(folder / "notes.txt", ns=(0, 0))
    cache.put(NAME, KIND, CODE)
    assert (folder / "notes.txt").exists()
    assert cache.get(NAME, KIND) is None  # larger than the limit by itself


def test_what_a_killed_writer_left_goes_with_the_old(folder: Path) -> None:
    """Half-written files count, and go when their time has come."""
    cache = CodeCache(folder, max_bytes=len(_MAGIC) + 32 + len(CODE))
    left = folder / ".ifnew-abc"
    left.write_bytes(b"x" * 500)
    os.utime(left, ns=(0, 0))
    cache.put(NAME, KIND, CODE)
    assert [file.name for file in files(folder)] == [cache._path(NAME, KIND).name]


def test_many_writers_and_readers_at_once(folder: Path) -> None:
    """A reader gets a whole entry or none, whoever writes, trims or discards meanwhile."""
    caches = [CodeCache(folder, max_bytes=4 * 6000) for _ in range(4)]
    names = [f"{index:064}" for index in range(6)]
    codes = {name: name.encode() * 80 for name in names}
    wrong: list[str] = []

    def work(cache: CodeCache, seed: int) -> None:
        choice = random.Random(seed)  # noqa: S311 - the same mix in every run
        for _ in range(150):
            name = choice.choice(names)
            match choice.randrange(5):
                case 0 | 1:
                    cache.put(name, KIND, codes[name])
                case 2:
                    cache.discard(name, KIND)
                case _:
                    if cache.get(name, KIND) not in (None, codes[name]):
                        wrong.append(name)

    threads = [threading.Thread(target=work, args=(cache, seed)) for seed, cache in enumerate(caches)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert not [file for file in files(folder) if file.name.startswith(".ifnew-")]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from infrafabric.engine import CodeCache
from infrafabric.engine.settings import CodeKind
cache = CodeCache(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
cache.put("a" * 64, CodeKind(), b"x" * 5000)
print(cache.get("a" * 64, CodeKind()), len(list(Path(sys.argv[1]).iterdir())))
cache.put("a" * 64, CodeKind(), b"x" * 3000)
print(len(cache.get("a" * 64, CodeKind())))
"""


def test_a_full_disk_only_means_not_kept(folder: Path) -> None:
    """A write that fails half-way leaves nothing behind; one that fits is kept."""
    done = python(FULL_DISK, str(folder))
    assert done.stdout.split() == ["None", "0", "3000"], done.stderr


def test_a_vanished_folder_only_means_not_kept(cache: CodeCache, folder: Path) -> None:
    """Somebody who deletes the cache while it is used does no harm."""
    for file in files(folder):
        file.unlink()
    folder.rmdir()
    cache.put(NAME, KIND, CODE)
    assert cache.get(NAME, KIND) is None
    cache.discard(NAME, KIND)


def test_an_interrupted_write_leaves_nothing(cache: CodeCache, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while writing is not swallowed, and no half file stays."""

    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cache.put("b" * 64, KIND, CODE)
    assert len(files(folder)) == 1


# --- with the engine -------------------------------------------------------------------------------

MODULE = '(module (func (export "f") (result i32) (i32.const {number})))'


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the modules that were really compiled."""
    sizes: list[int] = []

    class Counting:
        def compile(self, module: bytes, kind: CodeKind, timeout_seconds: float) -> bytes:
            sizes.append(len(module))
            return COMPILER.compile(module, kind, timeout_seconds)

    monkeypatch.setattr(program_module, "COMPILER", Counting())
    return sizes


def load(number: int, cache: CodeCache | None) -> Program:
    """Load a module; nothing keeps it afterwards but the caller."""
    data = wat(MODULE.format(number=number))
    return load_program(inspect_module(data), data, fuel=False, deterministic=False, cache=cache, timeout_seconds=20.0)


def test_the_second_load_does_not_compile(folder: Path, compiled: list[int]) -> None:
    """Code is compiled once and comes from the cache from then on."""
    cache = CodeCache(folder)
    load(1, cache)
    load(1, cache)
    assert len(compiled) == 1
    load(2, cache)
    assert len(compiled) == 2


SECOND_PROCESS = """
import sys, time
from pathlib import Path
from infrafabric.engine import CodeCache, load_program
from infrafabric.engine import program
from infrafabric.wasm import inspect_module
data = bytes.fromhex(sys.argv[2])
program.COMPILER = None
cache = CodeCache(Path(sys.argv[1]))
load_program(inspect_module(data), data, fuel=False, deterministic=False, cache=cache, timeout_seconds=20)
print("from the cache")
"""


def test_another_process_does_not_compile_either(folder: Path) -> None:
    """What one process compiled, the next one finds."""
    load(3, CodeCache(folder))
    done = python(SECOND_PROCESS, str(folder), wat(MODULE.format(number=3)).hex())
    assert done.stdout.strip() == "from the cache", done.stderr


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "another build"])
def test_a_damaged_entry_is_built_again(folder: Path, compiled: list[int], damage: str) -> None:
    """Damage of any kind costs a compilation, and the entry is whole afterwards."""
    cache = CodeCache(folder)
    load(4, cache)
    (file,) = files(folder)
    good = file.read_bytes()
    if damage == "another build":
        name = file.name.partition("-")[0]
        cache.put(name, KIND, b"\x7fELF of another engine")
    else:
        bad = {"flip": good[:-1] + bytes([good[-1] ^ 1]), "cut": good[:-100], "empty": b""}[damage]
        file.write_bytes(bad)
    load(4, cache)
    assert len(compiled) == 2
    assert cache.get(file.name.partition("-")[0], KIND) == good[len(_MAGIC) + 32 :]
    load(4, cache)
    assert len(compiled) == 2


@pytest.mark.timing
def test_a_load_from_the_cache_takes_milliseconds(folder: Path) -> None:
    """The bar is 5 ms for a small module; here with room for a busy machine."""
    cache = CodeCache(folder)
    load(5, cache)
    best = 1.0
    for _ in range(10):
        started = time.perf_counter()
        load(5, cache)
        best = min(best, time.perf_counter() - started)
    assert best < 0.05


def test_nothing_is_kept_when_there_is_no_cache(compiled: list[int]) -> None:
    """Without a cache every load compiles."""
    load(6, None)
    load(6, None)
    assert len(compiled) == 2


def test_limits_of_this_process_are_untouched() -> None:
    """Compiling in a child changes no limit of ours."""
    before = [resource.getrlimit(kind) for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)]
    load(7, None)
    assert before == [
        resource.getrlimit(kind) for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)
    ]
