"""The registry of known capabilities: what swarms say they can do, in words that can be searched and compared.

You need this to name a capability without misspelling it, to ask how well a swarm fits a task, or to check a
swarm's manifest. The runtime takes other ``category:name`` texts too; a fixed list would have to grow before every
new kind of swarm, so the registry advises and does not refuse.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import attrs

from infrafabric.contract.fields import field
from infrafabric.contract.kinds import TextList
from infrafabric.contract.reading import parse_json, read_text
from infrafabric.contract.record import Record
from infrafabric.contract.texts import CAPABILITY, FILE_SWARM_ID, PROSE, VERSION

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from infrafabric.contract.frozen import FrozenList


class Capability(enum.StrEnum):
    """A known capability. Members are text: ``Capability.DOCS_TUTORIALS == "docs:tutorials"``."""

    CODE_ANALYSIS_PYTHON = "code-analysis:python"
    CODE_ANALYSIS_RUST = "code-analysis:rust"
    CODE_ANALYSIS_JAVASCRIPT = "code-analysis:javascript"
    CODE_ANALYSIS_TYPESCRIPT = "code-analysis:typescript"
    CODE_ANALYSIS_GO = "code-analysis:go"
    CODE_ANALYSIS_C = "code-analysis:c"
    CODE_ANALYSIS_CPP = "code-analysis:cpp"
    CODE_ANALYSIS_JAVA = "code-analysis:java"
    CODE_ANALYSIS_SQL = "code-analysis:sql"

    INTEGRATION_SIP = "integration:sip"
    INTEGRATION_NDI = "integration:ndi"
    INTEGRATION_WEBRTC = "integration:webrtc"
    INTEGRATION_H323 = "integration:h323"
    INTEGRATION_VMIX = "integration:vmix"
    INTEGRATION_OBS = "integration:obs"
    INTEGRATION_RTMP = "integration:rtmp"
    INTEGRATION_SRT = "integration:srt"
    INTEGRATION_MQTT = "integration:mqtt"

    DOCS_TECHNICAL_WRITING = "docs:technical-writing"
    DOCS_API_DESIGN = "docs:api-design"
    DOCS_TUTORIALS = "docs:tutorials"
    DOCS_REFERENCE = "docs:reference"
    DOCS_CHANGELOG = "docs:changelog"
    DOCS_TRANSLATION = "docs:translation"

    TESTING_UNIT = "testing:unit"
    TESTING_INTEGRATION = "testing:integration"
    TESTING_PERFORMANCE = "testing:performance"
    TESTING_END_TO_END = "testing:end-to-end"
    TESTING_FUZZING = "testing:fuzzing"
    TESTING_SECURITY = "testing:security"

    SECURITY_VULNERABILITIES = "security:vulnerabilities"
    SECURITY_SECRETS = "security:secrets"
    SECURITY_DEPENDENCIES = "security:dependencies"
    SECURITY_THREAT_MODELING = "security:threat-modeling"

    DATA_VALIDATION = "data:validation"
    DATA_TRANSFORMATION = "data:transformation"
    DATA_EXTRACTION = "data:extraction"
    DATA_STATISTICS = "data:statistics"

    TEXT_SEARCH = "text:search"
    TEXT_CLASSIFICATION = "text:classification"
    TEXT_SUMMARIZATION = "text:summarization"
    TEXT_FORMATTING = "text:formatting"

    MEDIA_AUDIO = "media:audio"
    MEDIA_VIDEO = "media:video"
    MEDIA_IMAGES = "media:images"

    INFRASTRUCTURE_DEPLOYMENT = "infrastructure:deployment"
    INFRASTRUCTURE_MONITORING = "infrastructure:monitoring"
    INFRASTRUCTURE_NETWORKING = "infrastructure:networking"

    ARCHITECTURE_PATTERNS = "architecture:patterns"
    ARCHITECTURE_REVIEW = "architecture:review"

    @property
    def category(self) -> str:
        """What stands before the colon."""
        return self.value.partition(":")[0]

    @property
    def label(self) -> str:
        """What stands after the colon."""
        return self.value.partition(":")[2]


@attrs.frozen(kw_only=True, eq=False)
class CapabilityManifest(Record):
    """A swarm's capabilities as a JSON file of their own: what it can do, without how it is run."""

    swarm_id: str = field(FILE_SWARM_ID, "The name of the swarm.", enforced_by="contract")
    capabilities: FrozenList[str] = field(
        TextList(item=CAPABILITY, max_items=1024), "What the swarm offers.", enforced_by="contract"
    )
    version: str = field(VERSION, "The version of the manifest, as text.", enforced_by="contract", default="1.0")
    description: str = field(PROSE, "What the swarm does, for people.", enforced_by="contract", default="")

    @property
    def known(self) -> tuple[Capability, ...]:
        """Those of its capabilities that the registry lists, in their order."""
        return tuple(Capability(value) for value in self.capabilities if get_capability_by_value(value))

    @property
    def unknown(self) -> tuple[str, ...]:
        """Those that it does not list. They are allowed; a misspelled one is among them."""
        return tuple(value for value in self.capabilities if not get_capability_by_value(value))


def get_capability_by_value(value: str) -> Capability | None:
    """The capability written ``value``, or None when the registry does not list it.

    >>> get_capability_by_value("integration:sip")
    <Capability.INTEGRATION_SIP: 'integration:sip'>
    """
    try:
        return Capability(value)
    except ValueError:
        return None


def get_capabilities_by_category(category: str) -> list[Capability]:
    """All capabilities of a category, in the registry's order; none for a category it does not have.

    >>> [capability.label for capability in get_capabilities_by_category("media")]
    ['audio', 'video', 'images']
    """
    return [capability for capability in Capability if capability.category == category]


def calculate_capability_overlap(swarm: Iterable[str], required: Iterable[str]) -> float:
    """The share of the required capabilities that a swarm has, from 0.0 to 1.0; 0.0 when none are required.

    Both sides are members or texts, and each is counted once.

    >>> calculate_capability_overlap(["docs:tutorials", "testing:unit"], [Capability.TESTING_UNIT, "x:y"])
    0.5
    """
    has, needs = _distinct(swarm), _distinct(required)
    return len(has & needs) / len(needs) if needs else 0.0


def validate_capability_manifest(path: str | os.PathLike[str]) -> CapabilityManifest:
    """The manifest that a JSON file holds.

    Raises `ContractSyntaxError` when the file cannot be read as strict JSON, and `ContractValidationError` with
    every problem when the JSON is no manifest.
    """
    return CapabilityManifest.from_dict(parse_json(read_text(path), str(path)))


def _distinct(capabilities: Iterable[str]) -> frozenset[str]:
    if isinstance(capabilities, str):  # its letters would be taken for capabilities
        text = f"expected a list of capabilities, got the text {capabilities!r}; write [{capabilities!r}]"
        raise TypeError(text)
    return frozenset(str.__str__(capability) for capability in capabilities)
