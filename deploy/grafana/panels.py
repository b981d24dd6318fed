"""The few kinds of panels our dashboards are made of, so that a dashboard reads as what it shows; the door to Grafana's builders."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from grafana_foundation_sdk.builders import common, heatmap, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
    ThresholdsConfig,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, StackingMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE: Final = DataSourceRef(type_val="prometheus", uid="$datasource")
HEIGHT: Final = 8
TAG: Final = "segment-export"

Queries = Mapping[str, str]
"""Expressions by their legends."""
Panel = Any
"""A builder of a panel; the library has no common type for them."""


def lines(
    title: str, says: str, queries: Queries, *, unit: str = "short", stacked: bool = False, width: int = 12
) -> Panel:
    """Draw values over time."""
    panel = _filled(timeseries.Panel(), title, says, queries, width).unit(unit).fill_opacity(10)
    legend = common.VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST)
    panel = panel.legend(legend.placement(LegendPlacement.BOTTOM))
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(40)
    return panel


def dashed(panel: Panel, *legends: str) -> Panel:
    """Draw these of a panel's series as a dashed line above the others, not stacked on them."""
    properties = [
        DynamicConfigValue(id_val="custom.stacking", value={"mode": "none"}),
        DynamicConfigValue(id_val="custom.fillOpacity", value=0),
        DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [10, 10]}),
    ]
    for legend in legends:
        panel = panel.override_by_name(legend, properties)
    return panel


def figure(title: str, says: str, expression: str, *, unit: str = "short", warns_from: float | None = None) -> Panel:
    """Show one figure, red from a value on."""
    panel = _filled(stat.Panel(), title, says, {"": expression}, 4).unit(unit).height(4)
    if warns_from is not None:
        steps = [Threshold(value=None, color="green"), Threshold(value=warns_from, color="red")]
        panel = panel.thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    return panel


def rows(title: str, says: str, expression: str, *, unit: str = "short", width: int = 12) -> Panel:
    """Show a row for each series as it is now."""
    query = Dataquery().expr(expression).instant().format(PromQueryFormat.TABLE).ref_id("A").datasource(SOURCE)
    return (
        table.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .with_target(query)
        .unit(unit)
        .span(width)
        .height(HEIGHT)
    )


def heat(title: str, says: str, buckets: str, *, unit: str = "s", width: int = 12) -> Panel:
    """Show the buckets of a histogram over time."""
    query = Dataquery().expr(buckets).range().format(PromQueryFormat.HEATMAP).legend_format("{{le}}").ref_id("A")
    panel = heatmap.Panel().title(title).description(says).datasource(SOURCE).with_target(query.datasource(SOURCE))
    return panel.y_axis(heatmap.YAxisConfig().unit(unit)).span(width).height(HEIGHT)


def dashboard(
    uid: str, title: str, says: str, parts: Mapping[str, Sequence[Panel]], **variables: str
) -> models.Dashboard:
    """Lay panels out in rows; `variables` are names of choices and the queries that list them."""
    made = (
        Dashboard(title)
        .uid(uid)
        .description(says)
        .tags([TAG])
        .readonly()
        .refresh("30s")
        .time("now-3h", "now")
        .timezone("browser")
        .link(DashboardLink("The others").type(DashboardLinkType.DASHBOARDS).tags([TAG]).keep_time(True))
        .with_variable(DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for name, query in variables.items():
        chosen = QueryVariable(name).label(name.capitalize()).query(query).datasource(SOURCE)
        made = made.with_variable(chosen.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED))
    for name, panels in parts.items():
        made = made.with_row(Row(name))
        for panel in panels:
            made = made.with_panel(panel)
    return made.build()


def _filled(panel: Panel, title: str, says: str, queries: Queries, width: int) -> Panel:
    panel = panel.title(title).description(says).datasource(SOURCE).span(width).height(HEIGHT)
    for number, (legend, expression) in enumerate(queries.items()):
        query = Dataquery().expr(expression).legend_format(legend).ref_id(chr(ord("A") + number)).range()
        panel = panel.with_target(query.datasource(SOURCE))
    return panel
