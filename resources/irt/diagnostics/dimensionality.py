"""Whether one ability is enough: what is left between items once it is allowed for, against what chance leaves."""

from dataclasses import dataclass

import numpy as np

from resources.irt.diagnostics.pairs import pairs
from resources.irt.diagnostics.predictions import Predictions, predict
from resources.irt.response_functions import Floats, Items, log_right
from resources.irt.response_matrix import ResponseMatrix

REPLICATIONS = 19  # the fewest of which the answers given can be the most extreme of 20
# Above all replications, and by a fifth: of one ability 1.05 times the largest was the most that was seen; of two that
# correlate .8, 20 items each and 1,000 learners, 1.7 to 2.1 times.
NOTABLE = 1.2


@dataclass(frozen=True)
class Dimensionality:
    """The two largest eigenvalues of what is left between items, the largest of each replication, and the rank's p.

    `reference` has shape (replications,). `first` is about the variance of answers, in units of the noise of one answer
    to each item, that a second ability explains.
    """

    first: float
    second: float
    reference: Floats
    p: float

    @property
    def several(self) -> bool:
        """More than one dimension shows, and matters."""
        return bool(self.first > NOTABLE * self.reference.max())


def dimensionality(
    answers: ResponseMatrix,
    items: Items,
    predictions: Predictions,
    rng: np.random.Generator,
    prior_mean: Floats | float = 0.0,
    prior_sd: Floats | float = 1.0,
    replications: int = REPLICATIONS,
) -> Dimensionality:
    """Parallel analysis: the same learners and items, answered by chance as the fitted model of one dimension says.

    The matrix is that of `pairs`' covariances over the SDs of each item's residuals: with sparse data a pair counts as
    much as it has learners in common. p is the share of (the replications and the answers given) that is as large.
    Where topics are known, `topics.by_topic` sees more.
    Sources: Horn (1965), Psychometrika 30, 179-185; Drasgow & Lissak (1983), Journal of Applied Psychology 68, 363-373
    (modified for items: the reference comes from the fitted model, not from independent answers).
    """
    first, second = _eigenvalues(answers, predictions)
    reference = np.empty(replications)
    for k in range(replications):
        theta = prior_mean + prior_sd * rng.standard_normal(answers.n_users)
        p = np.exp(log_right(items.at(answers.item), theta[answers.user][:, None]))[:, 0]
        correct = (rng.random(p.size) < p).astype(np.int64)
        like = ResponseMatrix(answers.user, answers.item, correct, answers.n_users, answers.n_items)
        reference[k] = _eigenvalues(like, predict(like, items, prior_mean, prior_sd))[0]
    return Dimensionality(first, second, reference, float(1 + np.sum(reference >= first)) / (replications + 1))


def _eigenvalues(answers: ResponseMatrix, predictions: Predictions) -> tuple[float, float]:
    variance = np.bincount(answers.item, weights=predictions.p * (1 - predictions.p), minlength=answers.n_items)
    sd = np.sqrt(np.where(variance > 0, variance, 1.0))  # an item without answers has covariances of 0
    left = pairs(answers, predictions).covariance / np.outer(sd, sd)
    np.fill_diagonal(left, 0)
    *_, second, first = np.linalg.eigvalsh(left)
    return float(first), float(second)
