"""The estimator inside this process: needs no service, and is the fastest."""

import importlib.metadata

import numpy as np

from resources.errors import OperatorRequired
from resources.estimators.contract import assemble, match
from resources.irt.eap import eap
from resources.model import STANDARD_NORMAL, ItemBank, Prior, Priors, Responses, Thetas

_ONE_ITEM = ItemBank("check", "2PL", ("item",), np.ones(1), np.zeros(1), np.zeros(1))
_ONE_ANSWER = Responses(("user",), ("item",), np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones(1))


class InProcessEstimator:
    """`Estimator` by numpy and scipy. Thread-safe."""

    @property
    def name(self) -> str:
        return "in-process"

    def estimate(
        self,
        responses: Responses,
        bank: ItemBank,
        prior: Prior | Priors = STANDARD_NORMAL,
        *,
        request_id: str | None = None,
    ) -> Thetas:
        """As `Estimator.estimate`; each SE is exact to about 1e-7 of itself (see `eap`).

        Raises:
            OperatorRequired: a posterior that cannot be resolved; no estimate was made.
        """
        scorable = match(responses, bank)
        try:
            posterior = eap(scorable.matrix, bank.items, prior.mean, prior.sd)
        except ArithmeticError as error:
            raise OperatorRequired(f"Bank {bank.version} cannot score these responses. {error}") from error
        return assemble(responses, bank, scorable, posterior.mean, posterior.sd)

    def check(self) -> str:
        """Estimates something, as it is asked before the first learner is waiting: scipy is loaded by then."""
        self.estimate(_ONE_ANSWER, _ONE_ITEM)
        return f"in-process: numpy {importlib.metadata.version('numpy')}, scipy {importlib.metadata.version('scipy')}"
