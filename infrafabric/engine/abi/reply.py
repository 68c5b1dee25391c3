"""Reading what a guest answered: bytes that nobody may trust, decoded within bounds.

JSON from a guest is strict: no NaN or infinity, no duplicate keys, numbers of bounded length, at most `MAX_DEPTH`
deep and `MAX_JSON_BYTES` long, no lone surrogates. What is not strict JSON is text; what is not UTF-8 is bytes.

Rejected: a JSON library with limits of its own (none bounds depth and digits and refuses duplicate keys), and a parser
written here (ten times slower than the standard library's with a look at the brackets before).
"""

from __future__ import annotations

import json
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NoReturn

from infrafabric.engine.running import GuestEnded, Verdict
from infrafabric.errors import Outcome

if TYPE_CHECKING:
    from infrafabric.engine.instance import Instance

#: Longer answers are read as text or bytes: decoding holds the GIL, and expands tenfold and more.
MAX_JSON_BYTES = 1 << 20
MAX_DEPTH = 64
#: Digits of one number. Python refuses to convert thousands, and nobody means them.
MAX_DIGITS = 400

_MIB = 1 << 20
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_BRACKETS = bytes(set(range(256)) - set(_STEP))


class NotStrictJsonError(ValueError):
    """The bytes are not JSON that guests may send."""


def invalid_result(message: str) -> GuestEnded:
    """The ending of a guest whose answer cannot be read."""
    return GuestEnded(Verdict(Outcome.INVALID_RESULT, message))


def check_length(instance: Instance, what: str, length: int) -> None:
    """Refuse an answer over ``max_payload_mb``, before a byte of it is copied."""
    run, limit_bytes = instance.run, instance.sandbox.payload_bytes
    run.payload_bytes = max(run.payload_bytes, length)
    if length > limit_bytes:
        raise invalid_result(f"{what} has {length:,} bytes; max_payload_mb allows {limit_bytes / _MIB:g} MiB")


def decode(data: bytes, returns: str) -> Any:
    """The answer as ``returns`` asks: auto, json, number, text or bytes. Raises `GuestEnded` when it is not that."""
    if returns == "bytes":
        return data
    if returns in ("json", "number"):
        return _decode_json(data, number=returns == "number")
    try:
        if returns == "auto":
            return strict_json(data)
    except NotStrictJsonError:
        pass
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if returns == "text":
            raise invalid_result(f"its answer is not UTF-8: byte {error.start} is 0x{data[error.start]:02x}") from None
        return data


def _decode_json(data: bytes, *, number: bool) -> Any:
    try:
        value = strict_json(data)
    except NotStrictJsonError as error:
        raise invalid_result(f"its answer is not strict JSON: {error}") from None
    if number and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise invalid_result(f"its answer is not a number but JSON of type {type(value).__name__}")
    return value


def strict_json(data: bytes) -> Any:
    """Decode strict JSON, or raise `NotStrictJsonError` saying why it is not."""
    if len(data) > MAX_JSON_BYTES:
        raise NotStrictJsonError(f"it has {len(data):,} bytes, and JSON is read up to {MAX_JSON_BYTES:,}")
    try:
        text = data.decode()
        if _too_deep(data):
            _refuse_depth()
        value = _DECODER.decode(text)
        if "\\u" in text:
            _refuse_surrogates(value)
    except NotStrictJsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise NotStrictJsonError(str(error)) from None
    return value


def _too_deep(data: bytes) -> bool:
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False
    # Brackets inside strings nest nothing, and closing ones there would hide the depth around them.
    brackets = _without_strings(data).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH


def _without_strings(data: bytes) -> bytes:
    # Escaped quotes go first, then every second piece between quotes is the inside of a string.
    pieces = data.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
    return b"".join(pieces[::2])


def _refuse_depth() -> NoReturn:
    raise NotStrictJsonError(f"it is nested deeper than {MAX_DEPTH} levels")


def _refuse_surrogates(value: Any) -> None:
    # An escaped lone surrogate becomes a string that no encoder accepts.
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise NotStrictJsonError("it escapes half of a surrogate pair") from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise NotStrictJsonError("an object has a key twice")
    return value


def _constant(name: str) -> NoReturn:
    raise NotStrictJsonError(f"{name} is not JSON")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise NotStrictJsonError(f"a number has {len(digits):,} digits; {MAX_DIGITS} are read")
    return int(digits)


def _float(digits: str) -> float:
    if len(digits) > MAX_DIGITS:
        raise NotStrictJsonError(f"a number has {len(digits):,} digits; {MAX_DIGITS} are read")
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise NotStrictJsonError(f"the number {digits[:20]} is too large")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_integer, parse_float=_float)
