"""The bodies of POST /irt/score/batch: a line of JSON and CSV out, CSV back, with users and items as whole numbers."""

import io
import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyarrow import csv

from resources.errors import EstimatorUnavailable
from resources.model import Floats, Ints, ItemBank, Prior, Priors

COLUMNS = {"user": pa.int64(), "theta": pa.float64(), "se": pa.float64(), "n_items": pa.int64()}
_HERE = csv.ReadOptions(use_threads=False)  # to begin threads takes longer than an answer about one learner


@dataclass(frozen=True)
class Batch:
    """Scorable responses of whole users, sorted by user.

    `user` (an index that means something to the caller), `item` (index into the bank) and `correct` (0 or 1) have
    shape (m,); `users`, ascending, and the number of responses of each, `n_items`, have shape (n_users,).
    """

    user: Ints
    item: Ints
    correct: Ints
    users: Ints
    n_items: Ints


def encode(batch: Batch, bank: ItemBank, prior: Prior | Priors) -> bytes:
    """The request's body, with the parameters of the items that occur in it."""
    parameters = {
        str(j): {"a": bank.a[j].item(), "b": bank.b[j].item(), "c": bank.c[j].item()}
        for j in np.flatnonzero(np.bincount(batch.item)).tolist()
    }
    head = {"item_params": parameters, "prior": _prior(prior, batch.users)}
    body = io.BytesIO()
    body.write(json.dumps(head).encode() + b"\n")
    columns = {"user": pa.array(batch.user), "item": pa.array(batch.item), "correct": pa.array(batch.correct)}
    csv.write_csv(pa.table(columns), body)
    return body.getvalue()


def _prior(prior: Prior | Priors, users: Ints) -> dict[str, object]:
    """One number each, or as many as there are users, in their order."""
    if isinstance(prior, Prior):
        return {"mean": prior.mean, "sd": prior.sd}
    return {"mean": prior.mean[users].tolist(), "sd": prior.sd[users].tolist()}


def decode(answer: bytes, batch: Batch) -> tuple[Floats, Floats]:
    """theta and se, each of shape (n_users,), in the order of `batch.users`.

    Raises:
        EstimatorUnavailable: the answer is not exactly one sound estimate for each user that was asked about.
    """
    try:
        table = csv.read_csv(io.BytesIO(answer), _HERE, convert_options=csv.ConvertOptions(column_types=COLUMNS))
        found = {name: table[name].to_numpy() for name in COLUMNS}
    except (pa.ArrowException, KeyError) as error:
        raise _unsound("it is not the expected CSV") from error
    if len(table) != len(batch.users):
        raise _unsound(f"{len(batch.users)} users were asked about, {len(table)} answered")
    if not np.array_equal(found["user"], batch.users):
        raise _unsound("it speaks of other users, or in another order")
    if not np.array_equal(found["n_items"], batch.n_items):
        raise _unsound("it does not rest on all the responses that were sent")
    theta, se = found["theta"], found["se"]
    if not (np.isfinite(theta).all() and np.isfinite(se).all() and (se > 0).all()):
        raise _unsound("a theta is not finite, or a standard error not above 0")
    return theta, se


def _unsound(why: str) -> EstimatorUnavailable:
    return EstimatorUnavailable(
        f"The answer of r-irt-plumber cannot be used: {why}.", outcome="Nothing of it was taken."
    )
