"""Abilities: the current one, read by the platform, and one per user and week, the history."""

from alembic import op

from resources.database.schema import undo_log
from resources.database.schema.table_adoption import Column, Table, make_table

revision = "0003"
down_revision = "0002"

_INSTANT = "timestamp with time zone"
_MIRT_ABILITY = Table(
    "mirt_ability",
    columns=(
        Column("user_id", "text", nullable=False),
        Column("model", "text", nullable=False),
        Column("version", "text", nullable=False),
        Column("theta", "double precision", nullable=False),
        Column("se", "double precision", nullable=False),
        Column("n_items", "integer"),
        Column("as_of", _INSTANT),
        Column("fitted_at", _INSTANT, nullable=False),
    ),
    key=("user_id", "model", "version"),
)
_THETA_ESTIMATES = Table(
    "theta_estimates",
    columns=(
        Column("user_id", "text", nullable=False),
        Column("week_start", "date", nullable=False),
        Column("theta", "double precision", nullable=False),
        Column("se", "double precision", nullable=False),
        Column("n_items", "integer", nullable=False),
        Column("n_unknown_item", "integer", nullable=False),
        Column("n_unusable", "integer", nullable=False),
        Column("model", "text", nullable=False),
        Column("version", "text", nullable=False),
        Column("window_days", "integer", nullable=False),
        Column("as_of", _INSTANT, nullable=False),
        Column("fitted_at", _INSTANT, nullable=False),
    ),
    key=("user_id", "week_start"),
    indexes=(("week_start",),),
)


def upgrade() -> None:
    for table in (_MIRT_ABILITY, _THETA_ESTIMATES):
        make_table(op.get_bind(), revision, table)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
