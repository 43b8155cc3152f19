"""Item parameters by bank version, and the calibration that each version comes from."""

from alembic import op

from resources.database.schema import undo_log
from resources.database.schema.table_adoption import Column, Table, make_table

revision = "0002"
down_revision = "0001"

_INSTANT = "timestamp with time zone"
_MIRT_ITEM_PARAMS = Table(
    "mirt_item_params",
    columns=(
        Column("item_id", "text", nullable=False),
        Column("model", "text", nullable=False),
        Column("version", "text", nullable=False),
        Column("params", "jsonb", nullable=False),
        Column("standard_errors", "jsonb"),
        Column("n_responses", "integer"),
        Column("fitted_at", _INSTANT),
    ),
    key=("item_id", "model", "version"),
    indexes=(("version",),),  # a bank is read by its version
)
_MIRT_FIT_META = Table(
    "mirt_fit_meta",
    columns=(
        Column("version", "text", nullable=False),
        Column("model", "text", nullable=False),
        Column("converged", "boolean", nullable=False),
        Column("cycles", "integer"),
        Column("log_likelihood", "double precision"),
        Column("n_users", "integer"),
        Column("n_items", "integer"),
        Column("n_responses", "bigint"),
        Column("details", "jsonb", nullable=False),
        Column("fitted_at", _INSTANT, nullable=False),
        Column("adopted_at", _INSTANT),
    ),
    key=("version",),
)


def upgrade() -> None:
    for table in (_MIRT_ITEM_PARAMS, _MIRT_FIT_META):
        make_table(op.get_bind(), revision, table)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
