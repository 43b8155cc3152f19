"""The estimator inside this process: needs no service, and is the fastest."""

import importlib.metadata

from resources.errors import OperatorRequired
from resources.estimators.contract import assemble, match
from resources.irt.eap import eap
from resources.model import STANDARD_NORMAL, ItemBank, Prior, Priors, Responses, Thetas


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
        return f"in-process: numpy {importlib.metadata.version('numpy')}, scipy {importlib.metadata.version('scipy')}"
