"""Compiling in a child: bombs are refused, children and servers may die at any moment, and nobody is left behind."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

import attrs
import psutil
import pytest

from infrafabric.engine import compiler as compiler_module
from infrafabric.engine.compiler import Compiler
from infrafabric.engine.engines import code_kind
from infrafabric.errors import CompileLimitExceeded, InvalidModule, ModuleError
from infrafabric.testing import EMPTY, wat
from infrafabric.wasm import inspect_module
from tests.engine import bombs
from tests.engine.driving import python
from tests.wasm.encoding import module, section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KIND = code_kind()
#: Seconds of compiling, on any machine: too long for the tests below to see its end.
ENDLESS = bombs.table_copies(40_000)


@pytest.fixture
def compiler() -> Iterator[Compiler]:
    """A compiler with a server of its own, warm."""
    compiler = Compiler()
    compiler.compile(EMPTY, KIND, 20.0)
    yield compiler
    compiler.close()


def server_of(compiler: Compiler) -> psutil.Process:
    """Its server."""
    assert compiler._process is not None
    return psutil.Process(compiler._process.pid)


def eventually(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.005)
    return true()


def child_of(compiler: Compiler) -> psutil.Process:
    """The child that compiles now."""
    server = server_of(compiler)
    assert eventually(lambda: bool(server.children()))
    return server.children()[0]


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Order(threading.Thread):
    """A compile order on a thread of its own, with what became of it."""

    def __init__(self, compiler: Compiler, data: bytes, seconds: float) -> None:
        super().__init__()
        self.code: bytes | None = None
        self.error: ModuleError | None = None
        self._order = (compiler, data, seconds)
        self.start()

    def run(self) -> None:
        """Give the order."""
        compiler, data, seconds = self._order
        try:
            self.code = compiler.compile(data, KIND, seconds)
        except ModuleError as error:
            self.error = error


# --- bombs -----------------------------------------------------------------------------------------


@pytest.mark.timing
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (bombs.nested_blocks, "compiling it takes more than 1026 MiB"),
        (lambda: ENDLESS, "compiling it takes more than the "),
        (bombs.many_functions, None),
        (bombs.giant_function, None),
    ],
    ids=["nested blocks", "table.copy", "many functions", "a giant function"],
)
def test_a_bomb_ends_in_its_child(compiler: Compiler, make: Callable[[], bytes], said: str | None) -> None:
    """Within its time or its memory, and the memory of this process stays as it was."""
    data = make()
    inspect_module(data)
    ours = psutil.Process()
    before = ours.memory_info().rss
    started = time.perf_counter()
    code, message = b"", None
    try:
        code = compiler.compile(data, KIND, 1.2)
    except CompileLimitExceeded as error:
        message = str(error)
    assert time.perf_counter() - started < 4.0
    assert ours.memory_info().rss - before - len(code) < 32 << 20
    if said is not None:
        assert message is not None
        assert message.startswith(said)
    assert eventually(lambda: not server_of(compiler).children())
    assert compiler.compile(EMPTY, KIND, 20.0)


def test_time_is_bounded_from_both_sides(compiler: Compiler) -> None:
    """The same module is refused in a moment and compiled in a while."""
    data = bombs.table_copies(800)
    with pytest.raises(CompileLimitExceeded, match=r"more than the 0\.0\d* s left of max_load_seconds"):
        compiler.compile(data, KIND, 0.02)
    assert compiler.compile(data, KIND, 30.0)


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_no_time_left_is_a_refusal(compiler: Compiler, seconds: float) -> None:
    """A load that comes late is refused like one that takes long."""
    with pytest.raises(CompileLimitExceeded):
        compiler.compile(ENDLESS, KIND, seconds)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            module(section(1, b"\x01\x60\0\0"), section(3, b"\x01\0"), section(10, b"\x01\x03\0\x6a\x0b")),
            "type mismatch",
        ),
        (module(section(5, b"\x01\x00\x80\x80\x08")), "memory size"),
        (b"(module)", "magic header"),
        (b"", "cannot mmap an empty file"),
        (b"\0asm\x0d\0\x01\0", "component"),
    ],
    ids=["a wrong body", "a huge memory", "text", "nothing", "a component"],
)
def test_what_the_engine_does_not_accept(compiler: Compiler, data: bytes, said: str) -> None:
    """The engine's word comes back as our error, and text is not taken for a module."""
    with pytest.raises(ModuleError) as caught:
        compiler.compile(data, KIND, 20.0)
    assert said in str(caught.value)
    assert isinstance(caught.value, InvalidModule) or not data


# --- who dies when ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_ended_between_orders(compiler: Compiler, number: int) -> None:
    """The next order starts another."""
    server = server_of(compiler)
    server.send_signal(number)
    assert eventually(lambda: gone(server))
    assert compiler.compile(EMPTY, KIND, 20.0)
    assert server_of(compiler).pid != server.pid
    assert gone(server)


def test_a_server_that_is_killed_during_an_order(compiler: Compiler) -> None:
    """Whoever waits sees it at once and asks another server; the orphan does not go on."""
    order = Order(compiler, bombs.table_copies(2000), 30.0)
    server, child = server_of(compiler), child_of(compiler)
    server.kill()
    if sys.platform == "linux":
        assert eventually(lambda: gone(child))
    order.join(30)
    assert order.error is None
    assert order.code
    assert server_of(compiler).pid != server.pid


def test_others_do_not_wait_for_a_dead_servers_orders(compiler: Compiler) -> None:
    """A server killed while two children compile: both orders are made again, neither runs into its time."""
    orders = [Order(compiler, bombs.table_copies(1500 + number), 30.0) for number in range(2)]
    server = server_of(compiler)
    assert eventually(lambda: len(server.children()) == 2)
    server.kill()
    for order in orders:
        order.join(30)
        assert order.code, order.error


def test_a_child_that_is_killed_is_a_refusal(compiler: Compiler) -> None:
    """As when the machine runs out of memory: the order is refused, the server goes on."""
    order = Order(compiler, ENDLESS, 30.0)
    server, child = server_of(compiler), child_of(compiler)
    child.kill()
    order.join(10)
    assert isinstance(order.error, CompileLimitExceeded)
    assert "the system killed its compiler" in str(order.error)
    assert compiler.compile(EMPTY, KIND, 20.0)
    assert server_of(compiler).pid == server.pid


@pytest.mark.timing
def test_a_child_that_stands_still_is_given_up(compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped child hears no alarm: after a grace its client goes, and that ends it."""
    monkeypatch.setattr(compiler_module, "_GRACE_SECONDS", 0.3)
    order = Order(compiler, ENDLESS, 0.5)
    child = child_of(compiler)
    child.suspend()
    order.join(5)
    assert isinstance(order.error, CompileLimitExceeded)
    assert eventually(lambda: gone(child))
    assert compiler.compile(EMPTY, KIND, 20.0)


INTERRUPTED = """
import os, signal, sys, threading, time
import attrs
import psutil
from infrafabric.engine.compiler import COMPILER
from infrafabric.engine.engines import code_kind
from infrafabric.testing import EMPTY
from tests.engine import bombs
kind, bomb = code_kind(), bombs.table_copies(40_000)
COMPILER.compile(EMPTY, kind, 20.0)
server = psutil.Process(COMPILER._process.pid)
sent = []
def interrupt():
    while not server.children():
        time.sleep(0.001)
    sent.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    COMPILER.compile(bomb, kind, 30.0)
except KeyboardInterrupt:
    took = time.perf_counter() - sent[0]
    end = time.monotonic() + 5
    while server.children() and time.monotonic() < end:
        time.sleep(0.001)
    print(took < 0.5, server.children(), len(COMPILER.compile(EMPTY, kind, 20.0)) > 0, server.is_running())
"""


@pytest.mark.timing
def test_ctrl_c_during_a_compilation_ends_the_child() -> None:
    """KeyboardInterrupt comes out at once, the child is gone, the server stays."""
    done = python(INTERRUPTED)
    assert done.stdout.strip() == "True [] True True", done.stderr


PARENT = """
import sys, threading, time
import attrs
import psutil
from infrafabric.engine.compiler import COMPILER
from infrafabric.engine.engines import code_kind
from infrafabric.testing import EMPTY
from tests.engine import bombs
kind = code_kind()
COMPILER.compile(EMPTY, kind, 20.0)
server = psutil.Process(COMPILER._process.pid)
threading.Thread(target=COMPILER.compile, args=(bombs.table_copies(40_000), kind, 60.0), daemon=True).start()
while not server.children():
    time.sleep(0.001)
print(server.pid, server.children()[0].pid, flush=True)
{end}
"""


@pytest.mark.parametrize(
    "end",
    ["sys.exit()", "import os; os._exit(3)", "import os; os.kill(os.getpid(), 9)"],
    ids=["exit", "_exit", "killed"],
)
def test_nobody_outlives_this_process(end: str) -> None:
    """However the host ends, its compile server and the child end with it."""
    done = python(PARENT.format(end=end))
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2, done.stderr
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            assert eventually(lambda pid=pid: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie")  # type: ignore[misc]


IDLE = """
import socket, sys, time
from infrafabric.engine import compile_server
compile_server.IDLE_SECONDS = 0.2
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
started = time.perf_counter()
compile_server.Server(theirs).serve()
print(time.perf_counter() - started < 5)
"""


def test_an_idle_server_ends() -> None:
    """A server that nobody asks anything goes away by itself."""
    assert python(IDLE).stdout.strip() == "True"


def test_a_server_whose_client_is_gone_ends(compiler: Compiler) -> None:
    """Closing the control socket is its end, with whatever it was doing."""
    order = Order(compiler, ENDLESS, 30.0)
    server, child = server_of(compiler), child_of(compiler)
    compiler.close()
    assert eventually(lambda: gone(child))
    assert eventually(lambda: gone(server))
    # The order that was under way starts another server; end that one's child too.
    assert eventually(lambda: compiler._process is not None)
    child_of(compiler).kill()
    order.join(10)
    assert order.error is not None


def test_closing_is_no_end(compiler: Compiler) -> None:
    """A closed compiler starts again when asked, and may be closed again."""
    server = server_of(compiler)
    compiler.close()
    compiler.close()
    assert gone(server)
    assert compiler.compile(EMPTY, KIND, 20.0)


# --- many at once ----------------------------------------------------------------------------------


def test_many_orders_at_once_get_their_own_code(compiler: Compiler) -> None:
    """Each gets the code of its module or its own refusal, bombs and broken modules among them."""
    good = [wat(f'(module (func (export "f") (result i32) (i32.const {number})))') for number in range(6)]
    alone = [compiler.compile(data, KIND, 20.0) for data in good]
    orders = [Order(compiler, data, 30.0) for data in good for _ in range(3)]
    broken = Order(compiler, b"broken", 30.0)
    bomb = Order(compiler, ENDLESS, 1.0)
    for order in [*orders, broken, bomb]:
        order.join(40)
    assert [order.code for order in orders] == [code for code in alone for _ in range(3)]
    assert isinstance(broken.error, InvalidModule)
    assert isinstance(bomb.error, CompileLimitExceeded)


def test_only_so_many_children_at_once(compiler: Compiler) -> None:
    """A flood of orders takes the memory of a few: the others wait, within their time."""
    places = compiler_module._MAX_CHILDREN
    orders = [Order(compiler, ENDLESS, 1.0) for _ in range(places + 2)]
    server = server_of(compiler)
    assert eventually(lambda: len(server.children()) == places)
    most = 0
    while any(order.is_alive() for order in orders):
        most = max(most, len(server.children()))
        time.sleep(0.01)
    assert most == places
    assert all(isinstance(order.error, CompileLimitExceeded) for order in orders)


def test_an_order_that_finds_no_place_in_time_says_so(compiler: Compiler) -> None:
    """The refusal names the others, not the module."""
    taken = [compiler._places.acquire() for _ in range(compiler_module._MAX_CHILDREN)]
    try:
        with pytest.raises(CompileLimitExceeded, match=r"other modules were compiled during all of the 0\.05 s"):
            compiler.compile(EMPTY, KIND, 0.05)
    finally:
        for _ in taken:
            compiler._places.release()
    assert compiler.compile(EMPTY, KIND, 20.0)


def test_nothing_is_left_behind(compiler: Compiler) -> None:
    """No descriptor, process or temporary file, on either side, after orders that ended in every way."""
    ours, server = psutil.Process(), server_of(compiler)

    def orders() -> None:
        compiler.compile(EMPTY, KIND, 20.0)
        for data, seconds in ((b"broken", 20.0), (ENDLESS, 0.02), (b"", 20.0)):
            with pytest.raises(ModuleError):
                compiler.compile(data, KIND, seconds)

    orders()
    gc.collect()
    before = ours.num_fds(), server.num_fds()
    for _ in range(5):
        orders()
    assert eventually(lambda: server.children() == [])
    assert eventually(lambda: server.num_fds() == before[1])
    assert ours.num_fds() <= before[0]


# --- where there is no compiler --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("/nonexistent/python", "it cannot be compiled here: No such file"),
        ("/bin/true", "ended twice before it answered"),
    ],
)
def test_a_server_that_cannot_start(monkeypatch: pytest.MonkeyPatch, program: str, said: str) -> None:
    """A host without a usable interpreter gets a module error that says so, not a stray exception."""
    compiler = Compiler()
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(ModuleError, match=said):
        compiler.compile(EMPTY, KIND, 20.0)
    monkeypatch.undo()
    assert compiler.compile(EMPTY, KIND, 20.0)
    compiler.close()


def test_a_failure_of_the_child_itself_is_told(compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that the child cannot understand is our bug, and the message has the child's own words."""
    monkeypatch.setattr(attrs, "asdict", lambda _: {"nonsense": True})
    with pytest.raises(ModuleError, match=r"compiling it failed: TypeError: .*nonsense.*please report it"):
        compiler.compile(EMPTY, KIND, 20.0)


LIMITED = """
import resource, sys
from infrafabric.engine.compiler import COMPILER
from infrafabric.engine.engines import code_kind
from infrafabric.testing import EMPTY
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
print(len(COMPILER.compile(EMPTY, code_kind(), 20.0)) > 0)
"""


def test_a_stricter_limit_of_the_host_is_kept() -> None:
    """A process that is limited itself compiles within its own limit."""
    done = python(LIMITED)
    assert done.stdout.strip() == "True", done.stderr


def test_modules_come_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no temporary file can be made, compiling still works on Linux; elsewhere it is a module error."""
    monkeypatch.setenv("TMPDIR", "/nonexistent")
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    compiler = Compiler()
    if hasattr(os, "memfd_create"):
        assert compiler.compile(EMPTY, KIND, 20.0)
        monkeypatch.delattr(os, "memfd_create")
    with pytest.raises(ModuleError, match="it cannot be compiled here"):
        compiler.compile(EMPTY, KIND, 20.0)
    compiler.close()
