"""Generated contracts and data, for the property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from infrafabric.contract.data import MAX_EXACT_INT

word = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
leaf = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_EXACT_INT, MAX_EXACT_INT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
data = st.dictionaries(
    text,
    st.recursive(
        leaf, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=12
    ),
    max_size=5,
)


def number(low: float, high: float) -> st.SearchStrategy[float]:
    """A number of a range, as int or float."""
    return st.integers(int(low) + 1, int(high)) | st.floats(low, high)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping of some of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


percent = st.floats(0.001, 99.999)
contracts = some(
    capabilities=st.lists(st.builds("{}:{}".format, word, word), unique=True, max_size=5),
    resource_limits=st.integers(1, 256).flatmap(
        lambda tasks: some(
            max_memory_mb=st.integers(1, 4096),
            max_api_calls_per_second=st.integers(1, 100_000),
            max_execution_time_seconds=number(0.001, 86_400),
            max_queued_tasks=st.integers(0, 10_000),
            max_load_seconds=number(0.1, 600),
            max_log_bytes_per_second=st.integers(0, 100 * 2**20),
            max_payload_mb=st.integers(1, 64),
            max_module_mb=st.integers(1, 256),
            max_fuel=st.none() | st.integers(1, MAX_EXACT_INT),
        ).flatmap(
            lambda rest: number(0.001, 100 * tasks).map(
                lambda share: {**rest, "max_concurrent_tasks": tasks, "max_cpu_percent": share}
            )
        )
    ),
    slos=some(
        target_latency_ms=number(0.001, 1e9),
        target_throughput_rps=number(0.001, 1e9),
        target_availability_percent=percent,
        latency_objective_percent=percent,
        throughput_objective_percent=percent,
        period=st.builds("{}h".format, st.integers(1, 2160)) | st.builds("{}d".format, st.integers(1, 90)),
    ),
    version=st.builds("{}.{}.{}".format, *[st.integers(0, 999_999_999)] * 3),
    created_at=st.floats(0, 253_402_300_799),
    metadata=data,
    description=st.text(st.sampled_from("ab é€\n\t😀"), max_size=50),
    tasks=st.dictionaries(
        word.filter(lambda name: name != "initialize"),
        some(abi=st.sampled_from([None, "buffer", "cstring", "lenptr"]), returns=st.sampled_from(["auto", "json"])),
        max_size=3,
    ),
    permissions=some(log=st.booleans(), wasi=st.sampled_from(["none", "inert"])),
    execution=some(deterministic=st.booleans()),
    enforcement=some(
        on_exhausted=st.sampled_from(["observe", "throttle", "quarantine"]),
        on_consecutive_failures=st.none() | st.integers(1, 1_000_000),
        retry_after_seconds=st.floats(0.1, 86_400),
    ),
).map(lambda fields: {"swarm_id": "s", **fields})
