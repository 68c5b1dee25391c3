"""``infrafabric run``: what it sends, prints and says, and how it ends."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.cli.target import CONTRACT_SUFFIXES, swarm_id_of
from infrafabric.contract.files import FORMATS
from infrafabric.testing import wat
from tests.cli.program import GUESTS, Ended, guest, run_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Ended]

_ENDINGS: dict[str, tuple[str, list[object], int, str]] = {
    "success": ("arith", ["answer"], 0, ""),
    "trap": ("arith", ["divmod", "--params", "[1, 0]"], 10, "divided an integer by zero; --debug shows the guest's"),
    "timeout": ("spin", ["spin", "--timeout", "50ms"], 11, "; --timeout sets max_execution_time_seconds"),
    "memory_exceeded": (
        "linecount-simple",
        ["count_lines", "--memory", "2Mi", "--params", "@/dev/stdin"],
        12,
        "; --memory sets max_memory_mb",
    ),
    "fuel_exhausted": ("fib", ["fib", "--params", "[20]", "--fuel", "1k"], 13, "; --fuel sets max_fuel"),
    "guest_error": ("slug", ["process", "--params", "?!", "--params-format", "text"], 14, "null pointer"),
    "invalid_result": ("as-noalloc", ["count_lines", "--params", "-"], 15, "export allocate"),
    "invalid_params": ("arith", ["add", "--params", "[1]"], 2, "arith.wasm shows what each task takes"),
    "unknown_task": ("arith", ["subtract"], 2, "arith.wasm shows what each task takes"),
}


@pytest.mark.parametrize("outcome", _ENDINGS)
def test_the_exit_status_says_how_the_task_ended(infrafabric: Run, outcome: str) -> None:
    """Each ending has its status, one line with the next step on stderr, and prints nothing else."""
    name, arguments, status, wanted = _ENDINGS[outcome]
    stdin = b"line\n" * 500_000
    arguments = [str(argument).replace("@/dev/stdin", "-") for argument in arguments]
    ended = infrafabric("run", guest(name), *arguments, stdin=stdin)
    assert ended.status == status, ended
    if status == 0:
        assert ended.err == ""
    else:
        assert ended.out == ""
        assert ended.err.startswith("error: Task execution failed: ")
        assert wanted in ended.err
        assert ended.err.count("\n") == 1


_PRINTED: list[tuple[str, str, list[object], bytes, bytes]] = [
    ("a number", "arith", ["add", "--params", "[2, 3]"], b"", b"5\n"),
    ("numbers by name", "arith", ["add", "--param", "b:=3", "--param", "a:=2"], b"", b"5\n"),
    ("a list", "arith", ["divmod", "--params", "[7, 2]"], b"", b"[3,1]\n"),
    ("a float", "arith", ["celsius", "--params", "[212]"], b"", b"100.0\n"),
    ("nothing", "arith", ["ignore", "--params", "[7]"], b"", b""),
    ("text, as it is", "greet", ["greet", "--params", "swarm", "--params-format", "text"], b"", b"Hello, swarm!"),
    ("text with line ends", "wc", ["_start", "--params", "-", "--returns", "text"], b"one two\nthree\n", b"2 3 14\n"),
    ("bytes", "base64", ["decode", "--params", "//4A", "--params-format", "text"], b"", b"\xff\xfe\0"),
    ("text that looks like a number", "base64", ["encode", "--params", "-", "--returns", "text"], b"\xd7", b"1w=="),
    ("arguments of a command", "wc", ["_start", "--params", '{"args": ["-l"], "stdin": "a\\n"}'], b"", b"1\n"),
    ("text beyond ASCII", "upper", ["process", "--params", "-"], "straße".encode(), b"STRASSE"),
]


@pytest.mark.parametrize(
    ("name", "arguments", "stdin", "out"), [row[1:] for row in _PRINTED], ids=[row[0] for row in _PRINTED]
)
def test_a_pipe_gets_the_output_exactly(
    infrafabric: Run, name: str, arguments: list[object], stdin: bytes, out: bytes
) -> None:
    """Text and bytes as they are, other values as JSON on one line, nothing for nothing."""
    ended = infrafabric("run", guest(name), *arguments, "--log-level", "off", stdin=stdin)
    assert (ended.status, ended.stdout, ended.err) == (0, out, "")


def test_the_analyzer_is_given_a_file_by_its_name_and_text(infrafabric: Run, tmp_path: Path) -> None:
    """The command of the first page, with a real source file."""
    (tmp_path / "app.py").write_text("import os\neval(input())\n")
    ended = infrafabric(
        *("run", guest("analyzer"), "analyze_code", "--param", "file=app.py"),
        *("--param", f"source=@{tmp_path / 'app.py'}", "--param", 'checks:=["security"]'),
    )
    assert ended.status == 0, ended
    assert [finding["rule"] for finding in ended.json["findings"]] == ["S001"]
    assert ended.err == "[WASM:analyzer] analyzed app.py: 2 lines, 1 findings\n"


def test_the_whole_result_is_printed_on_request(infrafabric: Run) -> None:
    """``-o json`` is the plain form of the result."""
    result = infrafabric("run", guest("arith"), "add", "--params", "[2, 3]", "-o", "json", "--memory", "1Mi").json
    assert (result["status"], result["output"], result["swarm_id"], result["task_name"]) == (
        "success",
        5,
        "arith",
        "add",
    )
    assert result["metadata"]["calling_convention"] == "scalar"
    assert result["metadata"]["resource_limits"]["max_memory_mb"] == 1
    assert set(result["usage"]) >= {"wall_seconds", "cpu_seconds", "peak_memory_bytes"}


def test_the_whole_result_of_a_failed_task_is_printed_too(infrafabric: Run) -> None:
    """A program reads what happened from stdout, and the status is still the outcome's."""
    ended = infrafabric("run", guest("arith"), "divmod", "--params", "[1, 0]", "-o", "json")
    assert ended.status == 10
    assert ended.json["status"] == "trap"
    assert ended.json["error"]["blame"] == "guest"
    assert ended.err.startswith("error: ")


def test_bytes_are_base64_in_the_whole_result(infrafabric: Run) -> None:
    """JSON has no bytes."""
    ended = infrafabric("run", guest("base64"), "decode", "--params", "//4A", "--params-format", "text", "-o", "json")
    assert ended.json["output"] == {"base64": "//4A"}


def test_the_result_as_yaml_says_the_same_as_json(infrafabric: Run) -> None:
    """The output format changes nothing else."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only this test

    command = ("run", guest("jsoncheck"), "validate", "--params", '{"a": [1, "yes", null]}', "-o")
    as_yaml = YAML(typ="safe", pure=True).load(infrafabric(*command, "yaml").out)
    as_json = infrafabric(*command, "json").json
    assert as_yaml["output"] == as_json["output"]
    assert as_yaml.keys() == as_json.keys()


def test_the_result_as_a_table_names_status_and_output(infrafabric: Run) -> None:
    """For people, also through a pipe when asked for."""
    ended = infrafabric("run", guest("arith"), "divmod", "--params", "[7, 2]", "-o", "table")
    rows = dict(line.split(maxsplit=1) for line in ended.out.splitlines() if not line.startswith(("called", "CPU")))
    assert rows["status"].strip() == "success"
    assert rows["output"].strip() == "[3, 1]"
    assert "\x1b" not in ended.out


def test_the_result_of_a_failed_task_as_a_table_says_who_is_to_blame(infrafabric: Run) -> None:
    """And what happened, in place of an output."""
    ended = infrafabric("run", guest("arith"), "divmod", "--params", "[1, 0]", "-o", "table")
    rows = dict(line.split(maxsplit=1) for line in ended.out.splitlines() if not line.startswith(("called", "CPU")))
    assert (rows["status"].strip(), rows["blamed"].strip()) == ("trap", "guest")
    assert "divided" in rows["error"]
    assert "output" not in rows


def test_a_long_output_is_cut_in_the_table_only(infrafabric: Run, tmp_path: Path) -> None:
    """A table is for a look."""
    (tmp_path / "long.txt").write_text("x" * 5000)
    command = ("run", guest("greet"), "greet", "--params", f"@{tmp_path / 'long.txt'}", "-o")
    assert "... (5,008 characters; -o json has all)" in " ".join(infrafabric(*command, "table").out.split())
    assert len(infrafabric(*command, "json").json["output"]) == 5008


# --- what it says beside the output ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "shown"),
    [("trace", "01234"), ("debug", "1234"), ("info", "234"), ("warn", "34"), ("error", "4"), ("off", "")],
)
def test_the_guests_log_is_shown_from_a_level_up(infrafabric: Run, level: str, shown: str) -> None:
    """One line a record, marked with the swarm, in order; the output stays clean."""
    ended = infrafabric("run", guest("greet-levels"), "log_levels", "--log-level", level)
    assert ended.err == "".join(f"[WASM:greet-levels] level {number}\n" for number in shown)
    assert ended.out == ""


def test_a_second_command_line_of_a_process_logs_once(infrafabric: Run) -> None:
    """Handlers do not pile up."""
    for _ in range(2):
        ended = infrafabric("run", guest("greet-levels"), "log_levels", "--log-level", "error")
        assert ended.err == "[WASM:greet-levels] level 4\n"


def test_records_that_were_dropped_are_told(infrafabric: Run, tmp_path: Path) -> None:
    """A flood is counted, and the flag that lets more through is named."""
    (tmp_path / "flood.wasm").write_bytes(
        wat("""(module (import "env" "log" (func $log (param i32 i32))) (memory (export "memory") 1)
          (func (export "flood") (local $i i32)
            (loop $again (call $log (i32.const 0) (i32.const 1000))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $again (i32.lt_u (local.get $i) (i32.const 50))))))""")
    )
    ended = infrafabric("run", tmp_path / "flood.wasm", "flood", "--log-level", "off", "--log-rate", "10Ki/s")
    # While a guest rests for its flood, the budget may come to hold one more.
    assert re.fullmatch(r"note: 4[01] records of its log were dropped; --log-rate allows more\n", ended.err)
    assert ended.status == 0
    assert infrafabric("run", tmp_path / "flood.wasm", "flood", "--log-level", "off").err == ""


def test_a_guest_slowed_by_its_share_is_told_with_the_flag(infrafabric: Run) -> None:
    """Otherwise a newcomer takes the guest for slow."""
    ended = infrafabric("run", guest("spin"), "spin", "--cpu", "20%", "--timeout", "400ms")
    assert ended.status == 11
    assert ended.err.splitlines()[0].startswith("note: its CPU share of 20% paused the guest for 0.")
    assert ended.err.splitlines()[0].endswith("; --cpu changes it")


def test_a_module_has_the_whole_core_by_default(infrafabric: Run) -> None:
    """One run for one person: nobody is there to be protected."""
    ended = infrafabric("run", guest("spin"), "spin", "--timeout", "400ms", "-o", "json")
    assert ended.json["metadata"]["resource_limits"]["max_cpu_percent"] == 100
    assert ended.json["usage"]["throttled_seconds"] < 0.04
    assert "note:" not in ended.err


def test_stats_show_each_limit_with_what_was_used(infrafabric: Run) -> None:
    """On stderr, so that the output can be piped on."""
    text = "word " * 400
    ended = infrafabric(
        "run",
        guest("greet"),
        "greet",
        "--params",
        "-",
        "--stats",
        "--fuel",
        "1M",
        "--memory",
        "64Mi",
        stdin=text.encode(),
    )
    assert ended.out == f"Hello, {text}!"
    rows = {line[:17].strip(): line[17:].split() for line in ended.err.splitlines()}
    assert rows["memory, peak"][2:4] == ["64", "MiB"]
    assert rows["fuel"][1] == "1,000,000"
    assert int(rows["fuel"][0].replace(",", "")) > 0
    assert rows["parameters"] == ["1.95", "KiB", "8", "MiB", "<1%"]
    assert rows["result"] == ["1.96", "KiB", "8", "MiB", "<1%"]
    assert rows["log"][3] == "record"
    assert {"wall time", "CPU share", "paused by it", "waited before", "module", "loading", "host calls"} <= set(rows)


def test_the_size_of_json_is_about_what_was_sent(infrafabric: Run) -> None:
    """It was encoded on the way in, and decoded on the way out."""
    ended = infrafabric("run", guest("stats"), "describe", "--params", "[1, 3]", "--abi", "buffer", "--stats")
    rows = {line[:17].strip(): line[17:].split() for line in ended.err.splitlines()}
    assert rows["parameters"][:3] == ["about", "6", "B"]
    assert rows["result"][0] == "about"


def test_the_packages_own_warnings_are_lines_too(
    infrafabric: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache that cannot be trusted is said, and the task still runs."""
    (tmp_path / "infrafabric").mkdir()
    (tmp_path / "infrafabric").chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ended = infrafabric("run", guest("arith"), "answer")
    assert (ended.status, ended.out) == (0, "42\n")
    assert ended.err.startswith("warning: compiled code is not kept: ")
    assert ended.err.endswith("chmod 700 it\n")


def test_stats_are_shown_for_a_failed_task(infrafabric: Run) -> None:
    """That is when they are needed most."""
    ended = infrafabric("run", guest("fib"), "fib", "--params", "[30]", "--fuel", "5k", "--stats")
    assert ended.status == 13
    assert "100%" in next(line for line in ended.err.splitlines() if line.startswith("fuel"))


# --- what it runs ----------------------------------------------------------------------------------


def _checks() -> list[Any]:
    manifest = tomllib.loads((GUESTS / "guests.toml").read_text())
    return [
        pytest.param(name, check | {"abi": entry["tasks"][check["task"]]}, id=f"{name}-{index}")
        for name, entry in manifest["guests"].items()
        for index, check in enumerate(entry["checks"])
        if entry.get("instance") != "swarm" and "timeout_seconds" not in check and "params_hex" not in check
    ]


@pytest.mark.parametrize(("name", "check"), _checks())
def test_every_example_guest_answers_as_its_manifest_says(
    infrafabric: Run, tmp_path: Path, name: str, check: dict[str, Any]
) -> None:
    """The checks of guests.toml, sent through files and read back from the whole result."""
    params: list[str] = []
    if "params" in check:
        is_text = isinstance(check["params"], str)
        sent = check["params"] * check.get("repeat", 1) if is_text else json.dumps(check["params"])
        path = tmp_path / ("params.txt" if is_text else "params.json")
        path.write_bytes(sent.encode())
        params = ["--params", f"@{path}"]
    returns = ["--returns", check["returns"]] if "returns" in check else []
    command = ("run", guest(name), check["task"], "--abi", check["abi"], *params, *returns)
    result = infrafabric(*command, "-o", "json").json
    assert result["status"] == check.get("outcome", "success"), result
    if "output" in check:
        assert result["output"] == check["output"]
    elif "output_hex" in check:
        assert result["output"] == {"base64": base64.b64encode(bytes.fromhex(check["output_hex"])).decode()}
    assert check.get("message", "") in str(result["error"])


def test_a_contract_runs_its_module_under_its_limits(infrafabric: Run, tmp_path: Path) -> None:
    """The file names the module; the flags change what it says and nothing else."""
    (tmp_path / "arith.wasm").write_bytes(guest("arith").read_bytes())
    contract = tmp_path / "sums.yaml"
    contract.write_text(
        "swarm_id: sums\nmodule: {path: arith.wasm}\nresource_limits: {max_memory_mb: 2, max_cpu_percent: 25}\n"
        "tasks: {add: {abi: scalar}, answer: {returns: number}}\n"
    )
    result = infrafabric("run", contract, "add", "--params", "[2, 3]", "--memory", "3Mi", "-o", "json").json
    limits = result["metadata"]["resource_limits"]
    assert (result["swarm_id"], result["output"]) == ("sums", 5)
    assert (limits["max_memory_mb"], limits["max_cpu_percent"]) == (3, 25)
    ended = infrafabric("run", contract, "add", "--params", "[2, 3]", "--returns", "text")
    assert ended.status == 3  # the contract's abi: scalar still holds, and answers numbers
    assert "returns: text has no effect on a scalar task" in ended.err


def test_a_contract_with_mistakes_shows_each_in_its_place(infrafabric: Run, tmp_path: Path) -> None:
    """As a compiler does, with status 3."""
    contract = tmp_path / "bad.yaml"
    contract.write_text(
        "swarm_id: sums\nmodule: {path: arith.wasm}\nresource_limits:\n  max_memory_mb: 0\n  max_queued: 3\n"
    )
    ended = infrafabric("run", contract, "add")
    assert ended.status == 3
    assert f"{contract}:4:18: error IF" in ended.err
    assert f"{contract}:5:3: error IF" in ended.err
    assert "did you mean max_queued_tasks?" in ended.err
    assert ended.out == ""


def test_a_contract_without_a_module_says_what_to_add(infrafabric: Run, tmp_path: Path) -> None:
    """It is a good contract, but there is nothing to run."""
    contract = tmp_path / "lone.yaml"
    contract.write_text("swarm_id: lone\n")
    ended = infrafabric("run", contract, "add")
    assert ended.status == 2
    assert "names no module: add module: {path: x.wasm}" in ended.err


def test_a_changed_module_is_refused_by_its_digest(infrafabric: Run, tmp_path: Path) -> None:
    """The contract was written for other bytes."""
    (tmp_path / "arith.wasm").write_bytes(guest("arith").read_bytes())
    contract = tmp_path / "sums.yaml"
    contract.write_text(f"swarm_id: sums\nmodule: {{path: arith.wasm, sha256: {'a' * 64}}}\n")
    ended = infrafabric("run", contract, "add", "--params", "[2, 3]")
    assert ended.status == 3
    assert "has the SHA-256 3ce4b511" in ended.err


def test_a_module_outside_of_the_contracts_folder_is_refused(infrafabric: Run, tmp_path: Path) -> None:
    """Neither by a path nor through a link; a copied contract can never load another file of the machine."""
    (tmp_path / "arith.wasm").write_bytes(guest("arith").read_bytes())
    folder = tmp_path / "contracts"
    folder.mkdir()
    contract = folder / "sums.yaml"
    for path in ("../arith.wasm", str(tmp_path / "arith.wasm"), "a/../../arith.wasm"):
        contract.write_text(f"swarm_id: sums\nmodule: {{path: {path}}}\n")
        ended = infrafabric("run", contract, "add", "--params", "[2, 3]")
        assert (ended.status, ended.out) == (3, "")
        assert "IF105 module.path" in ended.err
    contract.write_text("swarm_id: sums\nmodule: {path: arith.wasm}\n")
    (folder / "arith.wasm").symlink_to(tmp_path / "arith.wasm")
    ended = infrafabric("run", contract, "add", "--params", "[2, 3]")
    assert (ended.status, ended.out) == (3, "")
    assert "outside of" in ended.err


def test_the_right_digest_runs(infrafabric: Run, tmp_path: Path) -> None:
    """Also from a folder below the contract's, wherever the command runs."""
    module = guest("arith").read_bytes()
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "arith.wasm").write_bytes(module)
    contract = tmp_path / "sums.yaml"
    digest = hashlib.sha256(module).hexdigest()
    contract.write_text(f'swarm_id: sums\nmodule: {{path: built/arith.wasm, sha256: "{digest}"}}\n')
    assert infrafabric("run", contract, "add", "--params", "[2, 3]").out == "5\n"


def test_a_module_can_be_brought_along(infrafabric: Run, tmp_path: Path) -> None:
    """For a contract that names none, or for another build; a digest that it states still holds."""
    contract = tmp_path / "sums.yaml"
    arguments = ("run", contract, "add", "--params", "[2, 3]", "--module")
    contract.write_text("swarm_id: sums\n")
    assert infrafabric(*arguments, guest("arith")).out == "5\n"
    contract.write_text("swarm_id: sums\nmodule: {path: missing.wasm}\n")
    assert infrafabric(*arguments, guest("arith")).out == "5\n"
    contract.write_text(f"swarm_id: sums\nmodule: {{path: missing.wasm, sha256: {'a' * 64}}}\n")
    ended = infrafabric(*arguments, guest("arith"))
    assert (ended.status, ended.out) == (3, "")
    assert "has the SHA-256 3ce4b511" in ended.err
    ended = infrafabric("run", guest("arith"), "add", "--module", guest("arith"))
    assert (ended.status, "--module goes with a contract" in ended.err) == (2, True)


def test_an_error_leads_to_inspect_with_the_module_that_was_brought_along(infrafabric: Run, tmp_path: Path) -> None:
    """The command that it names works as it stands there."""
    contract = tmp_path / "sums.yaml"
    contract.write_text("swarm_id: sums\n")
    ended = infrafabric("run", contract, "no_such", "--module", guest("arith"))
    advice = f"infrafabric inspect {contract} --module {guest('arith')}"
    assert advice in ended.err
    assert infrafabric(*advice.split()[1:]).json["tasks"][1]["name"] == "add"


def test_the_formats_of_contracts_are_those_that_can_be_read() -> None:
    """Told by the file's ending, without loading the parsers."""
    assert set(FORMATS) == CONTRACT_SUFFIXES


def test_without_a_task_the_tasks_are_listed(infrafabric: Run) -> None:
    """A newcomer does not know them yet."""
    ended = infrafabric("run", guest("jsoncheck"))
    assert ended.status == 2
    assert ended.err.startswith("error: which TASK? 'jsoncheck.wasm' has ")
    assert {"validate", "is_valid"} <= set(ended.err.replace(",", " ").replace(";", " ").split())


def test_a_module_without_tasks_says_so(infrafabric: Run, tmp_path: Path) -> None:
    """Nothing to choose from."""
    (tmp_path / "empty.wasm").write_bytes(b"\0asm\x01\0\0\0")
    assert "'empty.wasm' has no tasks" in infrafabric("run", tmp_path / "empty.wasm").err


def test_deterministic_runs_are_equal_to_the_instruction(infrafabric: Run) -> None:
    """The same fuel for the same work, in programs of their own."""
    command = ("run", guest("fib"), "fib", "--params", "[15]", "--fuel", "1M", "--deterministic", "-o", "json")
    fuel = [json.loads(run_program(*command).out)["usage"]["fuel"] for _ in range(2)]
    assert fuel[0] == fuel[1] == infrafabric(*command).json["usage"]["fuel"] > 1000


def test_the_calling_convention_can_be_demanded(infrafabric: Run) -> None:
    """Explicit beats detected, and what does not fit is refused as a contract that promises it."""
    ended = infrafabric("run", guest("arith"), "add", "--params", "[2, 3]", "--abi", "buffer")
    assert ended.status == 3
    assert "'buffer' does not fit the export: the module exports no memory" in ended.err
    ended = infrafabric("run", guest("stats"), "describe", "--params", "[1, 3]", "--abi", "buffer")
    assert ended.json["mean"] == 2


# --- what cannot be loaded -------------------------------------------------------------------------


def test_a_denied_import_leads_to_inspect(infrafabric: Run, tmp_path: Path) -> None:
    """Which lists every one with its reason."""
    (tmp_path / "wants.wasm").write_bytes(wat('(module (import "env" "read_file" (func)) (func (export "f")))'))
    ended = infrafabric("run", tmp_path / "wants.wasm", "f")
    assert ended.status == 4
    assert "env.read_file" in ended.err
    assert ended.err.endswith("wants.wasm lists every import\n")


def test_a_module_over_its_memory_names_the_flag(infrafabric: Run, tmp_path: Path) -> None:
    """Just over is refused with the flag that changes it; just inside runs."""
    (tmp_path / "big.wasm").write_bytes(wat('(module (memory 33) (func (export "f")))'))
    ended = infrafabric("run", tmp_path / "big.wasm", "f", "--memory", "2Mi")
    assert ended.status == 4
    assert "; --memory sets max_memory_mb" in ended.err
    assert infrafabric("run", tmp_path / "big.wasm", "f", "--memory", "3Mi").status == 0


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("none.wasm", "cannot read the module 'none.wasm': No such file or directory"),
        (".", "cannot read the module '.': Is a directory"),
        ("\x1b[31m.wasm", r"cannot read the module '\x1b[31m.wasm'"),
    ],
)
def test_a_module_that_cannot_be_read_is_a_usage_error(infrafabric: Run, path: str, wanted: str) -> None:
    """With the system's reason, the name escaped."""
    ended = infrafabric("run", path, "f")
    assert ended.status == 2
    assert wanted in ended.err


@pytest.mark.parametrize(
    ("name", "swarm_id"),
    [
        ("analyzer.wasm", "analyzer"),
        ("a.b.wasm", "a.b"),
        (".wasm", ".wasm"),
        ("x" * 200 + ".wasm", "x" * 63),
        ("a\x1b\n\\b.wasm", "a___b"),
        ("Zähler 2.wasm", "Zähler 2"),
    ],
)
def test_a_module_is_loaded_under_a_name_made_of_its_file_name(
    infrafabric: Run, tmp_path: Path, name: str, swarm_id: str
) -> None:
    """Whatever the file is called, the name is one that a contract takes."""
    assert swarm_id_of(tmp_path / name) == swarm_id
    (tmp_path / name).write_bytes(guest("arith").read_bytes())
    result = infrafabric("run", tmp_path / name, "answer", "-o", "json").json
    assert (result["swarm_id"], result["output"]) == (swarm_id, 42)
