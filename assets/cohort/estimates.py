"""Tables of a cohort's estimates: their distribution, precision, reliability and growth. Pure; nobody is named in them.

An `estimates` frame has one row per learner: user_id, theta, se (logits) and n_items, all under one item bank.
"""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from resources.irt.fit import empirical_reliability
from resources.irt.growth.population import Population
from resources.model import Floats, Ints

THETA_BIN, SE_BIN = 0.2, 0.02  # logits
PRECISION_BIN = 0.5  # logits
SMALLEST_GROUP = 5  # learners: a mean of fewer tells of persons
# Doubling, as precision goes with the root of the number: each step should cut the standard error alike.
ANSWERS = (1, 5, 10, 20, 40, 80, 160, 320)

GROWTH = ("week", "n", "mean", "se_mean", "sd", "drift", "drift_se", "n_active", "n_newcomers")


def distribution(estimates: pd.DataFrame) -> pd.DataFrame:
    """Learners by bins of theta and of se: measure, low, high (logits; low is inside), n. Empty bins between are 0."""
    return pd.concat(
        [_bins("theta", estimates["theta"], THETA_BIN), _bins("se", estimates["se"], SE_BIN)], ignore_index=True
    )


def precision(estimates: pd.DataFrame) -> pd.DataFrame:
    """Quantiles of se by bins of theta and by number of answers used: by, low, high, n, p10, median, p90.

    A bin holds low and not high, which is missing where it has no end. Empty bins between others are there, with n = 0:
    an axis without them would be no scale.
    """
    theta, se = estimates["theta"].to_numpy(np.float64), estimates["se"]
    place = np.floor(theta / PRECISION_BIN).astype(np.int64)
    lowest = int(place.min()) if place.size else 0
    edges = (lowest + np.arange(place.max() - lowest + 2 if place.size else 1)) * PRECISION_BIN
    by_theta = _quantiles(se, "theta", place - lowest, edges)
    step = np.searchsorted(ANSWERS, estimates["n_items"].to_numpy(np.int64), "right") - 1
    by_answers = _quantiles(se, "answers", step, np.array([*ANSWERS, np.nan]))
    return pd.concat([by_theta, by_answers], ignore_index=True)


def summary(estimates: pd.DataFrame) -> dict[str, float]:
    """n, mean and SD (n - 1) of theta, root mean square and median of se, and the empirical reliability.

    NaN where there are too few learners for one: two for SD and reliability.
    """
    theta, se = (estimates[name].to_numpy(np.float64) for name in ("theta", "se"))
    if theta.size == 0:
        return {"estimated": 0, "mean_theta": np.nan, "sd_theta": np.nan, "rms_se": np.nan, "median_se": np.nan,
                "reliability": np.nan}  # fmt: skip
    several = theta.size > 1
    return {
        "estimated": theta.size,
        "mean_theta": float(theta.mean()),
        "sd_theta": float(theta.std(ddof=1)) if several else np.nan,
        "rms_se": float(np.sqrt(np.mean(se**2))),
        "median_se": float(np.median(se)),
        "reliability": empirical_reliability(theta, se) if several else np.nan,
    }


def growth(estimates: pd.DataFrame, moved: Population | None) -> dict[str, float]:
    """A week's abilities as the model has them: n, mean with its standard error, SD, and how the group `moved`.

    The drift is NaN where it was not estimated: in a first week, and of too few learners.
    """
    theta, se = (estimates[name].to_numpy(np.float64) for name in ("theta", "se"))
    sd = sd_of_abilities(theta, se)
    known = moved is not None and (moved.enough or moved.drift_is_given)
    return {
        "n": theta.size,
        "mean": float(theta.mean()),
        "se_mean": sd / np.sqrt(theta.size),
        "sd": sd,
        "drift": moved.drift if moved and known else np.nan,
        "drift_se": moved.drift_se if moved and known else np.nan,
        "n_active": moved.n_active if moved else 0,
        "n_newcomers": moved.n_newcomers if moved else 0,
    }


def sd_of_abilities(theta: Floats, se: Floats) -> float:
    """Not of the estimates, which vary less: their variance and the mean squared error add up to that of the abilities.

    NaN of fewer than two learners.
    """
    return float(np.sqrt(theta.var(ddof=1) + np.mean(se**2))) if theta.size > 1 else np.nan


def _bins(measure: str, values: pd.Series, width: float) -> pd.DataFrame:
    place = np.floor(values.to_numpy(np.float64) / width).astype(np.int64)
    first = int(place.min()) if place.size else 0
    n = np.bincount(place - first)
    low = (first + np.arange(n.size)) * width
    return pd.DataFrame({"measure": measure, "low": low, "high": low + width, "n": n})


def _quantiles(se: pd.Series, by: str, place: Ints, edges: Floats) -> pd.DataFrame:
    """Of the se of each bin from the first to the last that has any; `place` is each learner's among `edges`."""
    bins = np.arange(place.min(), place.max() + 1) if place.size else place
    of_bin = [se.to_numpy()[place == one] for one in bins.tolist()]
    quantiles = np.array([np.quantile(of, (0.1, 0.5, 0.9)) if of.size else [np.nan] * 3 for of in of_bin])
    p10, median, p90 = quantiles.reshape(-1, 3).T
    return pd.DataFrame({
        "by": by, "low": edges[bins], "high": edges[bins + 1], "n": [of.size for of in of_bin], "p10": p10,
        "median": median, "p90": p90,
    })  # fmt: skip


def by_group(estimates: pd.DataFrame, groups: Mapping[str, Collection[str]]) -> pd.DataFrame:
    """A row per group: learners in it, with an estimate of the week, mean and its standard error, SD of abilities,
    median se; missing below SMALLEST_GROUP, so that nobody is told of."""
    rows = []
    for group, members in groups.items():
        own = estimates[estimates["user_id"].isin(set(members))]
        theta, se = (own[name].to_numpy(np.float64) for name in ("theta", "se"))
        shown = theta.size >= SMALLEST_GROUP
        sd = sd_of_abilities(theta, se) if shown else np.nan
        rows.append((
            group, len(members), theta.size, theta.mean() if shown else np.nan, sd / np.sqrt(max(theta.size, 1)), sd,
            np.median(se) if shown else np.nan,
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=["group", "learners", "estimated", "mean", "se_mean", "sd", "median_se"])
