"""A contract's objectives in the languages of other tools: Prometheus, Grafana, OpenSLO, Sloth and Pyrra.

Pure functions from targets and names to plain data; whoever calls them writes the YAML or JSON. All formats count the
same events, ``infrafabric.slo.events`` as a Prometheus server has them, so they mean one thing. Building availability
and latency from the histogram of durations was rejected: a timeout that the caller's own shorter limit caused is an
error there but burns nothing here, and a task with a latency target of its own has not the bound of its swarm's.
"""
