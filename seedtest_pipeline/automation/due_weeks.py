"""The sensor `due_weeks`: weeks with late, corrected or taken-back answers are made again, and so is what failed, or
was missed: last week, where no daemon ran on Monday. For up to five Mondays before Dagster makes up itself; older weeks
that nobody made are history, which a person asks for.

What rests on a week is made again with it, so each user key is asked for from its earliest due week to the newest.
"""

import datetime as dt
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
import sqlalchemy as sa

from assets.abilities.scoring import ScoringRules
from assets.partitions import Partitions, range_tags
from resources.database.engine import transaction
from resources.database.queries.items import item_banks
from resources.database.queries.items.item_banks import BankChoice
from resources.errors import NoItemBank
from resources.model import Edition, Format, Week
from resources.warehouse.warehouse import Warehouse
from seedtest_pipeline.automation import asking
from seedtest_pipeline.automation.asking import UNFINISHED
from seedtest_pipeline.automation.due import Sessions, due, stored
from seedtest_pipeline.automation.schedule import Monday, learners_by_key, runs_of

INTERVAL_S = 300
# A tick must end within 180 s (DAGSTER_GRPC_TIMEOUT_SECONDS). What it did not get to it finds at the next, since what
# it read is kept.
LOOKING_S = 20.0
# The schedule has its chance first.
AFTER_SCHEDULE = dt.timedelta(hours=1)


def due_weeks_sensor(
    partitions: Partitions,
    made_weekly: Sequence[dg.AssetsDefinition],
    choice: BankChoice,
    wanted: Sequence[tuple[Edition, Format]],
    monday: Monday,
) -> dg.SensorDefinition:
    """`choice` of an item bank, the `wanted` editions and formats of reports, and when on a `monday` the schedule asks
    for the week before."""

    @dg.sensor(
        name="due_weeks",
        minimum_interval_seconds=INTERVAL_S,
        target=list(made_weekly),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Makes weeks again whose answers came late or were corrected, and what failed or was missed.",
    )
    def due_weeks(
        context: dg.SensorEvaluationContext,
        engine: dg.ResourceParam[sa.Engine],
        warehouse: dg.ResourceParam[Warehouse],
        rules: dg.ResourceParam[ScoringRules],
    ) -> dg.SensorResult | dg.SkipReason:
        if context.instance.get_runs(UNFINISHED, limit=1):
            return dg.SkipReason("A run is under way, and may be making what looks due now.")
        try:
            with transaction(engine) as connection:
                item_banks.identify_chosen(connection, choice)
        except NoItemBank as nothing_to_estimate_with:
            return dg.SkipReason(str(nothing_to_estimate_with))
        now = dt.datetime.now(dt.UTC)
        frozen, scheduled = warehouse.weeks(), Week.last_complete(now)
        if now < monday.of(scheduled) + AFTER_SCHEDULE:
            scheduled = scheduled.plus(-1)
        weeks = sorted(week for week in {*frozen, scheduled} if week >= partitions.first_week)
        if not weeks:
            return dg.SkipReason(f"The first week, {partitions.first_week} (FIRST_WEEK), is still to be made.")
        # All weeks once a day; else those that a run of the newest one reads again.
        today = now.date().isoformat()
        recent = Week.containing(weeks[-1].begins_at - dt.timedelta(days=rules.lookback_days))
        first = weeks[0] if context.cursor != today else max(weeks[0], recent)
        keys = partitions.user_keys(context.instance)
        found: dict[Week, dict[str, str]] = {}
        until, finished = time.monotonic() + LOOKING_S, True
        for week, checksums in Sessions(engine, partitions.users).checksums(first, weeks[-1]):
            if week in frozen or (week == scheduled and checksums):
                there = stored(engine, warehouse, partitions.users, week, wanted if week == scheduled else ())
                found[week] = due(keys, checksums, there, for_all=week == scheduled)
            if time.monotonic() > until:
                finished = week == first
                break
        cursor = today if finished else context.cursor
        if not any(found.values()):
            return dg.SensorResult(skip_reason=f"Nothing is due from {min(found, default=first)} on.", cursor=cursor)
        learners = learners_by_key(engine, partitions)
        newest = max([*frozen, *(week for week in found if found[week])])
        requests, waiting = _requests(context.instance, found, newest, keys, learners, now)
        for sentence in waiting:
            context.log.warning(sentence)
        if requests:
            return dg.SensorResult(run_requests=requests, cursor=cursor)
        return dg.SensorResult(skip_reason=" ".join(waiting), cursor=cursor)

    return due_weeks


def _requests(
    instance: dg.DagsterInstance,
    found: Mapping[Week, Mapping[str, str]],
    newest: Week,
    keys: Sequence[str],
    learners: Mapping[str, int],
    now: dt.datetime,
) -> tuple[list[dg.RunRequest], list[str]]:
    """Runs to ask for, and a sentence for each that is not asked for now."""
    requests: list[dg.RunRequest] = []
    waiting: list[str] = []
    for week, of in _from_their_earliest(found):
        for chunk in runs_of(keys, learners):
            places = [place for place, key in enumerate(chunk) if key in of]
            if not places:
                continue
            state = "|".join(f"{chunk[place]}={of[chunk[place]]}" for place in places)
            what = f"{week} {hashlib.sha256(state.encode()).hexdigest()[:12]}"
            turn = asking.turn(instance, what, now)
            if isinstance(turn, str):
                waiting.append(turn)
                continue
            # From the first to the last due one: those between cost little, since nothing of theirs has changed.
            wanted = range_tags(list(week.through(newest)), chunk[places[0] : places[-1] + 1])
            requests.append(
                dg.RunRequest(run_key=asking.run_key(what, turn), tags={**wanted, **asking.request_tags(what)})
            )
    return requests, waiting


def _from_their_earliest(found: Mapping[Week, Mapping[str, str]]) -> Iterator[tuple[Week, dict[str, str]]]:
    """Each due key once, under the first of its weeks."""
    known: set[str] = set()
    for week in sorted(found):
        yield week, {key: what for key, what in found[week].items() if key not in known}
        known |= found[week].keys()
