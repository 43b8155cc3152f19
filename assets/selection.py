"""What one run is for: weeks and user keys, and the learners behind them. Stays out: how Dagster says so."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa

from assets.user_keys import UserKeys
from resources.database.engine import transaction
from resources.database.queries.sessions import attempts
from resources.errors import InvalidInput
from resources.model import Week


@dataclass(frozen=True)
class Selection:
    """User keys by week, weeks ascending."""

    keys: Mapping[Week, Sequence[str]]

    @property
    def weeks(self) -> list[Week]:
        return list(self.keys)

    @property
    def user_keys(self) -> list[str]:
        return sorted({key for keys in self.keys.values() for key in keys})

    def pairs(self) -> Iterator[tuple[Week, str]]:
        return ((week, key) for week, keys in self.keys.items() for key in keys)

    def only(self, user_keys: Collection[str]) -> "Selection":
        """The same without all other keys, and without weeks that have none left."""
        kept = {week: [key for key in keys if key in user_keys] for week, keys in self.keys.items()}
        return Selection({week: keys for week, keys in kept.items() if keys})


@dataclass(frozen=True)
class SelectedUsers:
    """The platform's users by key, sorted; `only`, where it is not None, are those whom the run names."""

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

    def whole(self, key: str) -> bool:
        """Whether the run is for all users of the key."""
        return self.only is None or self.only.issuperset(self.by_key.get(key, ()))

    def n_asked(self, chosen: Selection) -> int:
        """Learners and weeks that the run is to make."""
        return sum(len(self.asked(keys)) for keys in chosen.keys.values())


def selected_users(
    engine: sa.Engine, keys: UserKeys, chosen: Selection, user_ids: Sequence[str] | None
) -> SelectedUsers:
    """The users as they are now: of `chosen` all, or those whom `user_ids` names.

    Raises:
        InvalidInput: `user_ids` names nobody, or somebody who is not in the chosen partitions.
    """
    with transaction(engine) as connection:
        by_key = keys.by_key(attempts.users(connection))
    if user_ids is None:
        return SelectedUsers(by_key, None)
    only = frozenset(user_ids)
    if not only:
        raise InvalidInput(
            "The run's user_ids are empty", remedy="name at least one user, or leave user_ids out for all."
        )
    if strangers := only - {user for key in chosen.user_keys for user in by_key.get(key, ())}:
        raise InvalidInput(
            f"User {min(strangers)[:80]!r} of the run's user_ids is not in the chosen partitions",
            remedy="check the id, and choose the partition that it belongs to.",
        )
    return SelectedUsers(by_key, only)


def in_batches(learners_of: Mapping[str, Collection[str]], at_once: int) -> Iterator[list[str]]:
    """User keys in order, with at most `at_once` learners together, or one key of more; one empty batch of no keys."""
    batch: list[str] = []
    n_learners = 0
    for key, learners in learners_of.items():
        if batch and n_learners + len(learners) > at_once:
            yield batch
            batch, n_learners = [], 0
        batch.append(key)
        n_learners += len(learners)
    yield batch
