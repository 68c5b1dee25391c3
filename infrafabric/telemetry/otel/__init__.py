"""Tasks and objectives as OpenTelemetry: a span and a histogram a task, and instruments that mirror our own counters.

The library speaks to OpenTelemetry's API and configures nothing; without an SDK it does not even import it. `sdk` is
for programs, such as the command line, that want one configured from ``OTEL_*``.
"""
