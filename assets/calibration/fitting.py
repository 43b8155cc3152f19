"""The rounds of a calibration: what cannot enter a bank goes, and the rest is fitted again until nothing changes.

An item with a wrong key, or one that is another's double, bends the curves of all that were fitted beside it.
"""

from dataclasses import dataclass

import numpy as np

from assets.calibration.sample import MIN_ITEMS, Sample
from resources.errors import InvalidInput, NotConverged
from resources.irt.calibration.calibrate import Calibration, calibrate
from resources.irt.calibration.em import Progress as Tell
from resources.irt.calibration.m_step import ItemPriors
from resources.irt.calibration.screening import after_calibration
from resources.irt.calibration.standard_errors import Method
from resources.irt.diagnostics.capture import without_capture
from resources.irt.diagnostics.local_dependence import local_dependence
from resources.irt.diagnostics.predictions import predict
from resources.irt.eap import eap
from resources.irt.response_functions import Items
from resources.model import Floats, Model
from resources.progress import Progress

MAX_CYCLES = 2_000
# Fewer leave errors of a parameter that are as large as what tells items apart: below the first number no bank is made,
# below the second it is said. Sources: Linacre (1994) for Rasch; Drasgow (1989), Harwell & Janosky (1991) for the 2PL;
# Hulin, Lissak & Drasgow (1982) for the 3PL.
LEAST: dict[Model, int] = {"Rasch": 50, "1PL": 50, "2PL": 100, "3PL": 250}
ADVISED: dict[Model, int] = {"Rasch": 100, "1PL": 100, "2PL": 250, "3PL": 1_000}


@dataclass(frozen=True)
class Fitted:
    """A calibration and the sample of just its items."""

    sample: Sample
    found: Calibration

    @property
    def prior(self) -> tuple[Floats, Floats]:
        """Mean and SD of each unit's group, of shape (n_units,)."""
        of = self.sample.group_of
        return self.found.group_mean[of], self.found.group_sd[of]


@dataclass(frozen=True)
class Fitting:
    """How items are fitted: under which model, and with which `priors` (None: those of `calibrate`)."""

    model: Model
    progress: Progress
    priors: ItemPriors | None = None

    def fit(self, sample: Sample, known: Items | None = None) -> Fitted:
        """`known`, in the order of the sample's items, as `calibrate` has it; then all groups are free.

        Raises:
            InvalidInput: too few learners or items. NotConverged.
        """
        if sample.learners < LEAST[self.model]:
            raise InvalidInput(
                f"{sample.learners} learners are too few to calibrate under the {self.model}: it takes "
                f"{LEAST[self.model]}, and {ADVISED[self.model]} for a bank to rely on.",
                remedy="Ingest more answers first (seedtest ingest FILE), or set IRT_MODEL to a simpler one.",
                outcome="No bank was made.",
            )
        while True:
            found = self._run(sample, known)
            if doubles := self._doubles(sample, found, known):
                single = np.array([j for j in range(len(sample.item_keys)) if j not in doubles], np.int64)
                sample = sample.only(single, tuple((sample.item_keys[j], why) for j, why in doubles.items()))
                known = known.at(single) if known else None
                continue
            screening = after_calibration(found)
            if screening.kept.all():
                return Fitted(sample, found)
            if screening.kept.sum() < MIN_ITEMS:
                raise InvalidInput(
                    f"Fewer than {MIN_ITEMS} items can be calibrated; the others came out useless, such as "
                    f"{sample.item_keys[screening.left_out[0][0]]}: {screening.left_out[0][1]}.",
                    outcome="The bank in force stays as it was.",
                )
            kept = np.flatnonzero(screening.kept)
            sample = sample.only(kept, tuple((sample.item_keys[j], why) for j, why in screening.left_out))
            known = known.at(kept) if known else None

    def _doubles(self, sample: Sample, found: Calibration, known: Items | None) -> dict[int, str]:
        """Items that are another one's double, and took the ability over with it: all but that of the most answers."""

        made = found

        def refit(held: Items) -> Items:
            nonlocal made
            made = self._calibrate(sample, _merged(known, held) if known else held, se_method="none")
            return made.items

        items = without_capture(found.items, refit)
        if made is found:
            return {}
        fitted = Fitted(sample, made)
        predictions = predict(sample.answers, items, *fitted.prior)
        theta = eap(sample.answers, items, *fitted.prior).mean
        doubles = dict[int, str]()
        for bundle in local_dependence(sample.answers, items, theta, predictions).bundles:
            kept = max(bundle, key=lambda j: (found.n_answers[j], -j))
            why = f"its answers are those of {sample.item_keys[kept]}, as if they were one question"
            doubles |= {j: why for j in bundle if j != kept}
        return doubles

    def _run(self, sample: Sample, known: Items | None) -> Calibration:
        def tell(cycle: int, log_posterior: float, largest_change: float) -> None:
            self.progress("calibration cycles (at most)", cycle, MAX_CYCLES)

        found = self._calibrate(sample, known, progress=tell)
        if not found.converged:
            raise NotConverged(
                f"The calibration did not converge: after {found.cycles} cycles a parameter still moves by "
                f"{found.largest_change:.1e}.",
                remedy="What helps is more answers to the items that have the fewest.",
                outcome="The bank in force stays as it was.",
            )
        return found

    def _calibrate(
        self, sample: Sample, known: Items | None, se_method: Method | None = None, progress: Tell | None = None
    ) -> Calibration:
        return calibrate(
            sample.answers, self.model, known=known, priors=self.priors, group_of=sample.group_of,
            group="estimate mean and sd" if known and np.isfinite(known.b).any() else None,
            max_cycles=MAX_CYCLES, se_method=se_method, progress=progress,
        )  # fmt: skip


def _merged(known: Items, held: Items) -> Items:
    """What is known, and where nothing is, what is held."""
    pairs = ((known.a, held.a), (known.b, held.b), (known.c, held.c))
    return Items(*(np.where(np.isnan(first), second, first) for first, second in pairs))
