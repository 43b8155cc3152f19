"""The estimator inside this process: needs no service, and is the fastest."""

import importlib.metadata

from resources.errors import OperatorRequired
from resources.estimators.contract import assemble, match
from resources.irt.eap import eap
from resources.irt.response_functions import Items
from resources.irt.response_matrix import Answers
from resources.model import STANDARD_NORMAL, ItemBank, Prior, Responses, Thetas


class InProcessEstimator:
    """`Estimator` by numpy and scipy. Thread-safe."""

    def __init__(self) -> None:
        self._last: tuple[ItemBank, Items] | None = None  # the same object for the same bank, for what `eap` keeps

    @property
    def name(self) -> str:
        return "in-process"

    def estimate(
        self, responses: Responses, bank: ItemBank, prior: Prior = STANDARD_NORMAL, *, request_id: str | None = None
    ) -> Thetas:
        """As `Estimator.estimate`; each SE is exact to about 1e-7 of itself (see `eap`).

        Raises:
            OperatorRequired: a posterior that cannot be resolved; no estimate was made.
        """
        scorable = match(responses, bank)
        answers = Answers(
            scorable.user, scorable.item, scorable.correct, len(responses.user_ids), len(bank.item_keys)
        )  # fmt: skip
        try:
            posterior = eap(answers, self._items(bank), prior.mean, prior.sd)
        except ArithmeticError as error:
            raise OperatorRequired(f"Bank {bank.version} cannot score these responses. {error}") from error
        return assemble(responses, bank, scorable, posterior.mean, posterior.sd)

    def check(self) -> str:
        return f"in-process: numpy {importlib.metadata.version('numpy')}, scipy {importlib.metadata.version('scipy')}"

    def _items(self, bank: ItemBank) -> Items:
        last = self._last
        if last is None or last[0] is not bank:
            self._last = last = (bank, Items(bank.a, bank.b, bank.c))
        return last[1]
