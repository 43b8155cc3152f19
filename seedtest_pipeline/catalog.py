"""What Dagster's catalog says of each asset besides how it is made: group, owner, columns; and the platform's table."""

from collections.abc import Mapping, Sequence

import dagster as dg
import pyarrow as pa
import sqlalchemy as sa

from resources.answers.schema import SCHEMA
from resources.database.schema import tables

OWNERS = ["team:data"]
_GROUPS = {
    "responses": "weekly",
    "theta_estimates": "weekly",
    "weekly_reports": "weekly",
    "population": "weekly",
    "current_abilities": "weekly",
    "class_reports": "staff",
    "cohort_reports": "staff",
    "item_parameters": "calibration",
    "report_template": "documents",
}
_TABLES = {
    "theta_estimates": tables.theta_estimates,
    "weekly_reports": tables.report_artifacts,
    "class_reports": tables.class_reports,
    "population": tables.population,
    "item_parameters": tables.mirt_item_params,
}
# The platform writes it, and Dagster neither makes nor observes it: each look would make all weeks seem out of date.
EXAM_RESULTS = dg.AssetSpec(
    tables.exam_results.name,
    group_name="platform",
    kinds={"postgres"},
    description="Sessions of the exam platform, which writes them; the view `attempt` takes them apart.",
)


def described(assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The same assets, each with its group, its owners and, where it is a table, its columns."""
    return [asset.map_asset_specs(described_spec) for asset in assets]


def described_spec(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The same of one that nothing here makes."""
    name = spec.key.to_user_string()
    return spec.replace_attributes(group_name=_GROUPS[name], owners=OWNERS).merge_attributes(metadata=_columns(name))


def _columns(name: str) -> Mapping[str, dg.TableSchema]:
    if name == "responses":
        return {"dagster/column_schema": _of_arrow(SCHEMA)}
    return {"dagster/column_schema": _of_table(_TABLES[name])} if name in _TABLES else {}


def _of_arrow(schema: pa.Schema) -> dg.TableSchema:
    return dg.TableSchema(
        [dg.TableColumn(field.name, str(field.type), constraints=_nullable(field.nullable)) for field in schema]
    )


def _of_table(table: sa.Table) -> dg.TableSchema:
    return dg.TableSchema([
        dg.TableColumn(column.name, str(column.type), constraints=_nullable(bool(column.nullable)))
        for column in table.columns
    ])  # fmt: skip


def _nullable(nullable: bool) -> dg.TableColumnConstraints:
    return dg.TableColumnConstraints(nullable=nullable)
