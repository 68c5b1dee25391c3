"""``infrafabric bench``: how it is measured (`measuring`), what was found (`figures`), and its tables (`shown`)."""
