"""Contracts as text that files hold: in one order of keys, everything spelled out, and read back as the same contract.

The library writes the YAML, so that every text is quoted where a reader would take it for something else.
"""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any, Final

from infrafabric.contract.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infrafabric.contract.service_contract import ServiceContract

#: The order of a contract's keys in files: what it is, what it promises, what it allows, the rest.
KEY_ORDER: Final = (
    *("swarm_id", "version", "description", "capabilities", "module", "tasks"),
    *("resource_limits", "slos", "permissions", "execution", "enforcement", "metadata", "created_at"),
)

_WIDTH = 120
#: Control, direction and other invisible characters, and halves of surrogate pairs.
_UNSEEN = re.compile("[\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\uffff]")
#: Text of several lines that reads well as a block: plain, no blank at the beginning or before a line break.
_LINES = re.compile(r"[!-~](?:[ -~]*[!-~])?(?:\n(?:[ -~]*[!-~])?)+")


def contract_data(contract: ServiceContract, *, defaults: bool = True) -> dict[str, Any]:
    """The contract as the plain data of a file, in `KEY_ORDER`.

    Without ``defaults``, values that a reader of the file would fill in by itself are left out.
    """
    plain = contract.to_dict()
    plain["created_at"] = rfc3339(contract.created_at)
    if plain["module"] is None:
        del plain["module"]
    else:
        plain["module"] = _given(plain["module"])
    plain["tasks"] = {name: _given(task) for name, task in plain["tasks"].items()}
    if not defaults:
        silent = type(contract)(contract.swarm_id).to_dict()
        plain = {
            key: _changed(value, silent[key]) for key, value in plain.items() if key in _ALWAYS or value != silent[key]
        }
    return {key: plain[key] for key in KEY_ORDER if key in plain}


_ALWAYS = frozenset({"swarm_id", "version", "created_at"})
_PARTS = frozenset({"resource_limits", "slos", "permissions", "execution", "enforcement"})


def _given(part: Mapping[str, Any]) -> dict[str, Any]:
    """Without the keys whose null only says that there is nothing."""
    return {key: _given(value) if key == "slos" else value for key, value in part.items() if value is not None}


def _changed(value: Any, default: Any) -> Any:
    if isinstance(value, dict) and isinstance(default, dict) and value.keys() == default.keys():
        return {key: item for key, item in value.items() if item != default[key]}
    return value


def json_text(contract: ServiceContract, *, defaults: bool = True) -> str:
    """The contract as JSON, ending in a line break."""
    return dump_json(contract_data(contract, defaults=defaults))


def dump_json(data: Any) -> str:
    """Plain data as JSON, ending in a line break; characters that nobody sees are escaped."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text) + "\n"


def yaml_text(contract: ServiceContract, *, defaults: bool = True) -> str:
    """The contract as YAML, ending in a line break."""
    return dump_yaml(contract_data(contract, defaults=defaults))


def dump_yaml(data: Mapping[str, Any]) -> str:
    """Plain data as YAML 1.2, in block style; several lines of text stand as such."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only YAML needs it
    from ruamel.yaml.representer import RoundTripRepresenter  # noqa: PLC0415

    class Representer(RoundTripRepresenter):
        """Writes null as a word and text of several lines as a block."""

        def represent_none(self, data: Any) -> Any:  # noqa: ARG002 - as the library calls it
            return self.represent_scalar("tag:yaml.org,2002:null", "null")

        def represent_str(self, data: Any) -> Any:
            style = "|" if _LINES.fullmatch(data) else None if data.isprintable() else '"'
            return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Representer.add_representer(type(None), Representer.represent_none)
    Representer.add_representer(str, Representer.represent_str)
    writer = YAML()
    writer.Representer = Representer
    writer.width = _WIDTH
    writer.indent(mapping=2, sequence=4, offset=2)
    text = io.StringIO()
    writer.dump(data, text)
    return text.getvalue()
