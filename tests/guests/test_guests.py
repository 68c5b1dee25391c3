"""The example guests as they are checked in: what they import and export, and that they answer as guests.toml says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric import errors
from infrafabric.chassis import ServiceContract
from infrafabric.errors import Blame
from infrafabric.wasm import inspect_module
from tests.guests.behaviour import GUESTS, expect, promises, run, sessions

if TYPE_CHECKING:
    from guests.manifest import Check, Guest
    from infrafabric.chassis import IFChassis

CHECKS = [
    pytest.param(guest, check, id=f"{guest.name}-{number}-{check.task}")
    for guest in GUESTS.values()
    if guest.instance == "task"
    for number, check in enumerate(guest.checks)
]

#: These take bytes and have no allocator; their input goes to memory that the host adds to a fresh instance.
WITHOUT_ALLOCATOR = ("linecount-simple", "as-noalloc")

#: A kept instance has to be able to take input again; a command (wc) runs once.
KEEPABLE = [guest for guest in GUESTS.values() if guest.name not in {*WITHOUT_ALLOCATOR, "greet-levels", "wc"}]


def load(chassis: IFChassis, name: str, **fields: Any) -> None:
    """Load a guest under the default contract, with ``fields`` beside."""
    chassis.load_swarm(name, GUESTS[name].wasm.read_bytes(), ServiceContract(name, **fields))


@pytest.mark.parametrize("guest", GUESTS.values(), ids=GUESTS)
def test_a_guest_loads_under_the_default_contract_with_just_its_tasks(chassis: IFChassis, guest: Guest) -> None:
    """A contract that says nothing but the name is enough; what is exported beside the tasks is no task."""
    load(chassis, guest.name)
    assert set(chassis.swarm_runtimes[guest.name].runtime.program.tasks) == set(guest.tasks)


@pytest.mark.parametrize("guest", GUESTS.values(), ids=GUESTS)
def test_a_guest_imports_what_the_manifest_says(guest: Guest) -> None:
    """No more, no less: whoever reads guests.toml knows what a guest asks of the host."""
    imports = inspect_module(guest.wasm.read_bytes()).imports
    assert tuple(sorted(f"{item.module}.{item.name}" for item in imports)) == guest.imports


@pytest.mark.parametrize("guest", GUESTS.values(), ids=GUESTS)
def test_every_task_of_a_guest_is_checked(guest: Guest) -> None:
    """A task without a check could answer anything."""
    assert {check.task for check in guest.checks} == set(guest.tasks)


@pytest.mark.parametrize(("guest", "check"), CHECKS)
def test_a_guest_ends_its_tasks_as_the_manifest_says(chassis: IFChassis, guest: Guest, check: Check) -> None:
    """Each check alone, in a fresh instance."""
    load(chassis, guest.name, tasks=promises(check))
    expect(run(chassis, guest, check), check)


@pytest.mark.parametrize("guest", KEEPABLE, ids=lambda guest: guest.name)
def test_a_guest_does_the_same_in_an_instance_that_lives_on(chassis: IFChassis, guest: Guest) -> None:
    """All checks twice over, one after the other: a task spoils nothing for the next; only the counter counts on."""
    limits = {"max_api_calls_per_second": 1000}
    for checks in sessions(guest):
        load(chassis, guest.name, tasks=promises(*checks), execution={"instance": "swarm"}, resource_limits=limits)
        for check in checks if guest.instance == "swarm" else (*checks, *checks):
            expect(run(chassis, guest, check), check)
        chassis.unload_swarm(guest.name)


@pytest.mark.parametrize("name", WITHOUT_ALLOCATOR)
def test_a_guest_without_an_allocator_is_told_what_to_export_where_its_instance_lives_on(
    chassis: IFChassis, name: str
) -> None:
    """The host would have to add memory for every task; it says so instead."""
    load(chassis, name, execution={"instance": "swarm"})
    with pytest.raises(errors.TaskParamsError, match="the module exports none: export allocate"):
        chassis.execute_task(name, "count_lines", "one\n")


def test_the_simplest_rust_library_counts_more_than_its_memory_holds(chassis: IFChassis) -> None:
    """One function and a memory: the host brings the memory for 8 MiB of input, a page at most beyond it."""
    load(chassis, "linecount-simple")
    small = chassis.execute_task("linecount-simple", "count_lines", "one\n")
    large = chassis.execute_task("linecount-simple", "count_lines", b"\n" * (8 << 20))
    assert (small.output, large.output) == (1, 8 << 20)
    assert large.usage.peak_memory_bytes - small.usage.peak_memory_bytes == (8 << 20) - 65_536


def test_a_runtime_that_writes_over_its_input_is_told_to_export_an_allocator(chassis: IFChassis) -> None:
    """Its wrong count is no success: the guest is blamed, and the message says what to change."""
    load(chassis, "as-noalloc")
    with pytest.raises(errors.InvalidResult, match="export allocate") as caught:
        chassis.execute_task("as-noalloc", "count_lines", "line\n" * 200_000)
    assert caught.value.result.blame is Blame.GUEST


def test_an_assemblyscript_error_ends_the_task_with_its_message_and_source_position(chassis: IFChassis) -> None:
    """What env.abort was given, as a person would look for it."""
    load(chassis, "wordcount")
    with pytest.raises(errors.TaskTrapped) as caught:
        chassis.execute_task("wordcount", "longest_word", "  ")
    source = GUESTS["wordcount"].wasm.with_suffix(".ts").read_text(encoding="utf-8").splitlines()
    position = re.search(r"no words in 2 bytes.*wordcount\.ts:(\d+):\d+", str(caught.value))
    assert position
    assert "throw" in source[int(position[1]) - 1]


def test_a_list_of_numbers_is_json_where_the_contract_says_buffer(chassis: IFChassis) -> None:
    """Detected, it is numbers for a function that takes two; the refusal names what it takes."""
    load(chassis, "stats")
    with pytest.raises(errors.TaskParamsError, match=r"'describe' takes \(i32, i32\): 2 numbers, got 3"):
        chassis.execute_task("stats", "describe", [1, 2, 3])
    chassis.unload_swarm("stats")
    load(chassis, "stats", tasks={"describe": {"abi": "buffer"}})
    assert chassis.execute_task("stats", "describe", [1, 2, 3]).output["mean"] == 2


def test_a_program_gets_arguments_and_standard_input_and_gives_its_exit_code(chassis: IFChassis) -> None:
    """Each run is a new process to the program: standard input is read from its start again."""
    load(chassis, "wc", tasks={"_start": {"returns": "text"}})
    params = {"args": ["-w"], "stdin": "one two\n"}
    assert [chassis.execute_task("wc", "_start", params).output for _ in range(2)] == ["2\n", "2\n"]
    assert chassis.execute_task("wc", "_start").output == "0 0 0\n"
    with pytest.raises(errors.GuestError) as caught:
        chassis.execute_task("wc", "_start", ["-x"])
    assert caught.value.guest_code == 2


def test_a_kept_counter_counts_and_forgets_when_it_crashes(chassis: IFChassis) -> None:
    """Two swarms of one module do not share it; a fresh instance counts from nothing each time."""
    for name, instance in (("a", "swarm"), ("b", "swarm"), ("c", "task")):
        contract = ServiceContract(name, execution={"instance": instance})
        chassis.load_swarm(name, GUESTS["counter"].wasm.read_bytes(), contract)
    assert [chassis.execute_task("a", "increment").output for _ in range(3)] == [1, 2, 3]
    assert chassis.execute_task("b", "increment").output == 1
    assert [chassis.execute_task("c", "increment").output for _ in range(3)] == [1, 1, 1]
    assert chassis.execute_task("a", "crash", check=False).status == "trap"
    assert chassis.execute_task("a", "increment").output == 1


def test_a_spinning_guest_ends_at_its_deadline_within_its_processor_share(chassis: IFChassis) -> None:
    """A quarter of a core is the default, with 50 ms of it in advance; the swarm goes on afterwards."""
    load(chassis, "spin", resource_limits={"max_execution_time_seconds": 0.4})
    with pytest.raises(errors.TaskTimeout, match=r"within 0\.4 s \(max_execution_time_seconds\)") as caught:
        chassis.execute_task("spin", "spin")
    result = caught.value.result
    assert result.blame is Blame.GUEST
    assert result.usage.throttled_seconds > 0.1
    assert result.usage.cpu_seconds < 0.25
    assert chassis.execute_task("spin", "spin_for", [1000]).output == 1000
