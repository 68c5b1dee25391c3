"""What a deployment fills in where contracts say nothing: what wins, what is refused, and that it can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infrafabric.contract import ServiceContract
from infrafabric.contract.defaults import (
    ALLOW_VARIABLE,
    CONFIG_VARIABLE,
    DeploymentDefaults,
    Provenance,
    provenance,
    variable_of,
)
from infrafabric.contract.files import check_file, check_text
from infrafabric.errors import ContractSyntaxError, ContractValidationError, Problem

if TYPE_CHECKING:
    from pathlib import Path

MEMORY = "resource_limits.max_memory_mb"
MEMORY_VARIABLE = "IFCHASSIS_RESOURCE_LIMITS_MAX_MEMORY_MB"


def load(environ: dict[str, str], config: Path | None = None) -> DeploymentDefaults:
    """The defaults of an environment that holds only this."""
    return DeploymentDefaults.load(config, environ)


def problems_of(environ: dict[str, str], config: Path | None = None) -> tuple[Problem, ...]:
    """What is wrong with the defaults."""
    with pytest.raises(ContractValidationError) as caught:
        load(environ, config)
    return caught.value.problems


def config_file(folder: Path, text: str, name: str = "config.toml") -> Path:
    """A config file that says this."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_is_filled_in_where_nothing_is_set() -> None:
    """An empty environment has no defaults, and contracts are read as ever."""
    defaults = load({"PATH": "/bin", "IFCHASSIS_CACHE_DIR": "/tmp"})  # noqa: S108 - another variable of the prefix
    assert defaults.values == {}
    text = "swarm_id: s"
    assert check_text(text, defaults=defaults).require().digest == ServiceContract.from_text(text).digest


def test_contract_beats_environment_beats_file_beats_built_in(tmp_path: Path) -> None:
    """Each value comes from the first of the four that says it, and `provenance` tells which, with the place."""
    config = config_file(
        tmp_path,
        "[defaults.resource_limits]\nmax_memory_mb = 32\nmax_cpu_percent = 20\nmax_queued_tasks = 1\n"
        '[defaults.slos]\nperiod = "7d"\n',
    )
    environ = {
        CONFIG_VARIABLE: str(config),
        MEMORY_VARIABLE: "16",
        variable_of("resource_limits.max_cpu_percent"): "10",
    }
    path = tmp_path / "contract.yaml"
    path.write_text("swarm_id: s\nresource_limits:\n  max_memory_mb: 64\n", encoding="utf-8")
    checked = check_file(path, defaults=load(environ))
    contract = checked.require()
    assert ServiceContract.from_file(path, load(environ)).digest == contract.digest
    assert contract.resource_limits.max_memory_mb == 64
    assert contract.resource_limits.max_cpu_percent == 10
    assert contract.resource_limits.max_queued_tasks == 1
    assert contract.resource_limits.max_payload_mb == 8
    assert contract.slos.period == "7d"
    rows = {row.path: row for row in provenance(checked)}
    assert rows[MEMORY] == Provenance(path=MEMORY, value=64, origin="contract", where="3:18")
    origins = {path: (row.origin, row.where) for path, row in rows.items()}
    assert origins["resource_limits.max_cpu_percent"] == ("environment", "IFCHASSIS_RESOURCE_LIMITS_MAX_CPU_PERCENT")
    assert origins["resource_limits.max_queued_tasks"] == ("config", f"{config}:4:20")
    assert origins["slos.period"] == ("config", f"{config}:6:10")
    assert origins["resource_limits.max_payload_mb"] == ("built-in", "")
    assert origins["swarm_id"] == ("contract", "1:11")
    assert origins["tasks"] == ("built-in", "")
    assert {row.path.partition(".")[0] for row in rows.values()} == set(contract)


def test_an_argument_beats_the_variable_for_the_config_file(tmp_path: Path) -> None:
    """The file given by hand is read instead of $IFCHASSIS_CONFIG; an empty variable names none."""
    one = config_file(tmp_path, "defaults: {permissions: {wasi: none}}", "one.yaml")
    defaults = load({CONFIG_VARIABLE: str(tmp_path / "missing.toml")}, one)
    assert defaults.values["permissions.wasi"].value == "none"
    assert load({CONFIG_VARIABLE: ""}).values == {}


def test_variables_are_read_by_the_kind_of_their_field() -> None:
    """Numbers, flags, words, texts and null are written as in YAML."""
    environ = {
        variable_of("resource_limits.max_fuel"): "1000",
        variable_of("resource_limits.max_execution_time_seconds"): "2.5",
        variable_of("permissions.log"): "false",
        variable_of("permissions.wasi"): "none",
        variable_of("slos.period"): "7d",
        variable_of("execution.deterministic"): "true",
    }
    values = {path: default.value for path, default in load(environ).values.items()}
    assert values == {
        "resource_limits.max_fuel": 1000,
        "resource_limits.max_execution_time_seconds": 2.5,
        "permissions.log": False,
        "permissions.wasi": "none",
        "slos.period": "7d",
        "execution.deterministic": True,
    }


@pytest.mark.parametrize(
    ("variable", "value", "rule", "words"),
    [
        (MEMORY_VARIABLE, "0", "IF102", "from 1 to 4,096"),
        (MEMORY_VARIABLE, "64Mi", "IF103", 'got "64Mi"'),
        (MEMORY_VARIABLE, "", "IF103", "got null"),
        ("IFCHASSIS_PERMISSIONS_WASI", "all", "IF106", "one of none, inert"),
        ("IFCHASSIS_RESOURCE_LIMITS_MAX_MEMROY_MB", "5", "IF101", f"did you mean {MEMORY_VARIABLE}?"),
        ("IFCHASSIS_SLOS_COLOUR_OF_THE_SKY", "5", "IF101", "no field has this name"),
        ("IFCHASSIS_MAX_MEMORY_MB", "5", "IF101", f"did you mean {MEMORY_VARIABLE}?"),
        (ALLOW_VARIABLE, "maybe", "IF103", "true or false"),
    ],
)
def test_variables_are_as_strict_as_contracts(variable: str, value: str, rule: str, words: str) -> None:
    """Wrong values, and names that are nearly right, are refused by the name of the variable."""
    (problem,) = problems_of({variable: value})
    assert (problem.rule, problem.path) == (rule, variable)
    assert words in problem.message


@pytest.mark.parametrize(
    ("path", "tighter", "at", "loose"),
    [
        (MEMORY, "255", "256", "257"),
        ("resource_limits.max_cpu_percent", "24", "25", "25.1"),
        ("resource_limits.max_fuel", "5", "null", None),
        ("permissions.wasi", "none", "inert", None),
        ("permissions.log", "false", "true", None),
        ("slos.target_latency_ms", "99", "100", "101"),
        ("slos.target_availability_percent", "99.95", "99.9", "99.8"),
    ],
)
def test_a_default_does_not_loosen_what_is_built_in(path: str, tighter: str, at: str, loose: str | None) -> None:
    """Stricter and equal defaults are taken; one that gives more is refused, and taken when the deployment says so."""
    for value in (tighter, at):
        assert path in load({variable_of(path): value}).values
    if loose is not None:
        (problem,) = problems_of({variable_of(path): loose})
        assert (problem.rule, problem.path) == ("IF501", path)
        assert f"{variable_of(path)} gives silent contracts {loose}" in problem.message
        assert "allow_looser" in (problem.fix or "")
        assert path in load({variable_of(path): loose, ALLOW_VARIABLE: "true"}).values
        assert problems_of({variable_of(path): loose, ALLOW_VARIABLE: "false"})


def test_a_config_file_may_allow_looser_defaults(tmp_path: Path) -> None:
    """`allow_looser` in the file holds for the file and for the environment."""
    text = "allow_looser: true\ndefaults: {resource_limits: {max_memory_mb: 512}}"
    config = config_file(tmp_path, text, "config.yaml")
    assert load({variable_of("slos.target_latency_ms"): "500"}, config).values[MEMORY].value == 512
    config = config_file(tmp_path, text.replace("true", "false"), "config.yaml")
    (problem,) = problems_of({}, config)
    assert problem.rule == "IF501"
    assert f"{config}:2:45 gives silent contracts 512; built in is 256" in problem.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[defaults]\nresource_limit = {}\n", [("IF101", "defaults.resource_limit", 2, 1)]),
        ("[default.slos]\n", [("IF101", "default", 1, 2)]),
        (
            "[defaults.resource_limits]\nmax_memory_mb = 0\n",
            [("IF102", "defaults.resource_limits.max_memory_mb", 2, 17)],
        ),
        ("[defaults.slos]\nperiods = '7d'\n", [("IF101", "defaults.slos.periods", 2, 1)]),
        ("[defaults]\nslos = 5\n", [("IF103", "defaults.slos", 2, 8)]),
        ("[defaults]\nswarm_id = 's'\n", [("IF101", "defaults.swarm_id", 2, 1)]),
        ("allow_looser = 1\n", [("IF103", "allow_looser", 1, 16)]),
        ("defaults = 1\nx = 1\n", [("IF103", "defaults", 1, 12), ("IF101", "x", 2, 1)]),
    ],
)
def test_config_files_are_as_strict_as_contracts(
    tmp_path: Path, text: str, expected: list[tuple[str, str, int, int]]
) -> None:
    """Unknown keys and wrong values of the file are shown in their lines, all at once."""
    found = [(p.rule, p.path, p.line, p.column) for p in problems_of({}, config_file(tmp_path, text))]
    assert found == expected


def test_a_config_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """A missing file, and one that is not TOML, are refused with the name; nothing is silently left out."""
    with pytest.raises(ContractSyntaxError, match=r"missing\.toml: cannot be read"):
        load({CONFIG_VARIABLE: str(tmp_path / "missing.toml")})
    with pytest.raises(ContractSyntaxError, match=r"config\.toml:1:1: this is not TOML"):
        load({}, config_file(tmp_path, "= 1"))
    assert load({}, config_file(tmp_path, "")).values == {}
    assert load({}, config_file(tmp_path, "", "config.yaml")).values == {}


def test_defaults_that_break_a_contract_are_blamed() -> None:
    """A contract that is valid by itself says that the deployment's defaults are what is wrong with it."""
    defaults = load({variable_of("execution.instance"): "swarm"})
    text = "swarm_id: s\nresource_limits: {max_concurrent_tasks: 4}\n"
    (problem,) = check_text(text, defaults=defaults).problems
    assert problem.rule == "IF202"
    assert "without this deployment's defaults the contract is valid" in problem.message
    (problem,) = check_text(text + "slos: {period: 1y}\n", defaults=defaults).problems
    assert problem.rule == "IF105"
    assert "defaults" not in problem.message


def test_a_part_of_the_wrong_type_is_still_wrong() -> None:
    """Defaults fill in nothing where a contract says something that is no mapping."""
    defaults = load({MEMORY_VARIABLE: "5"})
    for text in ("swarm_id: s\nresource_limits: 5", "swarm_id: s\nresource_limits:\n", "- s"):
        assert [p.rule for p in check_text(text, defaults=defaults).problems] == ["IF103"]
