"""What a real Prometheus thinks of rules and expressions."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from infrafabric.contract.writing import dump_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def check_rules(folder: Path, rules: dict[str, Any]) -> str:
    """What ``promtool check rules`` says of a rules file; fails the test when it refuses it."""
    path = folder / "rules.yml"
    path.write_text(dump_yaml(rules))
    done = subprocess.run(["promtool", "check", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_expressions(folder: Path, expressions: Iterable[str]) -> None:
    """Fail the test when Prometheus cannot parse one of them."""
    rules = [{"record": f"checked:{number}", "expr": text} for number, text in enumerate(expressions)]
    assert rules
    check_rules(folder, json.loads(json.dumps({"groups": [{"name": "checked", "rules": rules}]})))
