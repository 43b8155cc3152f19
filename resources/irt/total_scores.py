"""How the number of right answers is distributed at an ability."""

import numpy as np

from resources.irt.response_functions import Floats


def total_score_distribution(p_right: Floats) -> Floats:
    """P(total score = k) at each ability, shape (J + 1, Q), for probabilities of J right answers of shape (J, Q).

    Source: Lord & Wingersky (1984), Comparison of IRT true-score and equipercentile observed-score "equatings", Applied
    Psychological Measurement 8(4), 453-461.
    """
    distribution = np.zeros((len(p_right) + 1, p_right.shape[1]))
    distribution[0] = 1
    for j, p in enumerate(p_right):
        distribution[1 : j + 2] = distribution[1 : j + 2] * (1 - p) + distribution[: j + 1] * p
        distribution[0] *= 1 - p
    return distribution
