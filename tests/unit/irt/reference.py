"""Results made elsewhere (R mirt, equateIRT) on sets that may not be copied here; `own_sets` has those that may."""

import numpy as np
import pandas as pd

from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import ResponseMatrix
from tests.beside import beside

# Sets with scores of every response pattern under calibrated items: name of the set, name of its item file.
SCORED_SETS = ("lsat6_2pl", "lsat7_2pl", "sat12_2pl", "lsat7_3pl_c020", "sat12_3pl_prior", "lsat6_rasch", "lsat7_rasch",
               "sat12_rasch")  # fmt: skip


def read(name: str) -> pd.DataFrame:
    """One reference file; the test is skipped where the reference results are not beside the checkout."""
    return pd.read_csv(beside("reference", name))


def items(name: str) -> Items:
    frame = read(f"{name}_items.csv")
    return Items(*(frame[column].to_numpy(np.float64) for column in ("a", "b", "c")))


def fit(name: str, column: str) -> float:
    """One figure of a calibration such as lsat6_rasch, from `fits_summary.csv`."""
    dataset, model = name.split("_", 1)
    return float(read("fits_summary.csv").set_index(["dataset", "model"])[column].to_dict()[dataset, model])


def group_sd(name: str) -> float:
    """SD of ability in a set's calibration: 1 unless the model is Rasch."""
    return float(np.sqrt(fit(name, "group_var")))


def patterns(scores: pd.DataFrame) -> ResponseMatrix:
    """One user per row, from the columns i1, i2, ...; blank is not answered."""
    right = scores.filter(regex=r"^i\d+$").to_numpy(np.float64)
    user, item = np.nonzero(~np.isnan(right))
    return ResponseMatrix(user, item, right[user, item].astype(np.int64), *right.shape)


def column(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(np.float64)
