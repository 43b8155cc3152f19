"""The weekly schedule: on Mondays the week that has just ended, in runs of about ten thousand learners."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.tags import PRIORITY_TAG

from assets.partitions import Partitions, range_tags
from resources.database.engine import transaction
from resources.database.queries.sessions import attempts
from resources.model import Week
from resources.warehouse.warehouse import Warehouse
from seedtest_pipeline.automation.due import Sessions, due, stored

# A run's start costs seconds and a failed run is repeated whole; and there must be several, so that as many as
# RUNS_AT_ONCE lets go on at once keep that many cores at work.
LEARNERS_PER_RUN = 10_000
HOUR = 6
# Before whatever else waits in the queue: a backfill of a year may take days.
_FIRST = {PRIORITY_TAG: "1"}
CHECKED_AFTER = 6  # hours; a week of 100,000 learners takes fewer


@dataclass(frozen=True)
class Monday:
    """When on a Monday of the platform's `zone` the week before is asked for, which ended at midnight there."""

    zone: ZoneInfo

    @property
    def cron(self) -> str:
        return f"0 {HOUR} * * 1"

    @property
    def cron_of_check(self) -> str:
        return f"0 {HOUR + CHECKED_AFTER} * * 1"

    def made_by(self, week: Week) -> dt.datetime:
        """When the week should be made."""
        return self.of(week) + dt.timedelta(hours=CHECKED_AFTER)

    def of(self, week: Week) -> dt.datetime:
        """When the week is asked for: the Monday after it."""
        return dt.datetime.combine(week.plus(1).start, dt.time(HOUR), self.zone)


def weekly_schedule(
    partitions: Partitions, made_weekly: Sequence[dg.AssetsDefinition], monday: Monday
) -> dg.ScheduleDefinition:
    """On each `monday` the week that has just ended, in runs over contiguous ranges of user keys."""

    @dg.schedule(
        name="weekly",
        cron_schedule=monday.cron,
        execution_timezone=monday.zone.key,
        target=list(made_weekly),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Responses, abilities and reports of the week that has just ended, for every learner.",
    )
    def weekly(
        context: dg.ScheduleEvaluationContext,
        engine: dg.ResourceParam[sa.Engine],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> dg.SkipReason | list[dg.RunRequest]:
        week = Week.last_complete(context.scheduled_execution_time)
        if week < partitions.first_week:
            return dg.SkipReason(f"{week} is before the first week, {partitions.first_week} (FIRST_WEEK).")
        keys = partitions.user_keys(context.instance)
        if not keys:
            return dg.SkipReason("No users yet: the sensor user_keys adds them once the platform has some.")
        ((_, checksums),) = Sessions(engine, partitions.users).checksums(week, week)
        there = stored(engine, warehouse, partitions.users, week, ())
        unmade = {*due(keys, checksums, there, for_all=True), *(key for key in keys if key not in there.frozen)}
        requests = [
            dg.RunRequest(run_key=f"{week}|{chunk[0]}|{chunk[-1]}", tags={**range_tags([week], chunk), **_FIRST})
            for chunk in runs_of(keys, learners_by_key(engine, partitions))
            if unmade.intersection(chunk)
        ]
        return requests or dg.SkipReason(f"{week} is made already.")

    return weekly


def learners_by_key(engine: sa.Engine, partitions: Partitions) -> dict[str, int]:
    """How many learners each user key has; keys without any are missing."""
    with transaction(engine) as connection:
        users = attempts.users(connection)
    return {key: len(of) for key, of in partitions.users.by_key(users).items()}


def runs_of(keys: Sequence[str], learners: Mapping[str, int]) -> Iterator[Sequence[str]]:
    """The keys in contiguous runs of at most LEARNERS_PER_RUN learners, or of one key that has more."""
    begin, n = 0, 0
    for place, key in enumerate(keys):
        n += learners.get(key, 0)
        if n > LEARNERS_PER_RUN and place > begin:
            yield keys[begin:place]
            begin, n = place, learners.get(key, 0)
    if keys:
        yield keys[begin:]
