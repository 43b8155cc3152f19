"""What a psychometrician asks of a calibration: do items fit, do they depend on each other, is it one thing that they
measure, alike for all? Stays out: Dagster, and what is done about it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from assets.calibration.fitting import Fitted
from resources.irt.calibration.calibrate import GUESSING_PRIOR
from resources.irt.calibration.m_step import ItemPriors
from resources.irt.diagnostics.dif import Dif, dif, group_priors
from resources.irt.diagnostics.dimensionality import Dimensionality, dimensionality
from resources.irt.diagnostics.estimated import Estimated, estimated
from resources.irt.diagnostics.item_fit import ItemFit, item_fit
from resources.irt.diagnostics.local_dependence import LocalDependence, local_dependence
from resources.irt.diagnostics.pairs import pairs
from resources.irt.diagnostics.predictions import predict
from resources.irt.diagnostics.topics import ByTopic, by_topic
from resources.irt.eap import eap
from resources.model import Model

MOST_UNITS = 20_000  # more tell the same, and take longer
PAIRED_ITEMS = 2_000  # of every two of them there is a number: 32 MB
SIMULATED_UNITS = 2_000  # of 19 replications
SEED = 1


@dataclass(frozen=True)
class Diagnosis:
    """Of a calibration's items, in its order. `dependence`, `dimensions` and `topics` are None where there are more
    items than PAIRED_ITEMS, `topics` also without two topics. `dif` is by the name of the focal group, against
    `reference`."""

    fit: ItemFit
    dependence: LocalDependence | None
    dimensions: Dimensionality | None
    topics: ByTopic | None
    reference: str
    dif: Mapping[str, Dif]


def diagnose(of: Fitted, model: Model, priors: ItemPriors | None, topics: Mapping[str, str]) -> Diagnosis:
    """`priors` as they were in the calibration; `topics` by item. DIF is looked for between populations (not times)."""
    of = _some(of, MOST_UNITS)
    answers, items = of.sample.answers, of.found.items
    mean, sd = of.prior
    predictions = predict(answers, items, mean, sd)
    assumed = _estimated(of, model, priors)
    dependence = dimensions = by = None
    if answers.n_items <= PAIRED_ITEMS:
        dependence = local_dependence(answers, items, eap(answers, items, mean, sd).mean, predictions)
        names, code = np.unique([topics.get(key, "") for key in of.sample.item_keys], return_inverse=True)
        if names.size > 1:
            by = by_topic(pairs(answers, predictions), code.astype(np.int64))
        few = _some(of, SIMULATED_UNITS)
        dimensions = dimensionality(
            few.sample.answers, items, predict(few.sample.answers, items, *few.prior),
            np.random.default_rng(SEED), *few.prior,
        )  # fmt: skip
    reference, by_group = _dif(of, assumed)
    return Diagnosis(item_fit(answers, predictions, assumed), dependence, dimensions, by, reference, by_group)


def _estimated(of: Fitted, model: Model, priors: ItemPriors | None) -> Estimated:
    free = np.outer(~of.found.known, {
        "Rasch": [False, True, False], "1PL": [False, True, False], "2PL": [True, True, False], "3PL": [True] * 3,
    }[model])  # fmt: skip
    return estimated(of.found.items, free, priors or (GUESSING_PRIOR if model == "3PL" else None))


def _dif(of: Fitted, assumed: Estimated) -> tuple[str, dict[str, Dif]]:
    """Of every population with units against the largest."""
    sample, grouping = of.sample, of.sample.grouping
    there = np.unique(sample.answers.user)
    size = np.bincount(grouping.population[there], minlength=len(grouping.populations))
    reference = int(size.argmax())
    found = dict[str, Dif]()
    for focal in np.flatnonzero(size):
        if focal != reference:
            group = np.full(sample.answers.n_users, -1)
            group[grouping.population == reference], group[grouping.population == focal] = 0, 1
            predictions = predict(sample.answers, of.found.items, *group_priors(sample.answers, of.found.items, group))
            found[grouping.populations[focal]] = dif(sample.answers, of.found.items, predictions, assumed, group)
    return grouping.populations[reference], found


def _some(of: Fitted, n: int) -> Fitted:
    """The same with no more than n units, evenly chosen."""
    answers = of.sample.answers
    there = np.unique(answers.user)
    if there.size <= n:
        return of
    chosen = np.zeros(answers.n_users, dtype=bool)
    chosen[there[np.linspace(0, there.size - 1, n).astype(np.int64)]] = True
    return Fitted(of.sample.rows(np.flatnonzero(chosen[answers.user])), of.found)
