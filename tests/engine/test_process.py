"""The process around the engine: many chassis, little address space, trap handlers, forks, deep stacks, and the end."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pytest

from tests.engine.driving import python

GUEST = r'''
import json, os, signal, sys, tempfile, threading, time
from infrafabric.chassis import IFChassis
from infrafabric.testing import contract, wat
WAT = wat("""(module
  (import "env" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1) (data (i32.const 16) "hello")
  (func (export "quick") (result i32) (i32.const 7))
  (func (export "say") (call $log (i32.const 16) (i32.const 5)))
  (func (export "out_of_bounds") (result i32) (i32.load (i32.const 0x7ffffff0)))
  (func (export "divide") (result i32) (i32.div_s (i32.const 1) (i32.const 0)))
  (func $deep (export "deep") (call $deep))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "spin") (loop (br 0))))""")
CACHE = os.environ.get("CACHE") or tempfile.mkdtemp()
def new_chassis(**limits):
    chassis = IFChassis(cache_dir=CACHE)
    chassis.load_swarm("s", WAT, contract("s", resource_limits=limits))
    return chassis
def status(chassis, task, params=None, seconds=None):
    result = chassis.execute_task("s", task, params, seconds, check=False)
    return result.output if result.ok else (result.error.trap_code or result.status)
'''


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Compiled code that the programs of this file share."""
    folder = tmp_path_factory.mktemp("code")
    folder.chmod(0o700)
    return str(folder)


@pytest.fixture(autouse=True)
def _shared_cache(cache_dir: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE", cache_dir)


def run(code: str, *arguments: str, options: tuple[str, ...] = (), returncode: int = 0) -> Any:
    """Run a program with a guest at hand; what it printed last, as JSON."""
    done = python(GUEST + code, *arguments, options=options)
    assert done.returncode == returncode, (done.returncode, done.stderr)
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout else None


# --- many, and little ------------------------------------------------------------------------------


def test_a_hundred_chassis_in_one_process() -> None:
    """Engines belong to the process: a hundred chassis cost no address space each."""
    output = run("""
chassis = [new_chassis() for _ in range(100)]
print(json.dumps([status(one, "quick") for one in chassis] + [status(chassis[0], "out_of_bounds")]))
for one in chassis: one.close()
""")
    assert output == [7] * 100 + ["memory_out_of_bounds"]


@pytest.mark.parametrize("gibibytes", [2, 4, 16])
def test_an_address_space_limit_is_lived_with(gibibytes: int) -> None:
    """Under ``ulimit -v`` no engine aborts the process: tasks run, memories grow, traps are traps."""
    output = run(
        """
import resource
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]) << 30,) * 2)
chassis = new_chassis(max_memory_mb=64)
statuses = [status(chassis, name) for name in ("quick", "out_of_bounds", "divide", "deep")]
statuses += [status(chassis, "grow", [1000]), status(chassis, "grow", [2000]), status(chassis, "spin", None, 0.05)]
threads = [threading.Thread(target=lambda: statuses.append(status(chassis, "quick"))) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(statuses))
chassis.close()
""",
        str(gibibytes),
    )
    traps = ["memory_out_of_bounds", "integer_division_by_zero", "stack_overflow"]
    assert output == [7, *traps, 1, -1, "timeout", *[7] * 8]


def test_every_pool_is_measured_before_it_is_made() -> None:
    """Fuel and determinism have pools of their own: where the address space holds one but not four, none aborts."""
    output = run("""
import resource
resource.setrlimit(resource.RLIMIT_AS, (12 << 40,) * 2)
from infrafabric.engine.engines import _engines
outputs = []
for number, (fuel, deterministic) in enumerate(((None, False), (10**6, False), (None, True), (10**6, True))):
    chassis = IFChassis(cache_dir=CACHE)
    fields = {"resource_limits": {"max_fuel": fuel}, "execution": {"deterministic": deterministic}}
    chassis.load_swarm("s", WAT, contract("s", **fields))
    outputs.append(status(chassis, "quick"))
    chassis.close()
print(json.dumps([outputs, sorted(len(engine.slots) for engine in _engines.values() if engine.pooled)]))
""")
    assert output[0] == [7] * 4
    assert output[1][-1] == 1000
    assert output[1][0] < 1000


# --- trap handlers ---------------------------------------------------------------------------------

SWITCHES = {"on": "faulthandler.enable()", "off": "faulthandler.disable()"}
#: Every order of three switches is somewhere in here.
ORDERS = ("on", "on", "on", "off", "on", "off", "off", "off", "on", "on")


@pytest.mark.parametrize("before_engine", ["on", "off"])
@pytest.mark.parametrize("at_start", ["on", "off"])
def test_faulthandler_in_any_order(at_start: str, before_engine: str) -> None:
    """However it is switched before and between tasks, a guest's fault is a trap and not the end of the process."""
    switches = "\n".join(f"{SWITCHES[switch]}; seen.append(status(chassis, 'out_of_bounds'))" for switch in ORDERS)
    output = run(
        f"""
import faulthandler
seen = []
{SWITCHES[before_engine]}
chassis = new_chassis()
{switches}
seen += [status(chassis, name) for name in ("divide", "deep", "quick")]
print(json.dumps(seen))
chassis.close()
""",
        options=("-X", "faulthandler") if at_start == "on" else (),
    )
    assert output == ["memory_out_of_bounds"] * len(ORDERS) + ["integer_division_by_zero", "stack_overflow", 7]


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGILL"])
def test_a_signal_handler_for_faults_is_put_aside(name: str) -> None:
    """Whoever installs a handler for a fault between tasks does not turn guests' faults into crashes."""
    output = run(
        """
chassis = new_chassis()
seen = [status(chassis, "out_of_bounds")]
signal.signal(getattr(signal, sys.argv[1]), signal.SIG_DFL)
seen += [status(chassis, "out_of_bounds"), status(chassis, "divide"), status(chassis, "deep")]
print(json.dumps(seen))
chassis.close()
""",
        name,
    )
    assert output == ["memory_out_of_bounds"] * 2 + ["integer_division_by_zero", "stack_overflow"]


def test_a_fault_of_the_process_itself_is_still_a_crash() -> None:
    """The engine's handlers do not hide a real crash."""
    done = python(GUEST + "chassis = new_chassis(); status(chassis, 'quick')\nimport ctypes; ctypes.string_at(8)")
    assert done.returncode == -11


# --- stacks ----------------------------------------------------------------------------------------


def test_small_thread_stacks() -> None:
    """A task called on a thread of 256 KiB runs on one that is large enough, faults and callbacks included."""
    output = run("""
chassis = new_chassis()
seen = []
def work():
    seen.extend(status(chassis, name) for name in ("quick", "deep", "say", "out_of_bounds"))
threading.stack_size(256 * 1024)
thread = threading.Thread(target=work)
thread.start(); thread.join()
print(json.dumps(seen))
chassis.close()
""")
    assert output == [7, "stack_overflow", None, "memory_out_of_bounds"]


def test_deep_python_recursion() -> None:
    """At the bottom of a deep recursion a task raises RecursionError or runs: nothing else, and nothing breaks."""
    output = run("""
chassis = new_chassis()
seen = {"ran": 0, "refused": 0, "other": []}
def descend():
    try:
        descend()
    except RecursionError:
        pass
    try:
        assert status(chassis, "say") is None
        seen["ran"] += 1
    except RecursionError:
        seen["refused"] += 1
    except BaseException as error:
        seen["other"].append(repr(error))
descend()
seen["after"] = status(chassis, "quick")
print(json.dumps(seen))
chassis.close()
""")
    assert output["other"] == []
    assert output["refused"] > 10
    assert output["ran"] > 500
    assert output["after"] == 7


# --- fork ------------------------------------------------------------------------------------------

IN_CHILD = """
def in_child(check, seconds=8):
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            said = check()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(write, json.dumps(said).encode())
        os._exit(0)
    os.close(write)
    import select
    if not select.select([read], [], [], seconds)[0]:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        return "hung"
    said = os.read(read, 65536)
    os.close(read)
    os.waitpid(pid, 0)
    return json.loads(said) if said else "died"
"""


def fork_test(code: str) -> Any:
    """Run a program that forks."""
    return run(IN_CHILD + code, options=("-W", "ignore::DeprecationWarning"))


def test_a_forked_child_is_refused_the_parents_chassis() -> None:
    """Every use of it says why at once; closing it is fine; the parent goes on."""
    output = fork_test("""
chassis = new_chassis()
status(chassis, "quick")
def use(act):
    try:
        act()
    except Exception as error:
        return type(error).__name__
    return "done"
def child():
    acts = [lambda: chassis.execute_task("s", "quick"), lambda: chassis.submit_task("s", "quick"),
            lambda: chassis.load_swarm("t", WAT, contract("t")), lambda: chassis.unload_swarm("s"),
            lambda: chassis.close()]
    return [use(act) for act in acts]
print(json.dumps([in_child(child), status(chassis, "quick"), status(chassis, "spin", None, 0.05)]))
chassis.close()
""")
    assert output == [["ChassisClosedError"] * 4 + ["done"], 7, "timeout"]


@pytest.mark.timing
def test_a_forked_child_can_make_a_chassis_of_its_own() -> None:
    """In the child modules load and compile, guests run, log and end at their deadline, while the parent's do too."""
    output = fork_test("""
import logging
class Keep(logging.Handler):
    def emit(self, record): seen.append(record.getMessage())
seen = []
logging.getLogger("infrafabric.swarm").addHandler(Keep()); logging.getLogger("infrafabric.swarm").setLevel(1)
chassis = new_chassis(max_concurrent_tasks=4, max_cpu_percent=400)
for name in ("quick", "say"): status(chassis, name)
spinning = [chassis.submit_task("s", "spin", None, 1.5, check=False) for _ in range(2)]
time.sleep(0.1)
def child():
    seen.clear()
    with new_chassis() as own:
        fresh = wat(f'(module (func (export "f") (result i32) (i32.const {os.getpid()})))')
        own.load_swarm("fresh", fresh, contract("fresh"))
        started = time.perf_counter()
        ended = status(own, "spin", None, 0.1)
        late = time.perf_counter() - started
        ended = [ended, late < 1, status(own, "quick"), status(own, "say"), status(own, "out_of_bounds")]
        ended.append(own.execute_task("fresh", "f").output == os.getpid())
    return ended + [seen]
first = in_child(child)
print(json.dumps([first, in_child(child), [future.result().status for future in spinning], status(chassis, "quick")]))
chassis.close()
""")
    in_child = ["timeout", True, 7, None, "memory_out_of_bounds", True, ["[WASM:s] hello"]]
    assert output == [in_child, in_child, ["timeout", "timeout"], 7]


def test_a_fork_inside_a_fork() -> None:
    """Generations of processes each have their own."""
    output = fork_test("""
chassis = new_chassis()
def grandchild():
    with new_chassis() as own:
        return [status(own, "quick"), status(own, "spin", None, 0.05)]
def child():
    with new_chassis() as own:
        return [status(own, "spin", None, 0.05), in_child(grandchild, 4), status(own, "quick")]
print(json.dumps([in_child(child), status(chassis, "quick")]))
chassis.close()
""")
    assert output == [["timeout", [7, "timeout"], 7], 7]


# --- the end ---------------------------------------------------------------------------------------

ENDINGS = {
    "a daemon thread": ("threading.Thread(target=spin, daemon=True).start()", 0),
    "a thread that is waited for": ("threading.Thread(target=spin).start()", 0),
    "a submitted task": ("chassis.submit_task('s', 'spin', None, 30, check=False)", 0),
    "many threads": ("for _ in range(8): threading.Thread(target=spin, daemon=True).start()", 0),
    "a task of an exit handler": ("import atexit; atexit.register(lambda: print(status(chassis, 'quick')))", 0),
    "a guest that waits in the host": ("threading.Thread(target=say, daemon=True).start()", 0),
    "SIGTERM": ("threading.Thread(target=spin, daemon=True).start(); time.sleep(0.1); os.kill(os.getpid(), 15)", -15),
    "SIGTERM handled": (
        "signal.signal(15, lambda *_: sys.exit(3)); threading.Timer(0.1, os.kill, (os.getpid(), 15)).start(); spin()",
        3,
    ),
    "an exception": ("threading.Thread(target=spin, daemon=True).start(); time.sleep(0.1); raise SystemExit(4)", 4),
}


@pytest.mark.timing
@pytest.mark.parametrize("ending", ENDINGS)
def test_the_interpreter_ends_with_tasks_running(ending: str) -> None:
    """Guests are ended, nothing crashes, nothing hangs, whoever runs them and however the end comes."""
    code, returncode = ENDINGS[ending]
    started = time.perf_counter()
    done = python(
        GUEST
        + f"""
chassis = new_chassis(max_concurrent_tasks=8, max_execution_time_seconds=30, max_cpu_percent=800)
status(chassis, "quick")
def spin():
    status(chassis, "spin", None, 1.5 if {"waited for" in ending} else 30)
def say():
    while True: status(chassis, "say")
{code}
time.sleep(0.2)
""",
        options=("-W", "ignore::ResourceWarning"),
    )
    assert done.returncode == returncode, (done.returncode, done.stderr)
    assert "Fatal" not in done.stderr
    assert time.perf_counter() - started < 6


def test_what_a_guest_said_last_is_not_lost() -> None:
    """A program that ends right after its tasks, without closing anything, has still logged what the guest said."""
    done = python(
        GUEST
        + """
import logging
class Slow(logging.StreamHandler):
    def emit(self, record):
        time.sleep(0.005)
        super().emit(record)
logging.basicConfig(format="%(message)s", handlers=[Slow()])
logging.getLogger("infrafabric.swarm").setLevel("INFO")
chassis = new_chassis()
for _ in range(40): status(chassis, "say")
""",
        options=("-W", "ignore::ResourceWarning"),
    )
    assert done.returncode == 0
    assert done.stderr == "[WASM:s] hello\n" * 40


def test_closing_leaves_no_thread_that_holds_the_interpreter() -> None:
    """A program that never closes its chassis ends all the same, with a warning that it did not."""
    done = python(
        GUEST + "chassis = new_chassis(); status(chassis, 'quick')", options=("-W", "always::ResourceWarning")
    )
    assert done.returncode == 0
    assert "was not closed" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="counts what /proc shows")
def test_loads_and_runs_leave_nothing_behind() -> None:
    """After warm-up, a hundred loads, runs and unloads change neither threads nor descriptors, and hardly memory."""
    output = run("""
import gc, psutil
from infrafabric.engine.ticker import _warden as warden
chassis = IFChassis(cache_dir=CACHE)
me = psutil.Process()
def figures():
    gc.collect()
    # Python's threads: those that the C library makes for a tick come and go.
    return threading.active_count(), me.num_fds(), me.memory_info().rss
for number in range(130):
    if number == 30:
        for ticker in warden._tickers:
            ticker.is_ticking()  # what a busy machine makes the warden ask takes some memory, once
        before = figures()
    chassis.load_swarm("s", WAT, contract("s", execution={"instance": "swarm" if number % 2 else "task"}))
    for name in ("quick", "say", "out_of_bounds", "spin"):
        chassis.execute_task("s", name, None, 0.005, check=False)
    chassis.unload_swarm("s")
print(json.dumps([before, figures()]))
chassis.close()
""")
    (threads, descriptors, memory), (threads_after, descriptors_after, memory_after) = output
    assert threads_after <= threads
    assert descriptors_after == descriptors
    assert memory_after - memory < 4 << 20
