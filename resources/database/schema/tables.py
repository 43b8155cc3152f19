"""The tables and the view as SQLAlchemy Core sees them; the migrations are what makes them.

`exam_results` belongs to the platform and `attempt` is a view on it; the rest is this pipeline's. What the predecessor
had, too, is named seedtest_…: the platform may still have tables of its names. Instants are UTC.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData()

_instant = sa.DateTime(timezone=True)

exam_results = sa.Table(
    "exam_results",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("session_id", sa.Text, nullable=False),
    sa.Column("exam_id", sa.Text),
    sa.Column("status", sa.Text),
    sa.Column("result_json", JSONB),
    sa.Column("created_at", _instant),
    sa.Column("updated_at", _instant),
)

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("id", sa.BigInteger),
    sa.Column("student_id", sa.Uuid),
    sa.Column("item_id", sa.BigInteger),
    sa.Column("correct", sa.Boolean),
    sa.Column("response_time_ms", sa.Integer),
    sa.Column("hint_used", sa.Boolean),
    sa.Column("completed_at", _instant),
    sa.Column("started_at", _instant),
    sa.Column("attempt_no", sa.Integer),
    sa.Column("session_id", sa.Text),
    sa.Column("topic_id", sa.Text),
    sa.Column("user_id", sa.Text),
    sa.Column("item_key", sa.Text),
    sa.Column("exam_result_id", sa.Text),
    sa.Column("question_no", sa.Integer),  # place in the session's list, from 1
)

mirt_item_params = sa.Table(
    "seedtest_mirt_item_params",
    metadata,
    sa.Column("item_id", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("params", JSONB, nullable=False),  # {"a": per logit, "b": logits, "c": probability}, "topic" where known
    sa.Column("standard_errors", JSONB),  # same keys; NULL where the calibration gave none
    sa.Column("n_responses", sa.Integer),
    sa.Column("fitted_at", _instant),
)

mirt_fit_meta = sa.Table(
    "seedtest_mirt_fit_meta",
    metadata,
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("converged", sa.Boolean, nullable=False),
    sa.Column("cycles", sa.Integer),
    sa.Column("log_likelihood", sa.Double),
    sa.Column("n_users", sa.Integer),
    sa.Column("n_items", sa.Integer),
    sa.Column("n_responses", sa.BigInteger),
    sa.Column("details", JSONB, nullable=False),  # priors, group, linking constants, items left out and why
    sa.Column("fitted_at", _instant, nullable=False),
    sa.Column("adopted_at", _instant),  # NULL: never in force; the bank in force is the one adopted last
)

mirt_ability = sa.Table(
    "seedtest_mirt_ability",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("theta", sa.Double, nullable=False),
    sa.Column("se", sa.Double, nullable=False),
    sa.Column("n_items", sa.Integer),
    sa.Column("as_of", _instant),  # responses up to this instant count; an earlier one never replaces a later one
    sa.Column("fitted_at", _instant, nullable=False),
)

theta_estimates = sa.Table(
    "theta_estimates",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("week_start", sa.Date, primary_key=True),
    sa.Column("theta", sa.Double, nullable=False),
    sa.Column("se", sa.Double, nullable=False),
    sa.Column("n_items", sa.Integer, nullable=False),
    sa.Column("n_unknown_item", sa.Integer, nullable=False),
    sa.Column("n_unusable", sa.Integer, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("window_days", sa.Integer, nullable=False),
    sa.Column("as_of", _instant, nullable=False),
    sa.Column("fitted_at", _instant, nullable=False),
    sa.Column("n_new_items", sa.Integer),  # of n_items, those of this week; NULL on rows of before there were states
    sa.Column("prior_mean", sa.Double),  # what was believed before the week's answers, in logits
    sa.Column("prior_sd", sa.Double),
    sa.Column("fingerprint", sa.Text),  # of the state before, the group's step and the week's answers
)

population = sa.Table(
    "population",
    metadata,
    sa.Column("week_start", sa.Date, primary_key=True),
    *(
        sa.Column(name, kind, nullable=False)
        for name, kind in (
            ("drift", sa.Double), ("absence_drift", sa.Double), ("tau", sa.Double), ("tau_sd", sa.Double),
            ("tau_log_likelihood", sa.ARRAY(sa.Double)), ("newcomers_mean", sa.Double), ("newcomers_sd", sa.Double),
            ("newcomers_mean_se", sa.Double), ("newcomers_log_sd_se", sa.Double), ("n_active", sa.Integer),
            ("n_returning", sa.Integer), ("n_newcomers", sa.Integer), ("n_answers", sa.BigInteger),
            ("enough", sa.Boolean), ("drift_is_given", sa.Boolean), ("rounds", sa.Integer), ("version", sa.Text),
            ("fitted_at", _instant),
        )
    ),
    sa.Column("drift_se", sa.Double),  # NULL: not estimated
    sa.Column("absence_drift_se", sa.Double),
)  # fmt: skip

ability_weeks = sa.Table(  # which weeks were made for all learners of a user key, and from what
    "ability_weeks",
    metadata,
    sa.Column("week_start", sa.Date, primary_key=True),
    sa.Column("user_key", sa.Text, primary_key=True),
    sa.Column("made_from", sa.Text, nullable=False),  # the checksum of the frozen answers
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("reported", sa.Text),  # the fingerprint that the reports were made from; NULL: none were
)

departed_learners = sa.Table(  # who has results here and no session on the platform any more
    "departed_learners",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("noticed_at", _instant, nullable=False),
)

ignored_learners = sa.Table(  # forgotten here, though the platform has their sessions
    "ignored_learners",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("ignored_at", _instant, nullable=False),
)

session_versions = sa.Table(  # a week's sessions when they were last compared with what is frozen
    "session_versions",
    metadata,
    sa.Column("week_start", sa.Date, primary_key=True),
    sa.Column("user_key", sa.Text, primary_key=True),
    sa.Column("buckets", sa.Integer, nullable=False),  # of the partition scheme that the key belongs to
    sa.Column("version", sa.Text, nullable=False),  # which row versions: 16 hexadecimal digits
    sa.Column("checksum", sa.Text, nullable=False),  # of what is in them, as in the frozen file
)

ingested_files = sa.Table(
    "ingested_files",
    metadata,
    sa.Column("load_no", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("loaded_at", _instant, nullable=False),
)

ingested_sessions = sa.Table(  # what a load wrote, so that it can be taken back
    "ingested_sessions",
    metadata,
    sa.Column("load_no", sa.BigInteger, primary_key=True),
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("session_id", sa.Text, primary_key=True),
    sa.Column("before", JSONB),  # result_json, created_at and updated_at; NULL: the session is new
    sa.Column(
        "after", sa.BigInteger, nullable=False
    ),  # a hash of what the load left: another, and it was changed since
)

item_details = sa.Table(  # what a person's file tells of items; nothing is estimated from it
    "item_details",
    metadata,
    sa.Column("item_id", sa.Text, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("title", "topic", "url", "exam", "key")),
)

answered_items = sa.Table(  # so that on demand a repeat is known without reading a learner's whole history
    "answered_items",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("week_start", sa.Date, primary_key=True),
    sa.Column("item_keys", sa.ARRAY(sa.Text), nullable=False),
)

learner_groups = sa.Table(  # what a person's file tells
    "learner_groups",
    metadata,
    sa.Column("group_id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),  # learner or teacher
    sa.Column("name", sa.Text),
)

learner_goals = sa.Table(  # what a person's file tells
    "learner_goals",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("score", sa.Double, nullable=False),  # points of the reports' scale
    sa.Column("by", sa.Date, nullable=False),
)

class_reports = sa.Table(
    "class_reports",
    metadata,
    sa.Column("group_id", sa.Text, primary_key=True),
    sa.Column("week_start", sa.Date, primary_key=True),
    sa.Column("format", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("generated_at", _instant, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("inputs_sha256", sa.Text, nullable=False),
    sa.Column("learners", sa.ARRAY(sa.Text), nullable=False),  # whom it names: it goes when one of them is gone
    sa.Column("made_from", sa.Text),  # a digest of the week's abilities; NULL: of before that was kept
)

report_editions = sa.Table(  # of a report for others than its learner; apart, since the predecessor's readers know none
    "report_editions",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("week_start", sa.Date, primary_key=True),
    sa.Column("edition", sa.Text, primary_key=True),
    sa.Column("format", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("generated_at", _instant, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("inputs_sha256", sa.Text, nullable=False),
)

report_artifacts = sa.Table(
    "seedtest_report_artifacts",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("week_start", sa.Date, nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),  # the stable address, never a signed one
    sa.Column("generated_at", _instant, nullable=False),
    sa.Column("sha256", sa.Text),  # of the file's bytes; NULL on the predecessor's rows
    sa.Column("inputs_sha256", sa.Text),  # of everything that the bytes depend on: alike, nothing is made again
    sa.UniqueConstraint("user_id", "week_start", "format"),
)
