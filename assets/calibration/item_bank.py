"""From answers to an item bank: which items enter, on which scale, under which version. Stays out: Dagster, storage.

A first bank sets the scale: ability is N(0, 1) among the learners it was calibrated from. Every later one is linked to
the bank in force through the items that both have, so that nobody's theta moves because the bank was renewed.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resources.answers.answers import Answers, ascending
from resources.answers.counting import counting
from resources.errors import InvalidInput, NotConverged
from resources.irt.calibration.calibrate import Calibration, calibrate
from resources.irt.calibration.linking import Drift, Link, drift, link
from resources.irt.calibration.screening import after_calibration, before_calibration
from resources.irt.response_functions import Items
from resources.irt.response_matrix import ResponseMatrix
from resources.model import ItemBank, Model
from resources.progress import Progress

MAX_CYCLES = 2_000
# Kolen & Brennan advise a fifth of the test and no less than 20; below 5 a single odd item decides the scale.
MIN_ANCHORS = 5


@dataclass(frozen=True)
class Linking:
    """How the new bank came onto the scale of `to`; `anchors` are the items of both, all else is in their order.

    `used`, shape (n_anchors,), marks those that the link rests on: the stable ones, or all where too few were stable.
    `before` are the anchors' parameters in the bank in force, `after` in the new one, linked.
    """

    to: str
    link: Link
    anchors: Sequence[str]
    used: NDArray[np.bool_]
    before: Items
    after: Items
    drift: Drift


@dataclass(frozen=True)
class NewBank:
    """A calibrated bank on the scale in force.

    `calibration` is on its own scale and has the items of `answers`; `kept`, shape (n_items,), marks those in the bank.
    """

    bank: ItemBank
    calibration: Calibration
    answers: ResponseMatrix
    kept: NDArray[np.bool_]
    linking: Linking | None
    left_out: Sequence[tuple[str, str]]


def new_bank(
    answers: Answers, model: Model, in_force: ItemBank | None, fitted_at: dt.datetime, progress: Progress
) -> NewBank:
    """The bank of all items that `answers` can calibrate, by each learner's first attempt at each item.

    `left_out` names every other item with its reason.

    Raises:
        InvalidInput: no item can be calibrated, or too few are common with the bank in force to find its scale.
        NotConverged: the bank in force stays as it was.
    """
    answers = answers.take(counting(answers))
    matrix, item_keys, left_out = _screened(answers)
    found = _calibrated(matrix, model, progress)
    after = after_calibration(found)
    left_out += [(item_keys[j], reason) for j, reason in after.left_out]
    if not after.kept.any():
        raise InvalidInput(
            f"No item can be calibrated: all {len(item_keys)} came out useless, such as "
            f"{left_out[-1][0]}: {left_out[-1][1]}.",
            outcome="The bank in force stays as it was.",
        )
    keys = [key for key, kept in zip(item_keys, after.kept, strict=True) if kept]
    items = found.items.at(np.flatnonzero(after.kept))
    linking = _linked(keys, items, in_force) if in_force else None
    if linking:
        items = linking.link.items(items)
    version = _version(model, fitted_at, items, keys)
    bank = ItemBank(version, model, tuple(keys), items.a, items.b, items.c, _topics(answers, keys))
    return NewBank(bank, found, matrix, after.kept, linking, sorted(left_out))


def _topics(answers: Answers, keys: Sequence[str]) -> dict[str, str]:
    """The topic under which an item was answered most often, of equals the first by name; none for items without."""
    named = answers.topic >= 0
    pairs, n = np.unique(np.stack([answers.item[named], answers.topic[named]]), axis=1, return_counts=True)
    wanted, topics = set(keys), dict[str, str]()
    by_count = sorted(
        zip(n.tolist(), *pairs.tolist(), strict=True), key=lambda row: (-row[0], answers.topic_ids[row[2]])
    )
    for _, item, topic in by_count:
        if (key := answers.item_keys[item]) in wanted:
            topics.setdefault(key, answers.topic_ids[topic])
    return topics


def _screened(answers: Answers) -> tuple[ResponseMatrix, list[str], list[tuple[str, str]]]:
    """What can be calibrated: the matrix of answers, its items in ascending order, and who stays out and why."""
    answered = answers.take(~np.isnan(answers.correct))
    kept_items, place = np.unique(answered.item, return_inverse=True)
    item, keys = ascending(place, [answers.item_keys[j] for j in kept_items])
    _, user = np.unique(answered.user, return_inverse=True)
    n_users = int(user.max(initial=-1)) + 1
    whole = ResponseMatrix(user, item, answered.correct.astype(np.int64), n_users, len(keys))
    screening = before_calibration(whole)
    if not screening.kept.any():
        raise InvalidInput(
            f"No item can be calibrated: of {len(keys)} items with answers none has enough of them, right and wrong.",
            remedy="Ingest more answers first: seedtest ingest FILE",
        )
    place = np.cumsum(screening.kept) - 1
    rows = screening.kept[item]
    kept_users, users = np.unique(user[rows], return_inverse=True)
    matrix = ResponseMatrix(users, place[item[rows]], whole.correct[rows], kept_users.size, int(screening.kept.sum()))
    left_out = [(keys[j], reason) for j, reason in screening.left_out]
    return matrix, [key for key, kept in zip(keys, screening.kept, strict=True) if kept], left_out


def _calibrated(matrix: ResponseMatrix, model: Model, progress: Progress) -> Calibration:
    def tell(cycle: int, log_posterior: float, largest_change: float) -> None:
        progress("calibration cycles (at most)", cycle, MAX_CYCLES)

    found = calibrate(matrix, model, max_cycles=MAX_CYCLES, progress=tell)
    if not found.converged:
        raise NotConverged(
            f"The calibration did not converge: after {found.cycles} cycles a parameter still moves by "
            f"{found.largest_change:.1e}.",
            remedy="What helps is more answers to the items that have the fewest.",
            outcome="The bank in force stays as it was.",
        )
    return found


def _linked(keys: Sequence[str], items: Items, in_force: ItemBank) -> Linking:
    """By Stocking-Lord, once through all common items and once more without those that moved."""
    place = {key: j for j, key in enumerate(in_force.item_keys)}
    common = np.array([key in place for key in keys])
    anchors = [key for key in keys if key in place]
    if len(anchors) < MIN_ANCHORS:
        raise InvalidInput(
            f"Only {len(anchors)} items are also in the bank in force, {in_force.version}, and "
            f"{MIN_ANCHORS} are needed to find its scale.",
            remedy="Calibrate when enough of its items were answered again.",
        )
    theirs = np.array([place[key] for key in anchors])
    before = in_force.items.at(theirs)
    ours = items.at(np.flatnonzero(common))
    first = drift(ours, before, link(ours, before))
    used = first.stable if first.stable.sum() >= MIN_ANCHORS else np.ones_like(first.stable)
    by = link(ours.at(np.flatnonzero(used)), before.at(np.flatnonzero(used)))
    return Linking(in_force.version, by, anchors, used, before, by.items(ours), drift(ours, before, by))


def _version(model: Model, fitted_at: dt.datetime, items: Items, item_keys: Sequence[str]) -> str:
    """The day and a hash of the content: the same calibration twice on one day is one bank."""
    digest = hashlib.sha256("\0".join(item_keys).encode())
    for parameter in (items.a, items.b, items.c):
        digest.update(parameter.tobytes())
    return f"{model.lower()}-{fitted_at:%Y-%m-%d}-{digest.hexdigest()[:8]}"
