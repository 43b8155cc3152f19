"""Responses from a frame, for tests that score without the pipeline's own reading of attempts."""

import numpy as np
import pandas as pd

from resources.model import Responses


def responses(frame: pd.DataFrame) -> Responses:
    """From columns user_id, item_key and correct (nullable boolean); users and items in order of appearance."""
    user, user_ids = pd.factorize(frame["user_id"])
    item, item_keys = pd.factorize(frame["item_key"])
    return Responses(
        tuple(user_ids), tuple(item_keys), user.astype(np.int64), item.astype(np.int64),
        frame["correct"].to_numpy(np.float64, na_value=np.nan),
    )  # fmt: skip
