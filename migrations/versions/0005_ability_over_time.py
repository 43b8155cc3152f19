"""Ability that follows the learner: where each week's estimate started from, how the group moved, and what was made."""

from alembic import op

from resources.database.schema import undo_log
from resources.database.schema.own_tables import Column, Table, add_columns, make_table

revision = "0005"
down_revision = "0004"

_INSTANT = "timestamp with time zone"
_STATES = (
    Column("n_new_items", "integer"),
    Column("prior_mean", "double precision"),
    Column("prior_sd", "double precision"),
    Column("fingerprint", "text"),
)
_POPULATION = Table(
    "population",
    columns=(
        Column("week_start", "date", nullable=False),
        Column("drift", "double precision", nullable=False),
        Column("drift_se", "double precision"),
        Column("absence_drift", "double precision", nullable=False),
        Column("absence_drift_se", "double precision"),
        Column("tau", "double precision", nullable=False),
        Column("tau_sd", "double precision", nullable=False),
        Column("tau_log_likelihood", "double precision[]", nullable=False),
        Column("newcomers_mean", "double precision", nullable=False),
        Column("newcomers_sd", "double precision", nullable=False),
        Column("newcomers_mean_se", "double precision", nullable=False),
        Column("newcomers_log_sd_se", "double precision", nullable=False),
        Column("n_active", "integer", nullable=False),
        Column("n_returning", "integer", nullable=False),
        Column("n_newcomers", "integer", nullable=False),
        Column("n_answers", "bigint", nullable=False),
        Column("enough", "boolean", nullable=False),
        Column("drift_is_given", "boolean", nullable=False),
        Column("rounds", "integer", nullable=False),
        Column("version", "text", nullable=False),
        Column("fitted_at", _INSTANT, nullable=False),
    ),
    key=("week_start",),
)
_MADE = Table(
    "ability_weeks",
    columns=(
        Column("week_start", "date", nullable=False),
        Column("user_key", "text", nullable=False),
        Column("made_from", "text", nullable=False),
        Column("fingerprint", "text", nullable=False),
    ),
    key=("week_start", "user_key"),
)
_ANSWERED = Table(
    "answered_items",
    columns=(
        Column("user_id", "text", nullable=False),
        Column("week_start", "date", nullable=False),
        Column("item_keys", "text[]", nullable=False),
    ),
    key=("user_id", "week_start"),
)


def upgrade() -> None:
    connection = op.get_bind()
    add_columns(connection, revision, "theta_estimates", _STATES)
    for table in (_POPULATION, _MADE, _ANSWERED):
        make_table(connection, revision, table)


def downgrade() -> None:
    undo_log.undo(op.get_bind(), revision)
