"""The form of an explanation: a line of unit, formula, inputs and sentence for each number of a record.

In a sentence ``{own}`` is that record, ``{objective}`` the objective it belongs to, ``{snapshot}`` the whole; the
format ``%`` writes a percentage, ``t`` a length of time, ``at`` an instant, ``#task`` a number of tasks. ``explain``
fills them in. Functions instead of texts were rejected: a table of texts can be read by somebody who does not read
Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.frozen
class Line:
    """One number: its unit, formula, the paths of its inputs, and its sentence.

    A number whose sentence depends on it has several: ``choose`` picks one by the record.
    """

    unit: str
    formula: str
    inputs: str
    sentence: str | dict[str, str]
    choose: Callable[[Any], str] | None = None
