"""Updates of many users at once, as of one instant: each has an outcome of its own, and one that fails fails alone."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from assets.abilities.on_demand import MOST_BYTES, LongHistory, Update, Updater
from assets.abilities.scoring import ScoringRules
from resources.errors import DatabaseUnavailable, RetryLater, RowsHeld, StatementStopped

MOST_BYTES_AT_ONCE = 50 * MOST_BYTES  # in memory, and within a statement's time
# Others hold rows for the time of a commit; what takes longer is one user's, whom a thousand do not wait for.
LOCK_TIMEOUT_MS = 25
# To find one among 1,000 takes eleven; so many are not a matter of single users, and what is slow to fail must not be
# asked without end.
_MOST_FAILURES = 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failed:
    """The update of this user alone failed, for a reason that stands in the log; `retry`: it may go well later."""

    user_id: str
    retry: bool


def update_many(
    updater: Updater, user_ids: Sequence[str], rules: ScoringRules, request_id: str | None = None
) -> list[Update | Failed]:
    """As `Updater.update_all` of these users, who are distinct, however many answers they have: at once as many as
    fit. One whose update fails is found by halves, and the others are stored.

    Raises:
        RetryLater, or whatever else failed: the database or the estimator does not answer, or nobody's update can be
            made; what was stored before stays.
    """
    many = _Many(updater, rules, request_id)
    many.make(user_ids)
    return [many.found[user_id] for user_id in user_ids]


class _Many:
    """`found` so far; `_slow` are those whose update takes long or waits for what others hold: they come last."""

    def __init__(self, updater: Updater, rules: ScoringRules, request_id: str | None) -> None:
        self._updater, self._rules, self._request_id = updater, rules, request_id
        self.found: dict[str, Update | Failed] = {}
        self._slow: list[str] = []
        self._failures: list[Exception] = []

    def make(self, user_ids: Sequence[str]) -> None:
        parts = [list(user_ids)]
        while parts:
            part = parts.pop()
            half = len(part) // 2
            try:
                self._make(part, MOST_BYTES_AT_ONCE, LOCK_TIMEOUT_MS)
                continue
            except LongHistory:
                if not half:
                    self._slow += part
            except RowsHeld as error:
                self._count(error)
                if not half:
                    self._slow += part
            except DatabaseUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever one user's answers are, the others' are made
                self._updater.estimator.check()  # which raises where it is nobody's answers
                self._count(error)
                if not half:
                    self._fail(part[0], error)
            parts += [some for some in (part[half:], part[:half]) if half]
        self._make_slow()
        if not any(isinstance(one, Update) for one in self.found.values()):
            raise self._failures[-1]

    def _make_slow(self) -> None:
        """One by one, until the database stops one: the next would take the rest of the request's time as well."""
        stopped: StatementStopped | None = None
        for user_id in self._slow:
            try:
                if stopped is None:
                    self._make([user_id], None, None)
                    continue
            except StatementStopped as error:
                self._count(error)
                stopped = error
            except DatabaseUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - as above
                self._updater.estimator.check()
                self._count(error)
                self._fail(user_id, error)
                continue
            self._fail(user_id, stopped)

    def _make(self, user_ids: Sequence[str], most_bytes: int | None, lock_timeout_ms: int | None) -> None:
        updates = self._updater.update_all(
            user_ids, self._rules, request_id=self._request_id, most_bytes=most_bytes, lock_timeout_ms=lock_timeout_ms
        )
        self.found |= {update.user_id: update for update in updates}

    def _count(self, error: Exception) -> None:
        self._failures.append(error)
        if len(self._failures) > _MOST_FAILURES:
            raise error

    def _fail(self, user_id: str, error: Exception) -> None:
        about = {"user": user_id, "request_id": self._request_id}
        _log.error("an update failed", extra=about, exc_info=error)
        self.found[user_id] = Failed(user_id, retry=isinstance(error, RetryLater))
