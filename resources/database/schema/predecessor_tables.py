"""The four tables that the predecessor had, too, as the first migrations made them: ours, under its names.

Where the platform still has the predecessor's, theirs stays as it is and ours is made beside it (`BESIDE`); from
migration 0009 on ours has that name everywhere.
"""

from resources.database.schema.own_tables import Column, Table

_INSTANT = "timestamp with time zone"

MIRT_ITEM_PARAMS = Table(
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
    beside="seedtest_mirt_item_params",
)
MIRT_FIT_META = Table(
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
    beside="seedtest_mirt_fit_meta",
)
MIRT_ABILITY = Table(
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
    beside="seedtest_mirt_ability",
)
REPORT_ARTIFACTS = Table(
    "report_artifacts",
    columns=(
        Column("id", "bigint", numbered=True),
        Column("user_id", "text", nullable=False),
        Column("week_start", "date", nullable=False),
        Column("format", "text", nullable=False),
        Column("url", "text", nullable=False),
        Column("generated_at", _INSTANT, nullable=False),
        Column("sha256", "text"),
        Column("inputs_sha256", "text"),
    ),
    key=("user_id", "week_start", "format"),
    indexes=(("week_start",),),
    beside="seedtest_report_artifacts",
)
