"""`seedtest demo`: the whole pipeline on a synthetic exam, and what it recovered of the truth."""

import datetime as dt
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from resources.database.address import address
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities
from resources.database.queries.items import item_banks
from resources.database.queries.learners import learner_groups
from resources.database.queries.reports import class_reports, report_artifacts
from resources.database.queries.sessions import attempts
from resources.errors import InvalidInput, NoItemBank
from resources.ingest import load as loading
from resources.model import LEARNER, SYNTHETIC, ItemBank, Week
from seedtest_pipeline.demo.synthetic_exam import EXAM_ID, SyntheticExam, recovery, synthetic_exam
from seedtest_pipeline.runs import Outcome, Runner
from seedtest_pipeline.settings import Settings, remember
from seedtest_pipeline.terminal import OUT, bars, table
from seedtest_pipeline.wiring import Parts

SEED = 20260928
N_WEEKS = 8
CLASS_SIZE = 25


@dataclass
class _Steps:
    """Rows of the closing table: step, what it made, seconds."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        made: list[str] = []
        begun = time.monotonic()
        yield made
        self.rows.append((name, "; ".join(made), f"{time.monotonic() - begun:.1f}"))


def play(settings: Settings) -> None:
    """Run every step and print what was made. A second run finds it all there and is quick.

    Raises:
        InvalidInput: the database holds answers that are not synthetic.
    """
    steps = _Steps()
    with bars() as progress:
        with steps.step("database") as made:
            engine = Parts(settings).engine
            made.append(f"PostgreSQL at {address(engine.url)}, migrated")
        with transaction(engine) as connection:
            first_week = _first_week(attempts.span(connection), attempts.users(connection))
        if "first_week" not in settings.model_fields_set:
            remember(settings, "FIRST_WEEK", first_week.key)
            settings = Settings.load()
        parts = Parts(settings)
        exam = synthetic_exam(SEED, first_week, n_weeks=N_WEEKS)
        with steps.step("responses, synthetic") as made:
            with transaction(engine) as connection:
                loaded = loading.ingest(connection, exam.as_file(), EXAM_ID, partial(progress, "responses"))
            made.append(
                f"{loaded.responses:,} responses, {exam.responses['user_id'].nunique()} learners, {N_WEEKS} weeks"
            )
        runner = Runner(parts, progress)
        with steps.step("item_parameters") as made:
            made.append(_bank(parts, runner))
        with steps.step("report_template") as made:
            template = runner.unpartitioned("report_template").metadata["report_template"]
            made.append(f"compiled by {template['compiled by'].value}")
        outcome = runner.weeks(list(first_week.through(first_week.plus(N_WEEKS - 1))))
        steps.rows += _weekly_rows(outcome)
        with steps.step("class_reports") as made:
            made.append(_classes(runner, exam, first_week.plus(N_WEEKS - 1)))
    table("What the demo made (all of it synthetic)", ["step", "made", "seconds"], steps.rows)
    _tell(parts, exam, first_week)


def _first_week(span: tuple[dt.datetime, dt.datetime] | None, user_ids: list[str]) -> Week:
    """That of the synthetic exam that is there, else the start of the last eight complete weeks."""
    real = [user for user in user_ids if not user.startswith(SYNTHETIC)]
    if real:
        raise InvalidInput(
            f"The database holds answers of {len(real):,} real users, and the demo would mix synthetic ones in.",
            remedy="Give it a place of its own: SEEDTEST_HOME=.seedtest-demo make demo",
        )
    if span is not None:
        return Week.containing(span[0])
    return Week.last_complete(dt.datetime.now(dt.UTC)).plus(1 - N_WEEKS)


def _bank(parts: Parts, runner: Runner) -> str:
    def in_force() -> ItemBank:
        with transaction(parts.engine) as connection:
            return item_banks.load_chosen(connection, parts.bank_choice)

    try:
        bank = in_force()
    except NoItemBank:
        runner.unpartitioned("item_parameters")
        bank = in_force()
    return f"{len(bank.item_keys)} items, {bank.model}, bank {bank.version}"


def _classes(runner: Runner, exam: SyntheticExam, week: Week) -> str:
    """Reports of the last week, of groups of CLASS_SIZE learners."""
    user_ids = sorted(set(exam.responses["user_id"]))
    rows = [
        {"group": f"{SYNTHETIC}class-{n // CLASS_SIZE + 1}", "user_id": user_id, "role": LEARNER, "name": None}
        for n, user_id in enumerate(user_ids)
    ]
    with transaction(runner.parts.engine) as connection:
        learner_groups.store(connection, rows, only=False)
    made = runner.classes(week).metadata["class_reports"]
    return f"{made['groups'].value} reports of the last week"


def _weekly_rows(outcome: Outcome) -> list[tuple[str, str, str]]:
    made = {
        "responses": "{} rows frozen",
        "theta_estimates": "{} estimates",
        "weekly_reports": "{} reports",
    }
    return [
        (asset, text.format(f"{outcome.metadata[asset]['dagster/row_count'].value:,}"), f"{outcome.seconds[asset]:.1f}")
        for asset, text in made.items()
    ]


def _tell(parts: Parts, exam: SyntheticExam, first_week: Week) -> None:
    last_week = first_week.plus(N_WEEKS - 1)
    user_ids = sorted(set(exam.responses["user_id"]))
    with transaction(parts.engine) as connection:
        estimates = abilities.history(connection, user_ids, last_week)
        reports = {row.user_id: row for row in report_artifacts.of_week(connection, last_week, user_ids)}
    found = recovery(exam.abilities, estimates)
    OUT.print(
        f"\nAbilities against the truth: correlation {found.correlation:.3f}, RMSE {found.rmse:.3f} logits "
        f"({found.n:,} learner weeks).",
        highlight=False,
    )
    some_user = min(reports)
    OUT.print(f"A report to open:  {reports[some_user].url}", highlight=False)
    OUT.print(
        f"Another:           seedtest report --week {last_week} --user {shlex.quote(max(reports))}", highlight=False
    )
    with transaction(parts.engine) as connection:
        of_a_class = class_reports.of_week(connection, last_week)[0]
    OUT.print(f"For a teacher:     {of_a_class.url}", highlight=False)
    OUT.print(f"For the staff:     seedtest cohort --week {last_week}  (needs Quarto and R)", highlight=False)
    OUT.print("Dagster's UI:      make ui", highlight=False)
