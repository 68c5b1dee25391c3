"""Where each family of contenders lives: imported by name, in a lane, so that a missing peer is missing only there."""

OURS = "benchmarks.contenders.ours"
EXTISM = "benchmarks.contenders.extism_sdk"
WASMTIME = "benchmarks.contenders.wasmtime_py"
OTHERS = "benchmarks.contenders.others"
