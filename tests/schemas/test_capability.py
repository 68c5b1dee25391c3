"""The registry of capabilities, and manifests that use it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infrafabric.contract.texts import CAPABILITY
from infrafabric.errors import ContractSyntaxError, ContractValidationError
from infrafabric.schemas.capability import (
    Capability,
    calculate_capability_overlap,
    get_capabilities_by_category,
    get_capability_by_value,
    validate_capability_manifest,
)

if TYPE_CHECKING:
    from pathlib import Path

PROMISED = [
    "code-analysis:python",
    "code-analysis:rust",
    "code-analysis:javascript",
    "code-analysis:go",
    "code-analysis:typescript",
    "integration:sip",
    "integration:ndi",
    "integration:webrtc",
    "integration:h323",
    "integration:vmix",
    "integration:obs",
    "docs:technical-writing",
    "docs:api-design",
    "docs:tutorials",
    "testing:unit",
    "testing:integration",
    "testing:performance",
]


@pytest.mark.parametrize("value", PROMISED)
def test_the_promised_capabilities_are_known(value: str) -> None:
    """Each is found by its value, and is text equal to it."""
    capability = get_capability_by_value(value)
    assert capability == value
    assert capability is Capability(value)


def test_members_are_named_after_their_values() -> None:
    """The registry has about fifty distinct capabilities, each spelled as a contract takes it."""
    assert 45 <= len(Capability) <= 60
    for name, capability in Capability.__members__.items():
        assert capability.name == name  # not an alias of another
        assert name == capability.value.upper().replace(":", "_").replace("-", "_")
        assert CAPABILITY.accepts(capability.value)
        assert f"{capability.category}:{capability.label}" == capability.value


@pytest.mark.parametrize("value", ["", "docs", "docs:", "Docs:tutorials", "docs:tutorials ", "made:up"])
def test_other_values_are_unknown(value: str) -> None:
    """What the registry does not list is None, not an error."""
    assert get_capability_by_value(value) is None


def test_categories_divide_the_registry() -> None:
    """Every capability is in exactly the category before its colon; an unknown category is empty."""
    categories = {capability.category for capability in Capability}
    listed = [capability for category in categories for capability in get_capabilities_by_category(category)]
    assert sorted(listed) == sorted(Capability)
    assert get_capabilities_by_category("code-analysis")[0] is Capability.CODE_ANALYSIS_PYTHON
    assert get_capabilities_by_category("code") == []
    assert get_capabilities_by_category("") == []


@pytest.mark.parametrize(
    ("swarm", "required", "overlap"),
    [
        ([], [], 0.0),
        (["a:a"], [], 0.0),
        ([], ["a:a"], 0.0),
        (["a:a"], ["a:a"], 1.0),
        (["a:a", "b:b", "c:c"], ["a:a"], 1.0),
        (["a:a"], ["a:a", "b:b"], 0.5),
        (["a:a", "b:b"], ["a:a", "c:c", "d:d", "e:e"], 0.25),
        (["a:a", "a:a"], ["a:a", "a:a", "b:b"], 0.5),
        ([Capability.TESTING_UNIT], ["testing:unit"], 1.0),
        (("testing:unit",), {Capability.TESTING_UNIT, Capability.DOCS_TUTORIALS}, 0.5),
        (["A:A"], ["a:a"], 0.0),
    ],
)
def test_overlap_is_the_share_of_the_required_ones(swarm: Any, required: Any, overlap: float) -> None:
    """Each required capability counts once, whichever way it is written; none required is 0.0."""
    assert calculate_capability_overlap(swarm, required) == overlap


def test_overlap_refuses_a_single_text() -> None:
    """A text in place of a list would be compared letter by letter."""
    with pytest.raises(TypeError, match="write"):
        calculate_capability_overlap("a:a", ["a:a"])
    with pytest.raises(TypeError, match="write"):
        calculate_capability_overlap(["a:a"], Capability.TESTING_UNIT)


def test_a_manifest_is_read(tmp_path: Path) -> None:
    """A good file gives its record, and tells known capabilities from others."""
    path = tmp_path / "manifest.json"
    path.write_text('{"swarm_id": "writer", "capabilities": ["docs:tutorials", "docs:poems"], "version": "2.1.0"}')
    manifest = validate_capability_manifest(path)
    assert manifest.swarm_id == manifest["swarm_id"] == "writer"
    assert manifest.capabilities == ["docs:tutorials", "docs:poems"]
    assert manifest.version == "2.1.0"
    assert manifest.known == (Capability.DOCS_TUTORIALS,)
    assert manifest.unknown == ("docs:poems",)
    path.write_text(json.dumps(manifest.to_dict()))
    assert validate_capability_manifest(str(path)) == manifest


def test_a_manifest_needs_only_id_and_capabilities(tmp_path: Path) -> None:
    """Version and description have defaults."""
    path = tmp_path / "m.json"
    path.write_text('{"swarm_id": "s", "capabilities": []}')
    assert validate_capability_manifest(path).to_dict() == {
        "swarm_id": "s",
        "capabilities": [],
        "version": "1.0",
        "description": "",
    }


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("[]", [""]),
        ("5", [""]),
        ("{}", ["swarm_id", "capabilities"]),
        ('{"swarm_id": "", "capabilities": ["a:b"]}', ["swarm_id"]),
        ('{"swarm_id": "S", "capabilities": "a:b", "versoin": "1.0"}', ["swarm_id", "capabilities", "versoin"]),
        ('{"swarm_id": "s", "capabilities": ["x", "a:b", "a:b"]}', ["capabilities[0]", "capabilities[2]"]),
        ('{"swarm_id": "s", "capabilities": [], "version": 1.0}', ["version"]),
    ],
)
def test_all_problems_of_a_manifest_are_named(tmp_path: Path, text: str, paths: list[str]) -> None:
    """JSON that is no manifest gives every problem with its path."""
    path = tmp_path / "m.json"
    path.write_text(text)
    with pytest.raises(ContractValidationError) as caught:
        validate_capability_manifest(path)
    assert [problem.path for problem in caught.value.problems] == paths


@pytest.mark.parametrize("junk", [b"", b"\0" * 10, b"\xff\xfe{}", b"[" * 100_000, b" " * 2_000_000, b"{,}"])
def test_junk_is_a_syntax_error(tmp_path: Path, junk: bytes) -> None:
    """Whatever bytes a file holds, the answer is one typed error that names the file."""
    path = tmp_path / "m.json"
    path.write_bytes(junk)
    with pytest.raises(ContractSyntaxError, match=r"m\.json"):
        validate_capability_manifest(path)
