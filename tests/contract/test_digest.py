"""The canonical form of a contract (RFC 8785) and its digest."""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import pytest

from infrafabric.contract import ServiceContract

#: RFC 8785, appendix B: the bits of a double and its only right text.
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


def canonical(value: Any) -> str:
    """How ``value`` stands in the canonical form of a contract that carries it."""
    text = ServiceContract("s", metadata={"v": value}).canonical_json().decode()
    return text.partition('"metadata":{"v":')[2].partition('},"module"')[0]


@pytest.mark.parametrize(("bits", "text"), NUMBERS, ids=[text for _, text in NUMBERS])
def test_numbers_are_written_as_the_standard_says(bits: str, text: str) -> None:
    """Doubles have the shortest text that reads back, in the notation of ECMAScript."""
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(number) == text


def test_values_are_written_as_the_standard_says() -> None:
    """The example of RFC 8785, section 3.2.2."""
    example = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(example) == expected


def test_keys_are_sorted_by_utf_16() -> None:
    """The example of RFC 8785, section 3.2.3: the emoji sorts by its surrogates, before U+FB33."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = json.loads(canonical(dict.fromkeys(keys, 0)))
    assert list(ordered) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


def test_the_canonical_form_of_a_silent_contract() -> None:
    """Defaults are filled in, `created_at` is left out, and the digest is its SHA-256."""
    contract = ServiceContract("s")
    text = (
        '{"capabilities":[],"description":"","enforcement":{"on_consecutive_failures":null,'
        '"on_exhausted":"observe","retry_after_seconds":30},"execution":{"deterministic":false,"instance":"task"},'
        '"metadata":{},'
        '"module":null,"permissions":{"log":true,"wasi":"inert"},"resource_limits":{"max_api_calls_per_second":10,'
        '"max_concurrent_tasks":1,"max_cpu_percent":25,"max_execution_time_seconds":300,"max_fuel":null,'
        '"max_load_seconds":10,"max_log_bytes_per_second":65536,"max_memory_mb":256,"max_module_mb":64,'
        '"max_payload_mb":8,"max_queued_tasks":64},"slos":{"latency_objective_percent":99,"period":"30d",'
        '"target_availability_percent":99.9,"target_latency_ms":100,"target_throughput_rps":10,'
        '"throughput_objective_percent":99},"swarm_id":"s","tasks":{},"version":"1.0"}'
    )
    assert contract.canonical_json().decode() == text
    assert contract.digest == hashlib.sha256(text.encode()).hexdigest()


def test_equal_promises_have_one_digest() -> None:
    """Key order, spelled-out defaults and 300 against 300.0 make no difference."""
    one = ServiceContract("s", resource_limits={"max_execution_time_seconds": 300}, metadata={"a": 1, "b": 2})
    two = ServiceContract(
        "s",
        resource_limits={"max_fuel": None, "max_execution_time_seconds": 300.0},
        metadata={"b": 2.0, "a": 1},
        permissions={"log": True},
    )
    assert one.digest == two.digest


@pytest.mark.parametrize(
    "change",
    [
        {"swarm_id": "t"},
        {"capabilities": ["a:b"]},
        {"resource_limits": {"max_memory_mb": 255}},
        {"slos": {"period": "29d"}},
        {"version": "1.1"},
        {"metadata": {"a": 1}},
        {"description": "x"},
        {"tasks": {"run": {}}},
        {"permissions": {"log": False}},
        {"execution": {"deterministic": True}},
        {"module": {"path": "a.wasm"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_promise_counts(change: dict[str, Any]) -> None:
    """A change to any field but `created_at` changes the digest."""
    contract = ServiceContract("s")
    assert contract.evolve(**change).digest != contract.digest
