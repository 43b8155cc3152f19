"""The sensor `late_answers`: weeks whose frozen answers are no longer the platform's are made again.

A frozen file carries the checksum of the sessions that it was made from. Where the sessions of that week have another
one by now (answers came late, were corrected or taken back), the week is asked for, and with it all later ones, since
each rests on the one before. Stays out: weeks that were never made.
"""

import datetime as dt
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
import sqlalchemy as sa

from assets.abilities.freezing import checksums_by_key
from assets.partitions import Partitions, range_tags
from resources.database.engine import transaction
from resources.database.queries import attempts
from resources.model import Week
from resources.warehouse.folder import Warehouse
from seedtest_pipeline.automation.schedule import KEYS_PER_RUN, UNFINISHED, chunks

INTERVAL_S = 300
# A tick must end within 60 s; a week of 10,000 users takes one or two.
WEEKS_PER_TICK = 4
LOOKING_S = 20.0
# A key that was never frozen is late where the week was made for everybody, and not where someone ran a single user.
MADE_FOR_ALL = 0.5


def late_answers_sensor(partitions: Partitions, made_weekly: Sequence[dg.AssetsDefinition]) -> dg.SensorDefinition:
    @dg.sensor(
        name="late_answers",
        minimum_interval_seconds=INTERVAL_S,
        target=list(made_weekly),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Makes those weeks again whose answers came late or were corrected.",
    )
    def late_answers(
        context: dg.SensorEvaluationContext,
        engine: dg.ResourceParam[sa.Engine],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> dg.SensorResult | dg.SkipReason:
        if context.instance.get_runs(UNFINISHED, limit=1):
            return dg.SkipReason("A run is under way, and may be freezing what looks late now.")
        weeks, keys = warehouse.weeks(), partitions.user_keys(context.instance)
        requests: list[dg.RunRequest] = []
        looked, until = context.cursor, time.monotonic() + LOOKING_S
        for week in _turn(weeks, looked):
            late = late_keys(partitions, week, keys, engine, warehouse)
            requests += _requests(week, _reached(partitions, week, weeks[-1]), keys, late)
            looked = week.key
            if time.monotonic() > until:
                break
        if requests:
            return dg.SensorResult(run_requests=requests, cursor=looked)
        return dg.SensorResult(skip_reason=f"No late answers; looked at up to {looked}.", cursor=looked)

    return late_answers


def late_keys(
    partitions: Partitions, week: Week, keys: Sequence[str], engine: sa.Engine, warehouse: Warehouse
) -> dict[str, str]:
    """Those of the user keys whose frozen answers of the week are not the platform's any more, in their order, each
    with the checksum of what is there now ("" if nothing is)."""
    with transaction(engine) as connection:
        now = checksums_by_key(partitions.users, attempts.checksums(connection, week.begins_at, week.ends_at))
    frozen = warehouse.checksums(week)
    if len(frozen) >= MADE_FOR_ALL * len(keys):
        frozen = dict.fromkeys(keys, "") | frozen
    return {key: now.get(key, "") for key in keys if key in frozen and frozen[key] != now.get(key, "")}


def _turn(weeks: Sequence[Week], looked: str | None) -> list[Week]:
    """The next weeks to look at, after the one looked at last; after the newest it begins anew."""
    after = [week for week in weeks if looked is None or week.key > looked]
    return (after or list(weeks))[:WEEKS_PER_TICK]


def _reached(partitions: Partitions, week: Week, newest: Week) -> list[Week]:
    """The partitions from `week` to `newest` that rest on `week`."""
    return list(max(week, partitions.first_week).through(newest))


def _requests(
    week: Week, reached: Sequence[Week], keys: Sequence[str], late: Mapping[str, str]
) -> Iterator[dg.RunRequest]:
    """At most one run per KEYS_PER_RUN keys, from the first to the last late one: those between cost little, since
    nothing of theirs has changed.

    The same state is asked for once a day: a run that failed is red in the UI, and not started again at every tick.
    """
    today = dt.datetime.now(dt.UTC).date()
    for chunk in chunks(keys, KEYS_PER_RUN) if reached else ():
        places = [place for place, key in enumerate(chunk) if key in late]
        if places:
            state = "|".join(f"{chunk[place]}={late[chunk[place]]}" for place in places)
            digest = hashlib.sha256(f"{today}|{week}|{state}".encode()).hexdigest()
            wanted = chunk[places[0] : places[-1] + 1]
            yield dg.RunRequest(run_key=f"late|{week}|{digest[:16]}", tags=range_tags(reached, wanted))
