"""Contracts as files: YAML, TOML or JSON in; a contract, or everything that is wrong, out.

`check_file` never raises for what a file holds, so that a linter of many files needs no exceptions;
`ServiceContract.from_file` is the same for those who need the contract or nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from infrafabric.contract import rules, text_rules
from infrafabric.contract.document import Document, Format, Source
from infrafabric.contract.json_text import read_json
from infrafabric.contract.problems import Problems, shown
from infrafabric.contract.reading import hidden_character, try_read
from infrafabric.contract.record import read_fields
from infrafabric.contract.report import format_problems
from infrafabric.contract.rulebook import RULES
from infrafabric.contract.service_contract import ServiceContract
from infrafabric.contract.toml_text import read_toml
from infrafabric.contract.yaml_text import read_yaml
from infrafabric.errors import ContractSyntaxError, ContractValidationError, Problem, escape

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from infrafabric.contract.defaults import Default, DeploymentDefaults

#: The format of a file by how its name ends.
FORMATS: Final[dict[str, Format]] = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}

_READERS: Final[dict[str, Callable[[Source], Document]]] = {"yaml": read_yaml, "toml": read_toml, "json": read_json}


@attrs.frozen(kw_only=True, eq=False)
class CheckedContract:
    """What was found in a file: a contract, or the problems that keep it from being one.

    ``document`` is None where there was no text to read. ``problems`` are located, in the order of the text.
    ``filled`` are the deployment's defaults that were used, by their paths.
    """

    source: Source
    document: Document | None = None
    contract: ServiceContract | None = None
    problems: tuple[Problem, ...] = ()
    filled: Mapping[str, Default] = attrs.field(factory=dict)

    def require(self) -> ServiceContract:
        """The contract.

        Raises `ContractSyntaxError` where the text could not be read and `ContractValidationError` with all problems
        where it could; both with a note that shows each problem in its line.
        """
        if self.contract is None:
            raise self.error()
        return self.contract

    def error(self) -> ContractSyntaxError | ContractValidationError:
        """What `require` raises for the problems."""
        error: ContractSyntaxError | ContractValidationError
        if self.document is not None and self.document.is_read:
            error = ContractValidationError(self.problems)
        else:
            first = self.problems[0]
            place = "".join(f":{number}" for number in (first.line, first.column) if number is not None)
            fix = f" ({first.fix})" if first.fix else ""
            error = ContractSyntaxError(f"{escape(self.source.name)}{place}: {first.message}{fix}")
        error.add_note(format_problems(self.problems, self.source))
        return error


def check_file(
    path: str | os.PathLike[str],
    format: Format | None = None,  # noqa: A002 - the word
    defaults: DeploymentDefaults | None = None,
) -> CheckedContract:
    """What a file of at most 1 MiB holds. Its name's ending gives the format unless ``format`` does.

    ``defaults`` are a deployment's; they are filled in where the file says nothing.
    """
    text, chosen = _text_of(path, format)
    if isinstance(text, Problem):
        return _unreadable(str(path), text)
    return check_text(text, chosen, str(path), defaults)


def check_text(
    text: str,
    format: Format = "yaml",  # noqa: A002 - the word
    name: str = "<text>",
    defaults: DeploymentDefaults | None = None,
) -> CheckedContract:
    """What a text of at most 1 MiB says. ``name`` stands for it in messages."""
    text = text.removeprefix("\ufeff")
    hidden = hidden_character(text)
    if hidden is not None:
        return _unreadable(name, hidden, text)
    return check_document(read_document(Source(name, text), format), defaults)


def open_document(path: str | os.PathLike[str], format: Format | None = None) -> Document:  # noqa: A002 - the word
    """The plain data of a file that is written well, whatever it means; raises as `CheckedContract.require` does."""
    text, chosen = _text_of(path, format)
    if isinstance(text, Problem):
        raise _unreadable(str(path), text).error()
    return require_document(Source(str(path), text), chosen)


def _text_of(path: str | os.PathLike[str], format: Format | None) -> tuple[str | Problem, Format]:  # noqa: A002
    """The text of a file, or what is wrong with the file, and its format."""
    chosen = format or FORMATS.get(Path(path).suffix.lower())
    if chosen is None:
        endings = ", ".join(FORMATS)
        message = f"expected a name that ends in one of {endings}, got {escape(Path(path).suffix, 20) or 'no ending'}"
        return Problem(rule=text_rules.UNKNOWN_FORMAT.id, path="", message=message), "yaml"
    return try_read(path), chosen


def read_document(source: Source, format: Format) -> Document:  # noqa: A002 - the word
    """The plain data of a text, with its places and the problems of its writing."""
    reader = _READERS.get(format)
    if reader is None:
        message = f"unknown format {format!r}; expected one of {', '.join(_READERS)}"
        raise ValueError(message)
    return reader(source)


def require_document(source: Source, format: Format) -> Document:  # noqa: A002 - the word
    """The plain data of a text that is written well, whatever it means; raises as `CheckedContract.require` does."""
    hidden = hidden_character(source.text)
    if hidden is not None:
        raise CheckedContract(source=source, problems=(hidden,)).error()
    document = read_document(source, format)
    if document.problems:
        raise CheckedContract(source=source, document=document, problems=document.problems).error()
    return document


def check_document(document: Document, defaults: DeploymentDefaults | None = None) -> CheckedContract:
    """The contract that a document describes."""
    if not document.is_read:
        return CheckedContract(source=document.source, document=document, problems=document.problems)
    data = contract_keys(document)
    filled: Mapping[str, Default] = {}
    if defaults is not None and isinstance(data, dict):
        data, filled = defaults.fill(data)
    problems = Problems()
    clean = read_contract(data, problems)
    if len(problems) and filled:
        problems = _blamed_on_defaults(document, problems)
    found = document.locate(problems.found)
    contract = None if found else ServiceContract(**clean)
    return CheckedContract(source=document.source, document=document, contract=contract, problems=found, filled=filled)


def _blamed_on_defaults(document: Document, problems: Problems) -> Problems:
    """The problems of a contract with defaults; where it has none by itself, they say that the defaults cause them."""
    alone = Problems()
    read_contract(contract_keys(document), alone)
    if len(alone):
        return alone
    told = Problems()
    for problem in problems.found:
        message = f"{problem.message}; without this deployment's defaults the contract is valid"
        told.add(RULES[problem.rule], problem.path, message, "change the defaults, or say the value in the contract")
    return told


def contract_keys(document: Document) -> Any:
    """The data of a document without the ``$schema`` that tells editors of JSON what a comment tells those of YAML."""
    data = document.data
    if document.format == "json" and isinstance(data, dict) and isinstance(data.get("$schema"), str):
        return {key: value for key, value in data.items() if key != "$schema"}
    return data


def read_contract(data: object, problems: Problems) -> dict[str, Any]:
    """The checked values of a contract's plain data, as files may write them."""
    if data is None:
        problems.add(rules.WRONG_TYPE, "", "there is no contract in here", "begin with the line swarm_id: my-swarm")
        return {}
    if not isinstance(data, dict):
        message = f"expected the keys of a contract, got {shown(data)}"
        problems.add(rules.WRONG_TYPE, "", message, "begin with the line swarm_id: my-swarm")
        return {}
    return read_fields(ServiceContract, data, "", problems, in_file=True)


def _unreadable(name: str, problem: Problem, text: str = "") -> CheckedContract:
    return CheckedContract(source=Source(name, text), problems=(problem,))
