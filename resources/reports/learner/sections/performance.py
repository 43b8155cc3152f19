"""What the level is called by the cut scores, and how sure that is."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from resources.irt import classification
from resources.irt.growth.change import CRITICAL_Z
from resources.reports.i18n.wording import Words
from resources.reports.learner.report_input import Level
from resources.reports.learner.scale import Scale

LIKELY = 2 / 3  # twice as probable as all other levels together; below that none is named as the learner's


@dataclass(frozen=True)
class Performance:
    """`sureness` is "sure" where the 95 % interval holds no cut score, "likely" where the level that the estimate lies
    in has a probability of LIKELY, else "open". `told` is that in a few words, `name` the level of the estimate, and
    `chances` the probabilities of all levels that the interval reaches.
    """

    sureness: Literal["sure", "likely", "open"]
    told: str
    name: str
    chances: str


def performance(words: Words, level: Level, scale: Scale) -> Performance | None:
    """None without cut scores."""
    if scale.cuts is None:
        return None
    cuts, names = scale.theta_cuts, scale.cuts.names
    margin = CRITICAL_Z * level.se
    low, own, high = classification.levels(level.theta + np.array([-margin, 0, margin]), cuts).tolist()
    chance = classification.level_probabilities(np.array([level.theta]), np.array([level.se]), cuts)[0].tolist()
    sureness: Literal["sure", "likely", "open"]
    if low == high:
        sureness, told = "sure", names[own]
    elif chance[own] >= LIKELY:
        sureness, told = "likely", words.text("most likely {name}", name=names[own])
    else:
        sureness, told = "open", words.text("{low} to {high}", low=names[low], high=names[high])
    chances = ", ".join(f"{names[k]} ({words.percent(chance[k])})" for k in range(low, high + 1))
    return Performance(sureness, told, names[own], chances)
