"""The formats that can be exported to, by the names that the command line knows them by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infrafabric.telemetry.export.grafana import grafana_dashboard
from infrafabric.telemetry.export.openslo import openslo_documents
from infrafabric.telemetry.export.prometheus import prometheus_rules
from infrafabric.telemetry.export.pyrra import pyrra_objectives
from infrafabric.telemetry.export.sloth import sloth_specs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infrafabric.telemetry.export.subject import Export, ExportSubject

#: Each gives its documents for the subjects of one contract, of which there is at least one.
FORMATS: Final[dict[str, Callable[[Sequence[ExportSubject]], Export]]] = {
    "prometheus": prometheus_rules,
    "grafana": grafana_dashboard,
    "openslo": openslo_documents,
    "sloth": sloth_specs,
    "pyrra": pyrra_objectives,
}
