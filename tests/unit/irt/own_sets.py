"""The reference sets in `tests/reference`, whose README says how they were made: always there, so never skipped."""

from pathlib import Path

import numpy as np
import pandas as pd

from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import ResponseMatrix

FOLDER = Path(__file__).parents[2] / "reference"
# Fits with scores of their learners. `own3pl_3pl_prior` has missing answers.
SCORED = ("own2pl_2pl", "own2pl_rasch", "own3pl_3pl_prior")
# Mean 0; mirt prints the variance of ability under the Rasch model in fits.csv.
GROUP_SD = {"own2pl_2pl": 1.0, "own2pl_rasch": 1.03268114415746**0.5, "own3pl_3pl_prior": 1.0}


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.csv")


def items(name: str) -> Items:
    frame = table(f"{name}_items")
    guessing = "g" if "g" in frame else "c"  # as mirt calls it, as we do
    return Items(*(frame[column].to_numpy(np.float64) for column in ("a", "b", guessing)))


def right(dataset: str) -> pd.DataFrame:
    """1 and 0, NaN where not answered; learners by items q01, q02, ..."""
    return table(f"{dataset}_responses").filter(regex=r"^q\d+$").astype(np.float64)


def right_of_base_r(name: str) -> pd.DataFrame:
    """The answers to which `base_r_eap.csv` has the scores."""
    first = right(name.split("_", maxsplit=1)[0]).head(200)
    extremes = pd.DataFrame(np.outer([1.0, 0.0], np.ones(first.shape[1])), columns=first.columns)
    return pd.concat([first, extremes], ignore_index=True)


def base_r(name: str) -> pd.DataFrame:
    scores = table("base_r_eap")
    return scores[scores["fit"] == name].reset_index(drop=True)


def answers_of(frame: pd.DataFrame) -> ResponseMatrix:
    values = frame.to_numpy(np.float64)
    user, item = np.nonzero(~np.isnan(values))
    return ResponseMatrix(user, item, values[user, item].astype(np.int64), *values.shape)


def column(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(np.float64)


def log_likelihood(fit: str) -> float:
    """Of a fit as `fits.csv` calls it."""
    return float(table("fits").set_index("fit")["logLik"].to_dict()[fit])
