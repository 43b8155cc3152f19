"""Tables of a cohort's estimates: their distribution, precision, reliability and growth. Pure; nobody is named in them.

An `estimates` frame has one row per learner: user_id, theta, se (logits) and n_items, all under one item bank.
"""

import numpy as np
import pandas as pd

from resources.irt.fit import empirical_reliability
from resources.irt.growth.population import Population
from resources.model import Floats

THETA_BIN, SE_BIN = 0.2, 0.02  # logits
PRECISION_BIN = 0.5  # logits
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

    A bin holds low and not high, which is missing where it has no end.
    """
    theta, se = estimates["theta"].to_numpy(np.float64), estimates["se"]
    place = np.floor(theta / PRECISION_BIN)
    by_theta = _quantiles(se, "theta", place * PRECISION_BIN, (place + 1) * PRECISION_BIN)
    step = np.searchsorted(ANSWERS, estimates["n_items"].to_numpy(np.int64), "right") - 1
    edges = np.array([*ANSWERS, np.nan])
    by_answers = _quantiles(se, "answers", edges[step], edges[step + 1])
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


def _quantiles(se: pd.Series, by: str, low: Floats, high: Floats) -> pd.DataFrame:
    """Of the se of each bin, which `low` and `high` give for each learner."""
    grouped = se.groupby([pd.Series(low, se.index, name="low"), pd.Series(high, se.index, name="high")], dropna=False)
    rows = grouped.agg(
        n="size", p10=lambda x: x.quantile(0.1), median="median", p90=lambda x: x.quantile(0.9)
    ).reset_index()
    return rows.assign(by=by)[["by", "low", "high", "n", "p10", "median", "p90"]]
