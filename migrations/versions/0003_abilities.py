"""Abilities: the current one, read by the platform, and one per user and week, the history."""

from alembic import op

from resources.database.schema import undo_log
from resources.database.schema.own_tables import Column, Table, make_table
from resources.database.schema.predecessor_tables import MIRT_ABILITY

revision = "0003"
down_revision = "0002"

_INSTANT = "timestamp with time zone"
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
    for table in (MIRT_ABILITY, _THETA_ESTIMATES):
        make_table(op.get_bind(), revision, table)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
