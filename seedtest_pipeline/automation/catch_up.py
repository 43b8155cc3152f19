"""The sensor `catch_up`: sessions that ended and of which the API heard nothing, as when it was down, are updated here.

It goes through the sessions in the order of their ends, and beyond a batch only once that was done. So nobody is
forgotten while the database or the estimator is down, and nobody is asked about twice: who has nothing to be estimated
from would else be found again for ever.
"""

import datetime as dt
from collections import Counter

import dagster as dg
import sqlalchemy as sa
from pydantic import BaseModel

from assets.abilities.on_demand import Updater
from assets.abilities.scoring import ScoringRules
from assets.failures import in_words
from resources.database.engine import transaction
from resources.database.queries import item_banks, missed_updates
from resources.database.queries.item_banks import BankChoice
from resources.database.queries.missed_updates import SessionEnd
from resources.errors import NoItemBank, RetryLater, SeedtestError
from resources.estimators.contract import Estimator
from resources.progress import Progress

INTERVAL_S = 60
# The API has its chance first, with its callers' retries; and a session may be committed after the time that it bears.
GRACE = dt.timedelta(minutes=5)
# Some seconds of work, and a list that a person can still read in the UI.
USERS_PER_RUN = 1_000
# What failed, or never started, is asked for again so often: the run itself has tried for minutes.
AGAIN_AFTER_S = 600

_RUN_KEY_TAG = "dagster/run_key"


class Users(dg.Config):
    """Whose ability to estimate as of now."""

    user_ids: list[str]


class Place(BaseModel):
    """All up to `done` is dealt with, and up to `asked`, where it is set, by the run `run_key`."""

    done: SessionEnd
    asked: SessionEnd | None = None
    run_key: str = ""


def catch_up_job(choice: BankChoice) -> dg.JobDefinition:
    @dg.op(pool="estimator")
    @in_words
    def update_abilities(
        context: dg.OpExecutionContext,
        config: Users,
        engine: dg.ResourceParam[sa.Engine],
        rules: dg.ResourceParam[ScoringRules],
        estimator: dg.ResourceParam[Estimator],
        progress: dg.ResourceParam[Progress],
    ) -> None:
        updater = Updater(engine, estimator, choice)
        outcomes = Counter[str]()
        for n, user_id in enumerate(config.user_ids):
            try:
                update = updater.update(user_id, rules, request_id=context.run_id)
            except RetryLater:
                raise
            except SeedtestError as error:  # of this user; the others must not wait for what time does not mend
                context.log.error(f"{user_id}: {error}")  # noqa: G004, TRY400 - Dagster shows the text alone
                outcomes["failed"] += 1
            else:
                outcomes[update.reason or ("a later one was stored" if update.later else "updated")] += 1
            progress("abilities updated", n + 1, len(config.user_ids))
        context.add_output_metadata(dict(outcomes))

    @dg.job(name="catch_up", description="Abilities of users whose session ended without an update.")
    def catch_up() -> None:
        update_abilities()

    return catch_up


def catch_up_sensor(job: dg.JobDefinition, choice: BankChoice) -> dg.SensorDefinition:
    @dg.sensor(
        name="catch_up",
        job_name=job.name,  # with the job itself, Dagster warns of a beta parameter of its own at every load
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Updates the abilities of users whose session ended without one.",
    )
    def catch_up(
        context: dg.SensorEvaluationContext,
        engine: dg.ResourceParam[sa.Engine],
        rules: dg.ResourceParam[ScoringRules],
    ) -> dg.SensorResult | dg.SkipReason:
        now = dt.datetime.now(dt.UTC)
        oldest = SessionEnd(rules.window_start(now))  # an older session would change nothing
        place = Place.model_validate_json(context.cursor) if context.cursor else Place(done=oldest)
        if place.asked is not None:
            run = next(
                iter(context.instance.get_runs(dg.RunsFilter(tags={_RUN_KEY_TAG: place.run_key}), limit=1)), None
            )
            if run is not None and not run.is_finished:
                return dg.SkipReason(f"The run for sessions that ended up to {place.asked.at:%F %T} is under way.")
            place = Place(done=place.asked if run is not None and run.is_success else place.done)
        after, until = max(place.done, oldest), now - GRACE
        try:
            with transaction(engine) as connection:
                version, model = item_banks.identify_chosen(connection, choice)
                found = missed_updates.find(connection, after, until, version, model, USERS_PER_RUN)
        except NoItemBank as nothing_to_score_with:
            return dg.SkipReason(str(nothing_to_score_with))
        if not found:
            return dg.SensorResult(
                cursor=Place(done=max(after, SessionEnd(until))).model_dump_json(),
                skip_reason=f"Every session that ended up to {until:%F %T} has its update.",
            )
        first = found[0]
        run_key = f"catch_up|{first.at.isoformat()}|{first.user_id}|{int(now.timestamp()) // AGAIN_AFTER_S}"
        user_ids = [end.user_id for end in found]
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key, dg.RunConfig({"update_abilities": Users(user_ids=user_ids)}))],
            cursor=Place(done=place.done, asked=found[-1], run_key=run_key).model_dump_json(),
        )

    return catch_up
