"""From answers to an item bank: which items enter, on which scale, under which version. Stays out: Dagster, storage.

A first bank sets the scale: ability is N(0, 1) among the learners it was calibrated from. With a bank in force, new
items are put on its scale by fixed-parameter calibration, and its items stay what they are (Kim 2006, A comparative
study of IRT fixed parameter calibration methods, Journal of Educational Measurement 43(4), 355-381); or all items are
calibrated anew and linked. Either way the items of both that moved are found first, and the scale does not rest on
them.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from assets.calibration.counted import Counted
from assets.calibration.fitting import Fitted, Fitting
from assets.calibration.sample import Chosen, LeftOut, sample
from resources.errors import InvalidInput
from resources.irt.calibration.drift import Drift, link_by_stable
from resources.irt.calibration.linking import Link
from resources.irt.response_functions import Items
from resources.model import Floats, Ints, ItemBank, Model


@dataclass(frozen=True)
class Calibrated:
    """A bank, and of each item, in its order: the covariance of a, b and c, shape (J, 3, 3), NaN where it is not known;
    how many answers it rests on, shape (J,); and when it was calibrated."""

    bank: ItemBank
    covariance: Floats
    n_answers: Ints
    fitted_at: Sequence[dt.datetime]


@dataclass(frozen=True)
class Linking:
    """How answers came onto the scale of the bank `to`, and which of the items of both, `anchors`, moved since.

    All in the anchors' order: `before` are their parameters in that bank, `after` by the new answers, on its scale.
    """

    to: str
    link: Link
    anchors: Sequence[str]
    before: Items
    after: Items
    drift: Drift


@dataclass(frozen=True)
class NewBank:
    """What a calibration made: a bank on the scale in force.

    `fitted` has the items that were calibrated; `link` leads from its scale to the bank's. `new_items` are those that
    the bank in force lacks; `kept_as_they_are` counts its items in the new one whose parameters did not change.
    """

    made: Calibrated
    fitted: Fitted
    link: Link
    linking: Linking | None
    new_items: Sequence[str]
    kept_as_they_are: int

    @property
    def to_save(self) -> bool:
        """Whether anything in it is new."""
        return bool(self.new_items) or not self.kept_as_they_are

    @property
    def left_out(self) -> LeftOut:
        return self.fitted.sample.left_out


def new_bank(
    answers: Counted,
    chosen: Chosen,
    fitting: Fitting,
    in_force: Calibrated | None,
    fitted_at: dt.datetime,
    *,
    all_items: bool = False,
) -> NewBank:
    """The bank of all items that the answers can calibrate. With one in force its items stay, unless `all_items`.

    Raises:
        InvalidInput: nothing can be calibrated, or not on one scale.
        NotConverged: the bank in force stays as it was.
    """
    model = fitting.model
    if in_force is None:
        first = fitting.fit(sample(answers, chosen))
        mean, sd = first.found.of_all()
        link = Link(1.0, -mean) if model == "Rasch" else Link(1 / sd, -mean / sd)
        return NewBank(
            _bank(first, link, model, fitted_at, answers.topics), first, link, None, first.sample.item_keys, 0
        )
    _check_model(in_force.bank, model, all_items=all_items)
    free = fitting.fit(sample(answers, chosen, in_force.bank.item_keys))
    linking = _linked(free, in_force, model)
    if all_items:
        made = _bank(free, linking.link, model, fitted_at, answers.topics)
        return NewBank(made, free, linking.link, linking, _lacking(free, in_force.bank), 0)
    fixed = _on_scale(free, in_force.bank, linking, fitting)
    added, unmoved = _lacking(fixed, in_force.bank), Link(1.0, 0.0)
    made = _together(in_force, _bank(fixed, unmoved, model, fitted_at, answers.topics, added), model, fitted_at)
    return NewBank(made, fixed, unmoved, linking, added, len(in_force.bank.item_keys))


def _lacking(of: Fitted, bank: ItemBank) -> list[str]:
    return [key for key in of.sample.item_keys if key not in bank.place]


def _check_model(in_force: ItemBank, model: Model, *, all_items: bool) -> None:
    if in_force.model == model:
        return
    if not all_items:
        raise InvalidInput(
            f"The bank in force, {in_force.version}, is of the {in_force.model}, and IRT_MODEL is {model}",
            remedy="to calibrate all its items under the other model: seedtest calibrate --all-items",
        )
    if model == "Rasch":
        raise InvalidInput(
            f"The bank in force, {in_force.version}, is of the {in_force.model}: no Rasch bank (a = 1) has its scale",
            remedy="IRT_MODEL=1PL is the same model on any scale.",
        )


def _linked(free: Fitted, in_force: Calibrated, model: Model) -> Linking:
    keys = free.sample.item_keys
    anchors = [key for key in keys if key in in_force.bank.place]
    common = np.searchsorted(np.array(keys), anchors)
    theirs = np.array([in_force.bank.place[key] for key in anchors], np.int64)
    before, ours = in_force.bank.items.at(theirs), free.found.items.at(common)
    link, moved = link_by_stable(
        before, ours, in_force.covariance[theirs], free.found.se.covariance[common], *free.found.of_all(),
        "mean-mean" if model in ("Rasch", "1PL") else "Stocking-Lord",
    )  # fmt: skip
    return Linking(in_force.bank.version, link, anchors, before, link.items(ours), moved)


def _on_scale(free: Fitted, bank: ItemBank, linking: Linking, fitting: Fitting) -> Fitted:
    """All groups and all items but the anchors that stand still, on the scale of these."""
    still = [key for key, used in zip(linking.anchors, linking.drift.used.tolist(), strict=True) if used]
    place = np.array([bank.place[key] for key in still], np.int64)
    ours = np.searchsorted(np.array(free.sample.item_keys), still)
    nothing = np.full(len(free.sample.item_keys), np.nan)
    known = Items(nothing.copy(), nothing.copy(), nothing.copy())
    known.a[ours], known.b[ours], known.c[ours] = bank.a[place], bank.b[place], bank.c[place]
    if fitting.model in ("Rasch", "1PL"):
        known.a[:] = bank.a[0]
    return fitting.fit(free.sample, known)


def _bank(
    of: Fitted,
    link: Link,
    model: Model,
    fitted_at: dt.datetime,
    topics: Mapping[str, str],
    some: Sequence[str] | None = None,
) -> Calibrated:
    """Of these items, or all, on the scale that `link` leads to."""
    keys = of.sample.item_keys if some is None else some
    index = np.searchsorted(np.array(of.sample.item_keys), np.array(keys, dtype=str))
    items = link.items(of.found.items.at(index))
    own = {key: topics[key] for key in keys if key in topics}
    bank = ItemBank(
        _version(model, fitted_at, items, keys), model, tuple(keys), items.a, items.b, items.c, own
    )  # fmt: skip
    covariance = link.covariances(of.found.se.covariance[index])
    return Calibrated(bank, covariance, of.found.n_answers[index], [fitted_at] * len(keys))


def _together(before: Calibrated, new: Calibrated, model: Model, fitted_at: dt.datetime) -> Calibrated:
    old, added = before.bank, new.bank
    keys = (*old.item_keys, *added.item_keys)
    items = Items(*(np.concatenate(pair) for pair in ((old.a, added.a), (old.b, added.b), (old.c, added.c))))
    bank = replace(
        added, version=_version(model, fitted_at, items, keys), item_keys=keys, a=items.a, b=items.b, c=items.c,
        topics={**added.topics, **old.topics},
    )  # fmt: skip
    return Calibrated(
        bank, np.concatenate([before.covariance, new.covariance]), np.concatenate([before.n_answers, new.n_answers]),
        [*before.fitted_at, *new.fitted_at],
    )  # fmt: skip


def _version(model: Model, fitted_at: dt.datetime, items: Items, item_keys: Sequence[str]) -> str:
    """The day and a hash of the content: the same calibration twice on one day is one bank."""
    digest = hashlib.sha256("\0".join(item_keys).encode())
    for parameter in (items.a, items.b, items.c):
        digest.update(parameter.tobytes())
    return f"{model.lower()}-{fitted_at:%Y-%m-%d}-{digest.hexdigest()[:8]}"
