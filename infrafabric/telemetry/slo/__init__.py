"""Service level objectives: counted exactly, judged by burn rate, explained in a sentence.

Integers in fixed memory are the truth; whatever shows or exports them reads a `SloSnapshot`. This package knows
nothing of contracts, engines or OpenTelemetry: it takes numbers, outcomes and clocks. `infrafabric.telemetry` carries
its public names.
"""
