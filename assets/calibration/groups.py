"""Which learners are taken to be of one population: by exam or as told, and by time where there are enough."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resources.irt.response_matrix import ResponseMatrix
from resources.model import Ints

MIN_GROUP = 200  # units: below it a mean has a standard error of .1 and more, and they join others


@dataclass(frozen=True)
class Groups:
    """Each unit's group, `of`, and its population, whose part of a time that is; both index their names and have shape
    (n_units,). The largest group comes first."""

    of: Ints
    names: tuple[str, ...]
    population: Ints
    populations: tuple[str, ...]


def grouped(
    units: ResponseMatrix, period: Ints, exam: Ints, exams: Sequence[str], told: Sequence[str] | None
) -> Groups:
    """The groups of these units.

    `period`, shape (n_units,), ascends with time; `exam`, shape (n_answers,), indexes `exams`. A unit belongs to the
    exam of most of its answers, or to what is `told` of it, shape (n_units,). What is smaller than MIN_GROUP joins the
    largest; within each, periods are put together until they are as large.
    """
    if told is None:
        of, names = _of_most(units.user, exam, units.n_users, len(exams)), list(exams)
    else:
        unique, of = np.unique(told, return_inverse=True)
        names = unique.tolist()
    size = np.bincount(of, minlength=len(names))
    large = size >= MIN_GROUP
    of = np.where(large[of], of, size.argmax())
    label, labels = np.zeros(units.n_users, np.int64), list[str]()
    for group in np.unique(of).tolist():
        own = np.flatnonzero(of == group)
        part = _enough(np.bincount(period[own]))[period[own]]
        label[own] = len(labels) + part
        n = int(part.max()) + 1
        labels += [names[group] if n == 1 else f"{names[group]}, time {k + 1} of {n}" for k in range(n)]
    order = np.argsort(-np.bincount(label), kind="stable")
    rank = np.argsort(order)
    return Groups(rank[label], tuple(labels[k] for k in order), of, tuple(names))


def _of_most(unit: Ints, exam: Ints, n_units: int, n_exams: int) -> Ints:
    """The exam of most answers of each unit, of equals the first."""
    pair, n = np.unique(unit * n_exams + exam, return_counts=True)
    order = np.lexsort((pair, -n, pair // n_exams))
    return np.asarray((pair[order] % n_exams)[np.unique(pair[order] // n_exams, return_index=True)[1]], np.int64)


def _enough(size: Ints) -> Ints:
    """Neighbouring periods put together until MIN_GROUP units are in each part: the part of each period."""
    part, n, inside = np.zeros(size.size, np.int64), 0, 0
    for k, units in enumerate(size.tolist()):
        part[k] = n
        inside += units
        if inside >= MIN_GROUP:
            n, inside = n + 1, 0
    return np.minimum(part, max(n - 1, 0))  # what is left over joins the part before
