"""What is due of a week, user key by user key: found from what is stored, and not from what was once asked for.

So what failed is due until it is made, what came late is due again, and what is made is not. Stays out: when and how
often it is asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from assets.abilities.freezing import checksums_by_key
from assets.user_keys import UserKeys
from resources.database.engine import transaction
from resources.database.queries.estimates import made_weeks
from resources.database.queries.reports import report_artifacts
from resources.database.queries.sessions import attempts, session_versions
from resources.database.queries.sessions.session_versions import Seen
from resources.model import Edition, Week
from resources.warehouse.warehouse import Warehouse

# A week of which so many user keys have their abilities was asked for as a whole; of others somebody ran a part.
MADE_FOR_ALL = 0.5


@dataclass(frozen=True)
class Sessions:
    """The checksums of the platform's sessions, by week and user key, as `Warehouse.checksums` has them.

    What is in the sessions is read again only of those keys of which a row was written or deleted since.
    """

    engine: sa.Engine
    keys: UserKeys

    def checksums(self, first: Week, last: Week) -> Iterator[tuple[Week, Mapping[str, str]]]:
        """Of the weeks from `first` to `last`, the newest first."""
        with transaction(self.engine) as connection:
            versions = session_versions.by_week(connection, first, last)
            seen = session_versions.seen(connection, first, last, self.keys.buckets)
        for week in sorted(versions, reverse=True):
            if sum(of.version for of in seen[week].values()) % 2**64 != versions[week]:
                seen[week] = self._look(week, seen[week])
            yield week, {key: of.checksum for key, of in seen[week].items()}

    def _look(self, week: Week, seen: Mapping[str, Seen]) -> dict[str, Seen]:
        with transaction(self.engine) as connection:
            # The versions first: what changes before its checksum is read has another version at the next look.
            of_users = session_versions.by_user(connection, week)
            users = self.keys.by_key(of_users)
            versions = {key: sum(of_users[user] for user in of) % 2**64 for key, of in users.items()}
            changed = [key for key, version in versions.items() if key not in seen or seen[key].version != version]
            named = None if len(changed) == len(users) else [user for key in changed for user in users[key]]
            read = checksums_by_key(
                self.keys, attempts.checksums(connection, week.begins_at, week.ends_at, named)
            )  # fmt: skip
            now = {key: of for key, of in seen.items() if key in versions}
            now |= {key: Seen(versions[key], read.get(key, "")) for key in changed}
            session_versions.store(connection, week, self.keys.buckets, now)
        return now


@dataclass(frozen=True)
class Stored:
    """What there is of a week: frozen answers by user key and the checksum they were made from, abilities likewise,
    and how many reports are missing to learners who have an estimate."""

    frozen: Mapping[str, str]
    abilities: Mapping[str, str]
    reports_missing: Mapping[str, int]


def stored(
    engine: sa.Engine, warehouse: Warehouse, keys: UserKeys, week: Week, wanted: Sequence[tuple[Edition, str]]
) -> Stored:
    """Of one week; missing are reports of the `wanted` editions and formats, and none where that is empty."""
    with transaction(engine) as connection:
        abilities = made_weeks.made_from(connection, week)
        missing = report_artifacts.missing(connection, week, wanted) if wanted else []
    by_key = keys.by_key(missing)
    return Stored(warehouse.checksums(week), abilities, {key: len(of) for key, of in by_key.items()})


def due(keys: Sequence[str], sessions: Mapping[str, str], there: Stored, *, for_all: bool = False) -> dict[str, str]:
    """Those of the user keys that are due, in their order, each with what there is to do.

    Late answers are due wherever answers were frozen. Keys that have nothing are due where the week is `for_all`, or
    was made for all: not where somebody ran a part of it by hand.
    """
    for_all = for_all or len(there.abilities.keys() & {*keys}) >= MADE_FOR_ALL * len(keys)
    found: dict[str, str] = {}
    for key in keys:
        now, frozen = sessions.get(key, ""), there.frozen.get(key)
        if frozen is None:
            if for_all and now:
                found[key] = f"answers {now}"
        elif frozen != now:
            found[key] = f"late answers {now}"
        elif for_all and there.abilities.get(key) != frozen:
            found[key] = f"abilities {frozen}"
        elif key in there.reports_missing:
            found[key] = f"reports {there.reports_missing[key]}"
    return found
