"""Every rule by its id, for reports, silencing and the reference page."""

from __future__ import annotations

from typing import Final

from infrafabric.contract import advice_rules, rules, text_rules
from infrafabric.contract.rules import Rule

#: Every rule by its id, in order.
RULES: Final[dict[str, Rule]] = {
    rule.id: rule
    for rule in sorted(
        (
            rule
            for module in (text_rules, rules, advice_rules)
            for rule in vars(module).values()
            if isinstance(rule, Rule)
        ),
        key=lambda rule: rule.id,
    )
}
