"""The estimator that asks the R service r-irt-plumber over HTTP.

Where the service fails, so does this: no other engine steps in. Stays out: HTTP (r_transport), the bodies (r_wire).
"""

import time
import uuid
from collections.abc import Iterator
from typing import Final

import numpy as np
from pydantic import BaseModel, ValidationError

from resources.errors import OperatorRequired
from resources.estimators.contract import Scorable, assemble, match
from resources.estimators.r_service.circuit_breaker import CircuitBreaker
from resources.estimators.r_service.codec import Batch, decode, encode
from resources.estimators.r_service.transport import Timeouts, Transport
from resources.model import STANDARD_NORMAL, ItemBank, Prior, Priors, Responses, Thetas


class RServiceEstimator:
    """r-irt-plumber at `base_url`, asked about some `responses_at_once` responses a time. Thread-safe.

    A user's responses always go together, so a user with more of them than that makes a larger request.
    """

    name: Final = "r-irt-plumber"

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        timeouts: Timeouts | None = None,
        circuit: CircuitBreaker | None = None,
        responses_at_once: int = 200_000,  # 2 MB and some .2 s of the service's one thread
    ) -> None:
        self._transport = Transport(base_url, token, timeouts or Timeouts(), circuit or CircuitBreaker())
        self._responses_at_once = responses_at_once

    def estimate(
        self,
        responses: Responses,
        bank: ItemBank,
        prior: Prior | Priors = STANDARD_NORMAL,
        *,
        request_id: str | None = None,
    ) -> Thetas:
        """Posterior mean and SD of ability per user. `request_id` stands in the service's log, on every batch.

        Raises:
            EstimatorUnavailable: the service does not answer, or not soundly, in its time; no estimate was made.
            InvalidInput: the service refuses what it was sent.
            OperatorRequired: it refuses the token, or is not r-irt-plumber.
        """
        scorable = match(responses, bank)
        request_id = request_id or uuid.uuid4().hex
        theta = np.full(len(responses.user_ids), np.nan)
        se = theta.copy()
        for batch in self._batches(scorable):
            answer = self._transport.send("POST", "/irt/score/batch", request_id, encode(batch, bank, prior))
            theta[batch.users], se[batch.users] = decode(answer, batch)
        return assemble(responses, bank, scorable, theta, se)

    def check(self) -> str:
        """One line on the service's versions and speed; it has answered, with the token, to a real request.

        Raises: as `estimate`.
        """
        health = self._transport.send("GET", "/healthz", uuid.uuid4().hex)
        try:
            versions = _Health.model_validate_json(health)
        except ValidationError as error:
            raise OperatorRequired(
                f"What answers at {self._transport.base_url} is not r-irt-plumber.", where=self._transport.base_url
            ) from error
        started = time.perf_counter()
        self.estimate(*_ONE_ANSWER)
        took_ms = 1000 * (time.perf_counter() - started)
        return (
            f"{self._transport}: R {versions.r}, plumber {versions.plumber}, mirt {versions.mirt or 'not installed'}; "
            f"one estimate takes {took_ms:.0f} ms."
        )

    def _batches(self, scorable: Scorable) -> Iterator[Batch]:
        """The scorable responses by user, as many whole users at a time as fit, and at least one."""
        users = np.flatnonzero(scorable.n_items)
        ends = np.cumsum(scorable.n_items[users])
        matrix = scorable.matrix
        rows = np.argsort(matrix.user, kind="stable")
        first, done = 0, 0  # the first user of the batch, and the responses of the users before
        while first < users.size:
            last = max(first + 1, int(np.searchsorted(ends, done + self._responses_at_once, side="right")))
            these, mine = users[first:last], rows[done : ends[last - 1]]
            yield Batch(matrix.user[mine], matrix.item[mine], matrix.correct[mine], these, scorable.n_items[these])
            first, done = last, int(ends[last - 1])


class _Health(BaseModel):
    r: str
    plumber: str
    mirt: str | None


_ONE = np.ones(1)
_ONE_ANSWER = (
    Responses(("check",), ("check",), np.zeros(1, np.int64), np.zeros(1, np.int64), _ONE),
    ItemBank("check", "2PL", ("check",), _ONE, _ONE, np.zeros(1)),
)
