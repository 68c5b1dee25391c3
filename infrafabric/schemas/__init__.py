"""Registries that contracts refer to: `infrafabric.schemas.capability` lists the known capabilities."""
