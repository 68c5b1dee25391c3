"""What an operator sees in a browser: the pages of a board, their JSON, the door before them, and the report.

Import the modules, not this package: they need the extra ``server``, and whoever reports that it is missing does so
before importing them (`infrafabric.dashboard.missing`).
"""
