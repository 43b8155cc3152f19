"""What every estimator promises, and the one matching of responses to a bank that both engines use."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from resources.irt.response_matrix import ResponseMatrix
from resources.model import STANDARD_NORMAL, Floats, Ints, ItemBank, Prior, Priors, Responses, Thetas


class Estimator(Protocol):
    """Abilities from responses, batch first: the same number whichever engine, and whoever else is in the batch."""

    @property
    def name(self) -> str: ...

    def estimate(
        self,
        responses: Responses,
        bank: ItemBank,
        prior: Prior | Priors = STANDARD_NORMAL,
        *,
        request_id: str | None = None,
    ) -> Thetas:
        """Posterior mean and SD of ability (EAP) per user; users without a scorable response are in `unscored`.

        `prior` is one for all users, or one for each, in the order of `responses.user_ids`.

        `request_id` stands in the log of an engine that keeps one.

        Raises:
            EstimatorUnavailable: the engine does not answer in its time; no estimate was made.
        """
        ...

    def check(self) -> str:
        """One line on the engine's state, for a person.

        Raises:
            EstimatorUnavailable: it cannot estimate now; the message says what to do.
        """
        ...


@dataclass(frozen=True)
class Scorable:
    """The answers that can be scored, users by their place among the request's and items by that in the bank; and how
    many could not, per user: `n_items`, `n_unknown_item` and `n_unusable` have shape (n_users,)."""

    matrix: ResponseMatrix
    n_items: Ints
    n_unknown_item: Ints
    n_unusable: Ints


def match(responses: Responses, bank: ItemBank) -> Scorable:
    """Rows of items that the bank holds, answered right or wrong; the rest is counted per user."""
    to_bank = np.array([bank.place.get(key, -1) for key in responses.item_keys], dtype=np.int64)
    item = to_bank[responses.item]
    unusable = np.isnan(responses.correct)
    unknown = (item < 0) & ~unusable
    keep = ~unusable & ~unknown
    n_users = len(responses.user_ids)
    return Scorable(
        ResponseMatrix(
            responses.user[keep], item[keep], responses.correct[keep].astype(np.int64), n_users, len(bank.item_keys)
        ),
        _count(responses.user[keep], n_users),
        _count(responses.user[unknown], n_users),
        _count(responses.user[unusable], n_users),
    )


def assemble(responses: Responses, bank: ItemBank, scorable: Scorable, theta: Floats, se: Floats) -> Thetas:
    """`theta` and `se` of shape (n_users,), whatever stands at users without a scorable response, as Thetas."""
    scored = np.flatnonzero(scorable.n_items > 0)
    return Thetas(
        user_ids=tuple(responses.user_ids[i] for i in scored),
        theta=theta[scored],
        se=se[scored],
        n_items=scorable.n_items[scored],
        n_unknown_item=scorable.n_unknown_item[scored],
        n_unusable=scorable.n_unusable[scored],
        unscored=tuple(responses.user_ids[i] for i in np.flatnonzero(scorable.n_items == 0)),
        model=bank.model,
        bank_version=bank.version,
    )


def _count(user: Ints, n_users: int) -> Ints:
    return np.bincount(user, minlength=n_users).astype(np.int64)
