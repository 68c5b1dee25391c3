"""``dev.py`` on a fresh machine: sets up once, again when it has to, one at a time, and says what is missing.

It runs as a copy in a small project of its own, whose build backend needs no network.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

DEV = Path(__file__).resolve().parents[2] / "dev.py"

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "small"
version = "0"
dynamic = []
"""

#: The smallest editable-install backend (PEP 660). Each build leaves a line in builds.txt.
BACKEND = """\
import os, time, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    with open("builds.txt", "a") as builds:
        builds.write("built\\n")
    if os.path.exists("slow"):
        time.sleep(30)
    info = "small-0.dist-info"
    with zipfile.ZipFile(os.path.join(wheel_directory, "small-0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("small.pth", os.getcwd() + "\\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: small\\nVersion: 0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: b\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return "small-0-py3-none-any.whl"

build_wheel = build_editable
"""

PYTHON_WITHOUT_ENSUREPIP = """\
import importlib.util, runpy, sys
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "ensurepip" else find_spec(name, *rest)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Clone:
    """A folder with ``dev.py`` and just enough beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in {
            "pyproject.toml": PYPROJECT,
            "backend.py": BACKEND,
            "examples/01_analyze_source.py": "import sys; print('demo', sys.prefix, *sys.argv[1:])",
            ".ci/gates.py": "import sys; print('gates', sys.argv[1:]); raise SystemExit(7 if 'bad' in sys.argv else 0)",
        }.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        shutil.copy(DEV, root / "dev.py")

    def start(self, *arguments: str, python: str = sys.executable) -> subprocess.Popen[str]:
        """Start ``dev.py`` from another folder, in a process group of its own."""
        return subprocess.Popen(
            [python, str(self.root / "dev.py"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd="/",
            start_new_session=True,
        )

    def run(self, *arguments: str, python: str = sys.executable) -> tuple[int, str, str]:
        """Run ``dev.py`` to its end; give its status, stdout and stderr."""
        process = self.start(*arguments, python=python)
        out, err = process.communicate(timeout=90)
        return process.returncode, out, err

    @property
    def builds(self) -> int:
        """How often the project was installed."""
        builds = self.root / "builds.txt"
        return len(builds.read_text().splitlines()) if builds.exists() else 0


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Give a clone on which the demo ran once."""
    clone = Clone(tmp_path_factory.mktemp("a clone"))  # with a space, as people's folders have
    status, out, err = clone.run("demo")
    assert (status, out) == (0, f"demo {clone.root / '.venv'}\n"), err
    return clone


pytestmark = pytest.mark.xdist_group("dev_script")  # `ready` costs seconds; one process makes it for all


def test_the_second_run_sets_up_nothing(ready: Clone) -> None:
    """Nothing is installed, and nothing said, when nothing changed."""
    builds = ready.builds
    status, out, err = ready.run("demo")
    assert (status, out, err) == (0, f"demo {ready.root / '.venv'}\n", "")
    assert ready.builds == builds


def test_the_demo_takes_a_file(ready: Clone) -> None:
    """What follows ``demo`` reaches the example."""
    assert ready.run("demo", "a.py")[1] == f"demo {ready.root / '.venv'} a.py\n"


def test_the_gates_need_more_than_the_demo_and_pass_their_status_on(ready: Clone) -> None:
    """``test`` installs the development extra once; the status of dev.py is that of the gates."""
    assert ready.run("test", "lint")[:2] == (0, "gates ['lint']\n")
    builds = ready.builds
    assert ready.run("test", "bad")[:2] == (7, "gates ['bad']\n")
    assert ready.run("demo")[0] == 0
    assert ready.builds == builds


def test_a_changed_dependency_is_installed_and_a_changed_setting_is_not(ready: Clone) -> None:
    """Only what decides about .venv sets it up again."""
    builds = ready.builds
    (ready.root / "pyproject.toml").write_text(PYPROJECT + '[tool.x]\ny = "z"\n')
    assert ready.run("demo")[0] == 0
    assert ready.builds == builds
    (ready.root / "pyproject.toml").write_text(PYPROJECT + 'description = "new"\n')
    assert ready.run("demo")[0] == 0
    assert ready.builds == builds + 1


def test_a_damaged_environment_is_made_anew(ready: Clone) -> None:
    """A .venv whose Python is gone, as after an upgrade of the system, is replaced."""
    (ready.root / ".venv/bin/python").unlink()
    status, out, err = ready.run("demo")
    assert (status, out) == (0, f"demo {ready.root / '.venv'}\n"), err
    assert "Creating .venv" in err


def test_a_failed_install_shows_why_and_is_tried_again(ready: Clone) -> None:
    """What pip printed is shown, and the next run does not take the environment for ready."""
    (ready.root / "pyproject.toml").write_text(PYPROJECT.replace('"backend"', '"no_such_backend"'))
    status, out, err = ready.run("demo")
    assert (status, out) == (1, "")
    assert "no_such_backend" in err
    assert err.endswith(
        "Installing the project failed (exit status 2): see above. Run the same command again to retry.\n"
    )
    (ready.root / "pyproject.toml").write_text(PYPROJECT)
    assert ready.run("demo")[0] == 0


def test_two_first_runs_at_once_set_up_once(tmp_path: Path) -> None:
    """The second waits for the first, says so, and both end well."""
    clone = Clone(tmp_path)
    both = [clone.start("demo"), clone.start("demo")]
    endings = [process.communicate(timeout=90) for process in both]
    assert [process.returncode for process in both] == [0, 0], endings
    assert clone.builds == 1
    assert sum("Waiting for another dev.py" in err for _, err in endings) == 1


def test_ctrl_c_during_the_setup_is_clean_and_can_be_repeated(tmp_path: Path) -> None:
    """No traceback, status 130, and the next run goes on from what is there."""
    clone = Clone(tmp_path)
    (clone.root / "slow").touch()
    process = clone.start("demo")
    deadline = time.monotonic() + 60
    while not clone.builds and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to everything in the foreground
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.endswith("Interrupted. Run the same command again to go on.\n")
    assert "Traceback" not in err
    (clone.root / "slow").unlink()
    assert clone.run("demo")[0] == 0


def test_a_python_without_ensurepip_is_told_what_to_install(tmp_path: Path) -> None:
    """Debian splits ensurepip off; the message names its package instead of a traceback from venv."""
    clone = Clone(tmp_path)
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\n{PYTHON_WITHOUT_ENSUREPIP}")
    python.chmod(0o755)
    status, _, err = clone.run("demo", python=str(python))
    assert status == 1
    assert "comes without its ensurepip module" in err
    assert err.endswith("On Debian and Ubuntu install it with: apt-get install python3-venv\n")
    assert not (clone.root / ".venv").exists()


def test_an_older_python_is_told_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the version that runs, and how to run a newer one."""
    spec = importlib.util.spec_from_file_location("dev", DEV)
    assert spec
    assert spec.loader
    dev = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(dev)
    monkeypatch.setattr(dev.sys, "version_info", (3, 10, 13, "final", 0))
    monkeypatch.setattr(dev.platform, "python_version", lambda: "3.10.13")
    monkeypatch.setattr(dev.sys, "argv", ["dev.py", "test"])
    monkeypatch.setattr(dev, "works", lambda program: program == "python3.12")
    with pytest.raises(SystemExit) as caught:
        dev.refuse_unfit_python()
    assert caught.value.code == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("infrafabric needs Python 3.11 or newer; this is 3.10.13 (")
    assert second == "Run instead: python3.12 dev.py test"


def test_older_pythons_get_as_far_as_that_message() -> None:
    """dev.py parses as Python 3.6 would, and evaluates no annotation that 3.6 could not."""
    tree = ast.parse(DEV.read_text(encoding="utf-8"), feature_version=(3, 6))
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        arguments = [*function.args.args, *function.args.kwonlyargs, function.args.vararg]
        for annotation in (function.returns, *(argument.annotation for argument in arguments if argument)):
            assert isinstance(annotation, ast.Name | ast.Constant), f"quote it: {function.name}"


def test_an_unknown_command_is_refused_before_anything_is_set_up(tmp_path: Path) -> None:
    """A typing error costs no minute of installing."""
    clone = Clone(tmp_path)
    status, _, err = clone.run("tset")
    assert status == 2
    assert "tset" in err
    assert not (clone.root / ".venv").exists()
