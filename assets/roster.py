"""Which users a run is for: all behind its partition keys, or those among them that its configuration names."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import dagster as dg
import sqlalchemy as sa

from assets.partitions import Selection, UserPartitions
from resources.database import attempts
from resources.database.engine import transaction
from resources.errors import FixTheData


class UserSelection(dg.Config):
    """Run only these users of the chosen partitions; a bucket's other users stay as they are."""

    user_ids: list[str] | None = None


@dataclass(frozen=True)
class Roster:
    """The platform's users by partition key, sorted; `only`, where it is not None, are those whom the run names."""

    by_key: Mapping[str, Sequence[str]]
    only: frozenset[str] | None

    @cached_property
    def size(self) -> int:
        return sum(map(len, self.by_key.values()))

    def named(self, user_ids: Sequence[str]) -> Sequence[str] | None:
        """How to ask the database for these: None, for all, where they are everyone.

        To name everyone would make a query slower, and miss who joins at this moment.
        """
        return None if len(user_ids) == self.size else user_ids

    def members(self, keys: Collection[str]) -> list[str]:
        """All users of the keys, sorted."""
        return sorted(user for key in keys for user in self.by_key.get(key, ()))

    def asked(self, keys: Collection[str]) -> list[str]:
        """Those of them that the run is to make, sorted."""
        members = self.members(keys)
        return members if self.only is None else [user for user in members if user in self.only]

    def n_asked(self, chosen: Selection) -> int:
        """Learners and weeks that the run is to make."""
        return sum(len(self.asked(keys)) for keys in chosen.keys.values())


def roster(engine: sa.Engine, users: UserPartitions, chosen: Selection, config: UserSelection) -> Roster:
    """The users as they are now.

    Raises:
        FixTheData: the configuration names nobody, or somebody who is not in the chosen partitions.
    """
    with transaction(engine) as connection:
        by_key = users.by_key(attempts.users(connection))
    if config.user_ids is None:
        return Roster(by_key, None)
    only = frozenset(config.user_ids)
    if not only:
        raise FixTheData("The run's user_ids are empty: name at least one user, or leave user_ids out for all.")
    if strangers := only - {user for key in chosen.user_keys for user in by_key.get(key, ())}:
        raise FixTheData(
            f"User {min(strangers)[:80]!r} of the run's user_ids is not in the chosen partitions: check the id, and "
            "choose the partition that it belongs to."
        )
    return Roster(by_key, only)
