"""The sensor `events`: another program is told which abilities were stored and which reports are ready, by whichever
process that was.

What is told is derived from the rows themselves, in the order of the transactions that wrote them, and the cursor goes
on only once a message was taken. So nothing is lost while the receiver is down or this process is killed; a message may
come twice, and of a row that was written twice meanwhile the newest is told.
"""

import datetime as dt
import time
from collections import Counter

import dagster as dg
import sqlalchemy as sa
from pydantic import BaseModel

from resources.database.engine import transaction
from resources.database.queries import stored_since
from resources.database.queries.sessions import missed_updates
from resources.database.queries.sessions.missed_updates import Arrivals
from resources.errors import RetryLater
from resources.event_webhook import EventWebhook, Message

INTERVAL_S = 30
ROWS_PER_MESSAGE = 200  # some 15 kB: Standard Webhooks recommends 20 at most
SENDING_S = 30.0  # the daemon has other sensors to look at
_FIRST_WAIT, _LONGEST_WAIT = dt.timedelta(seconds=INTERVAL_S), dt.timedelta(hours=1)
# By the type of the message: which rows, and their name in it.
_KINDS = {"abilities.stored": (stored_since.abilities, "abilities"), "reports.ready": (stored_since.reports, "reports")}


class Place(BaseModel):
    """All that transactions before `done` wrote is told; of what those before `until` wrote, where that is not 0, what
    comes before `kind`, and of this what comes up to `after`. `failures` in a row; before `again_at` none is tried."""

    done: int
    until: int = 0
    kind: str = next(iter(_KINDS))
    after: tuple[str, ...] = ()
    failures: int = 0
    again_at: dt.datetime | None = None

    def failed(self, now: dt.datetime) -> "Place":
        wait = min(_FIRST_WAIT * 2 ** min(self.failures, 10), _LONGEST_WAIT)
        return self.model_copy(update={"failures": self.failures + 1, "again_at": now + wait})


def events_sensor(webhook: EventWebhook) -> dg.SensorDefinition:
    @dg.sensor(
        name="events",
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells EVENT_WEBHOOK_URL which abilities were stored and which reports are ready.",
    )
    def events(
        context: dg.SensorEvaluationContext, engine: dg.ResourceParam[sa.Engine]
    ) -> dg.SensorResult | dg.SkipReason:
        now = dt.datetime.now(dt.UTC)
        with transaction(engine) as connection:
            all_ended_before = missed_updates.all_ended_before(connection)
        if context.cursor is None:
            return _result(Place(done=all_ended_before), "What is stored from now on is told.")
        place = Place.model_validate_json(context.cursor)
        if all_ended_before < max(place.done, place.until):
            place = Place(done=0)  # a backup, restored into another server, where numbers of transactions are lower
        if place.again_at and now < place.again_at:
            return dg.SkipReason(f"Failed {place.failures} times; again at {place.again_at:%H:%M:%S} UTC.")
        if not place.until:
            place = Place(done=place.done, until=all_ended_before, failures=place.failures)
        told = Counter[str]()
        until = time.monotonic() + SENDING_S
        try:
            while time.monotonic() < until and (step := _next(engine, place)):
                message, place_after, n = step
                if message:
                    webhook.send(message, dt.datetime.now(dt.UTC))
                    told[message.type] += n
                place = place_after
                if not place.until:
                    break
        except RetryLater as error:
            place = place.failed(now)
            context.log.error(str(error))  # noqa: TRY400 - Dagster shows the text alone
            return _result(place, f"{error} Tried {place.failures} times; again at {place.again_at:%H:%M:%S} UTC.")
        return _result(place, ", ".join(f"{kind}: {n}" for kind, n in told.items()) or "Nothing was stored.")

    return events


def _next(engine: sa.Engine, place: Place) -> tuple[Message | None, Place, int]:
    """The next message of this place's kind, and the place once it was taken; None where there is no more of it."""
    find, name = _KINDS[place.kind]
    with transaction(engine) as connection:
        found = find(connection, Arrivals(place.done, place.until), ROWS_PER_MESSAGE, place.after)
    if found:
        message = Message(place.kind, found.newest, {name: found.told})
        return message, Place(done=place.done, until=place.until, kind=place.kind, after=found.last), len(found.told)
    kinds = list(_KINDS)
    later = kinds[kinds.index(place.kind) + 1 :]
    return None, Place(done=place.done, until=place.until, kind=later[0]) if later else Place(done=place.until), 0


def _result(place: Place, said: str) -> dg.SensorResult:
    return dg.SensorResult(cursor=place.model_dump_json(), skip_reason=said)
