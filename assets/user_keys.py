"""What a key of the `user` dimension stands for, chosen at deployment: one user, or one hash bucket of users."""

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from resources.model import safe_key

# Beyond this many users, one partition per user makes Dagster's UI and daemon slow: hash buckets serve better.
USERS_SCHEME_LIMIT = 1_000
_BUCKET = re.compile(r"b\d+of([1-9]\d*)")


@dataclass(frozen=True)
class UserKeys:
    """`buckets` = 0: a key per user, which grow in number. Otherwise that many buckets, by crc32 of the user id."""

    buckets: int

    @property
    def fixed(self) -> list[str]:
        """The keys of all buckets, in order; none where every user has a key."""
        return [self._bucket(i) for i in range(self.buckets)]

    def key_of(self, user_id: str) -> str:
        """The key that the user belongs to; the id itself where it is harmless as a key and there are no buckets."""
        return self._bucket(zlib.crc32(user_id.encode()) % self.buckets) if self.buckets else safe_key(user_id)

    def by_key(self, user_ids: Iterable[str]) -> dict[str, list[str]]:
        """The users of each key that has any, in the order given."""
        users: dict[str, list[str]] = {}
        for user_id in user_ids:
            users.setdefault(self.key_of(user_id), []).append(user_id)
        return users

    def outgrown(self, n_users: int) -> str | None:
        """A sentence for the operator where users have become too many for a key each."""
        if self.buckets or n_users <= USERS_SCHEME_LIMIT:
            return None
        return (
            f"{n_users:,} users are too many for one partition each (limit {USERS_SCHEME_LIMIT:,}): "
            "set USER_PARTITIONS=64 and run the weeks again."
        )

    def _bucket(self, i: int) -> str:
        return f"b{i:03d}of{self.buckets}"


def stands_for(user_key: str, user_id: str) -> bool:
    """Whether the user is behind the key, in whichever partition scheme it belongs to: schemes change, files stay."""
    buckets = _BUCKET.fullmatch(user_key)
    return user_key == safe_key(user_id) or (
        buckets is not None and user_key == UserKeys(int(buckets[1])).key_of(user_id)
    )
