"""The sensor `catch_up`: sessions that arrived and of which the API heard nothing, as when it was down or the learner's
device offline, are updated here.

It goes through them in the order of their arrival, and beyond a user only once that one is dealt with. So nobody is
forgotten while the database or the estimator is down, and nobody is asked about twice: who has nothing to be estimated
from would else be found again for ever. No run is started, which would cost more than a hundred updates; what was done
stands in Dagster as an event of the asset `current_abilities`.
"""

import datetime as dt
import time
from collections import Counter

import dagster as dg
import sqlalchemy as sa
from pydantic import BaseModel

from assets.abilities.on_demand import Updater
from assets.abilities.scoring import ScoringRules
from resources.database.engine import transaction
from resources.database.queries.items import item_banks
from resources.database.queries.items.item_banks import BankChoice
from resources.database.queries.sessions import missed_updates
from resources.database.queries.sessions.missed_updates import Arrivals
from resources.errors import NoItemBank, RetryLater, SeedtestError
from resources.estimators.contract import Estimator

CURRENT_ABILITIES = dg.AssetSpec(
    "current_abilities",
    deps=["item_parameters"],
    kinds={"postgres"},
    description=(
        "Each learner's ability as of now (mirt_ability): stored by the API when a session ends, by the weekly run "
        "where none is later, and by the sensor catch_up, whose updates are the events here."
    ),
)
INTERVAL_S = 60
# The API has its chance first, with its callers' retries.
GRACE = dt.timedelta(minutes=5)
USERS_PER_TICK = 1_000
# A tick must end within 180 s (DAGSTER_GRPC_TIMEOUT_SECONDS); who comes after is updated at the next.
UPDATING_S = 30.0
_NAMED = 20  # failed users in an event; their number is always whole


class Place(BaseModel):
    """All that arrived before the transaction `done` is dealt with, and up to the user `after_user` what arrived before
    `until`, where that is not 0. `seen`: which transactions had all ended at an instant, for the last minutes."""

    done: int = 0
    until: int = 0
    after_user: str = ""
    seen: list[tuple[dt.datetime, int]] = []

    def at(self, now: dt.datetime, all_ended_before: int) -> "Place":
        """The same at a later instant, with what has waited for long enough by then to be dealt with. Where the numbers
        went back, a backup was restored into another server, or a standby lost the last ones: all is looked at anew."""
        if all_ended_before < max(self.done, self.until):
            return Place().at(now, all_ended_before)
        seen = [*self.seen, (now, all_ended_before)]
        waited = [before for at, before in seen if at <= now - GRACE]
        if self.until or not waited:
            return self.model_copy(update={"seen": seen})
        return Place(done=self.done, until=waited[-1], seen=seen[len(waited) :])

    def after(self, user_id: str) -> "Place":
        return self.model_copy(update={"after_user": user_id})

    def finished(self) -> "Place":
        return Place(done=self.until, seen=self.seen)


def catch_up_sensor(choice: BankChoice) -> dg.SensorDefinition:
    @dg.sensor(
        name="catch_up",
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Updates the abilities of users of whom a session arrived without an update.",
    )
    def catch_up(
        context: dg.SensorEvaluationContext,
        engine: dg.ResourceParam[sa.Engine],
        rules: dg.ResourceParam[ScoringRules],
        estimator: dg.ResourceParam[Estimator],
    ) -> dg.SensorResult | dg.SkipReason:
        now = dt.datetime.now(dt.UTC)
        place = Place.model_validate_json(context.cursor) if context.cursor else Place()
        try:
            with transaction(engine) as connection:
                version, model = item_banks.identify_chosen(connection, choice)
                place = place.at(now, missed_updates.all_ended_before(connection))
                found = missed_updates.find(
                    connection,
                    Arrivals(place.done, place.until),
                    rules.window_start(now),  # an older session would change nothing
                    version,
                    model,
                    USERS_PER_TICK,
                    place.after_user,
                )
        except NoItemBank as nothing_to_score_with:
            return dg.SkipReason(str(nothing_to_score_with))
        updates = _Updates(Updater(engine, estimator, choice), rules, context)
        until = time.monotonic() + UPDATING_S
        for user_id in found:
            if time.monotonic() > until or not updates.update(user_id):
                break
            place = place.after(user_id)
        else:
            place = place.finished() if place.until and len(found) < USERS_PER_TICK else place
        return dg.SensorResult(
            cursor=place.model_dump_json(), skip_reason=updates.sentence, asset_events=updates.events
        )  # fmt: skip

    return catch_up


class _Updates:
    """Updates of one tick, and what became of them."""

    def __init__(self, updater: Updater, rules: ScoringRules, context: dg.SensorEvaluationContext) -> None:
        self._updater, self._rules, self._context = updater, rules, context
        self._outcomes = Counter[str]()
        self._failed: list[str] = []
        self._waits_for: str | None = None

    def update(self, user_id: str) -> bool:
        """Whether the user is dealt with; not where the database or the estimator does not answer."""
        try:
            update = self._updater.update(user_id, self._rules, request_id="catch_up")
        except RetryLater as error:
            self._waits_for = str(error)
            return False
        except SeedtestError as error:  # of this user; the others must not wait for what time does not mend
            self._context.log.error(f"{user_id}: {error}")  # noqa: G004, TRY400 - Dagster shows the text alone
            self._outcomes["failed"] += 1
            self._failed.append(user_id)
        else:
            self._outcomes[update.reason or ("a later one was stored" if update.later else "updated")] += 1
        return True

    @property
    def sentence(self) -> str:
        counts = ", ".join(f"{what}: {n}" for what, n in self._outcomes.items())
        parts = [*([f"{counts}."] if counts else []), *([self._waits_for] if self._waits_for else [])]
        return " ".join(parts) or (
            "Every session that arrived five minutes ago or earlier has its update, but for those that came since the "
            "oldest transaction began that is still open."
        )

    @property
    def events(self) -> list[dg.AssetMaterialization]:
        if not self._outcomes:
            return []
        failed = {"failed users": ", ".join(self._failed[:_NAMED])} if self._failed else {}
        return [dg.AssetMaterialization(CURRENT_ABILITIES.key, metadata={**self._outcomes, **failed})]
