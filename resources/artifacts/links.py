"""Links to finished reports, short-lived where the store can make such; for a learner's browser, and never stored."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from resources.artifacts.store import ArtifactStore
from resources.errors import InvalidInput

# A shorter one can be dead before a slow phone opens it; a longer one S3 does not sign.
SHORTEST_S, LONGEST_S = 60, 7 * 24 * 3600


@dataclass(frozen=True)
class Link:
    """Opens one file until `expires_at` (UTC); None: for as long as the file is there."""

    url: str
    expires_at: dt.datetime | None


class Links(Protocol):
    def of(self, keys: Sequence[str], expires_s: int) -> list[Link]:
        """A link to each of these files of one folder, in the same order; whether they are there is not looked up.

        Raises:
            InvalidInput: `expires_s` is out of its bounds, or the files lie in several folders.
            StoreRefuses: there are no credentials to sign with.
        """
        ...


class FileLinks:
    """A folder's files open by their own addresses, which nothing can sign."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store

    def of(self, keys: Sequence[str], expires_s: int) -> list[Link]:
        expiry(expires_s)
        one_folder(keys)
        return [Link(self._store.address(key), None) for key in keys]


def expiry(expires_s: int) -> dt.datetime:
    """So many seconds from now, to the whole second before.

    Raises:
        InvalidInput: sooner or later than a link may end.
    """
    if not SHORTEST_S <= expires_s <= LONGEST_S:
        raise InvalidInput(
            f"A link cannot last {expires_s:,} s", remedy=f"choose from {SHORTEST_S} to {LONGEST_S:,} (7 days)."
        )
    return dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=expires_s)


def one_folder(keys: Sequence[str]) -> str:
    """The folder that all of these keys lie in: one learner's week.

    Raises:
        InvalidInput: they lie in several, or there are none: what opens them together would open too much.
    """
    folders = {key.rpartition("/")[0] for key in keys}
    if len(folders) != 1:
        raise InvalidInput(f"Links are made for the files of one folder, and these lie in {sorted(folders)}.")
    return folders.pop()
