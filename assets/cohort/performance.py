"""Tables of a cohort's performance levels: how many learners each has, and how far to trust that. Pure."""

import numpy as np
import pandas as pd

from assets.cohort import estimates
from resources.irt import classification
from resources.irt.growth.change import CRITICAL_Z
from resources.model import ItemBank
from resources.reports.learner.scale import Scale


def level_counts(own: pd.DataFrame, scale: Scale) -> pd.DataFrame:
    """Each level from the lowest up: level, from and to (points; missing where it has no end), n learners whose
    estimate lies in it, sure (those of them whose 95 % interval does, too), and expected, the sum of all learners'
    probabilities, which unlike n is not drawn to the middle by what few answers leave open.

    `own` as in `estimates`. Empty without cut scores.
    """
    if scale.cuts is None:
        return pd.DataFrame({"level": [], "from": [], "to": [], "n": [], "sure": [], "expected": []})
    theta, se = (own[name].to_numpy(np.float64) for name in ("theta", "se"))
    cuts, points = scale.theta_cuts, scale.cuts.points
    low, at, high = (classification.levels(theta + step * se, cuts) for step in (-CRITICAL_Z, 0, CRITICAL_Z))
    n_levels = len(scale.cuts.names)
    return pd.DataFrame({
        "level": scale.cuts.names,
        "from": np.array([np.nan, *points]),
        "to": np.array([*points, np.nan]),
        "n": np.bincount(at, minlength=n_levels),
        "sure": np.bincount(at[low == high], minlength=n_levels),
        "expected": classification.level_probabilities(theta, se, cuts).sum(axis=0),
    })  # fmt: skip


def decisions(own: pd.DataFrame, scale: Scale, bank: ItemBank) -> pd.DataFrame:
    """Over all levels (cut is missing), then at each cut score (points): accuracy and consistency of these learners'
    levels, and bank_accuracy and bank_consistency of a group as able, put into levels by its number right on the whole
    bank. NaN where there are too few learners for one: two.

    Empty without cut scores.
    """
    if scale.cuts is None:
        return pd.DataFrame({"cut": [], "accuracy": [], "consistency": [], "bank_accuracy": [], "bank_consistency": []})
    theta, se = (own[name].to_numpy(np.float64) for name in ("theta", "se"))
    theirs = classification.rudner(theta, se, scale.theta_cuts)
    best = classification.lee(bank.items, scale.theta_cuts, theta.mean(), estimates.sd_of_abilities(theta, se))
    return pd.DataFrame(
        {
            "cut": np.array([np.nan, *scale.cuts.points]),
            "accuracy": [theirs.accuracy, *theirs.accuracy_at],
            "consistency": [theirs.consistency, *theirs.consistency_at],
            "bank_accuracy": [best.accuracy, *best.accuracy_at],
            "bank_consistency": [best.consistency, *best.consistency_at],
        }
    )
