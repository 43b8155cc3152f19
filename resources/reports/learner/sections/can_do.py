"""What learners of this level can do: in which topics they answer most questions right, and in which few.

A question is mastered at a level from which two answers in three are right, as where standards are set by bookmarks
(RP67: Mitzel, Lewis, Patz & Green, 2001, The bookmark procedure, in Setting performance standards). It says what the
level means, and not how this learner did in a topic: `topics` does.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resources.irt.response_functions import probability
from resources.model import Floats
from resources.reports.document.foreign import Foreign, foreign
from resources.reports.i18n.wording import Words, name
from resources.reports.learner.report_input import ReportInput

MASTERED = 2 / 3  # of a right answer
MOST, FEW = 2 / 3, 1 / 3  # of a topic's questions
MIN_QUESTIONS = 6  # in the bank; a third of fewer is one question
NAMED = 8  # topics of a kind


@dataclass(frozen=True)
class CanDo:
    """Names of topics of which most of the bank's questions are mastered, some, and few."""

    most: Sequence[str | Foreign]
    some: Sequence[str | Foreign]
    few: Sequence[str | Foreign]


def can_do(words: Words, given: ReportInput) -> CanDo | None:
    """Only topics of which the same is to be said an SE below and above the level. None without a level, or where the
    same would be said of all topics, which says no more than the level."""
    if given.level is None:
        return None
    places: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(given.bank.item_keys):
        if topic := given.topic_of(key):
            places[topic].append(place)
    around = given.level.theta + given.level.se * np.array([-1.0, 0.0, 1.0])
    mastered = probability(given.bank.items, around) >= MASTERED
    kinds: dict[str, list[tuple[float, str]]] = {"most": [], "some": [], "few": []}
    for topic, of in places.items():
        share = mastered[of].mean(axis=0)
        if len(of) >= MIN_QUESTIONS and (kind := _kind(share)):
            kinds[kind].append((-float(share[1]), topic))
    if sum(map(bool, kinds.values())) < 2:
        return None
    return CanDo(
        **{
            kind: [foreign(name(topic), words.language) for _, topic in sorted(found)[:NAMED]]
            for kind, found in kinds.items()
        }
    )


def _kind(share: Floats) -> str | None:
    """None where it differs within an SE."""
    least, _, most = share
    if least >= MOST:
        return "most"
    if most < FEW:
        return "few"
    return "some" if least >= FEW and most < MOST else None
