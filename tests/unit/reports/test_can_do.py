"""What a level means, by topic: from chances of two in three, where the margin leaves no doubt."""

from dataclasses import replace

import numpy as np

from docs.sample_learner import BANK, ENGLISH, LEVEL, given
from resources.model import ItemBank, ItemCatalogue, ItemDetails
from resources.reports.learner.sections.can_do import can_do

TOPICS = {"Easy": -2.5, "Middle": 0.0, "Hard": 2.5, "Rare": -2.5}
KEYS = [(topic, j) for topic in TOPICS for j in range(3 if topic == "Rare" else 9)]
SPREAD = ItemBank(
    "b", "2PL", tuple(f"{topic}{j}" for topic, j in KEYS), np.full(len(KEYS), 1.5),
    np.array([TOPICS[topic] + (j - 4) / 8 for topic, j in KEYS]), np.zeros(len(KEYS)),
    {f"{topic}{j}": topic for topic, j in KEYS},
)  # fmt: skip


def at(theta: float, se: float = 0.05):
    return given(bank=SPREAD, level=replace(LEVEL, theta=theta, se=se))


def test_topics_stand_where_two_answers_in_three_are_right() -> None:
    """The middle question of a topic is mastered log(2) / 1.5 = .46 logits above its difficulty."""
    found = can_do(ENGLISH, at(0.46))
    assert found
    assert (found.most, found.some, found.few) == (["Easy"], ["Middle"], ["Hard"])
    found = can_do(ENGLISH, at(1.2))
    assert found
    assert (found.most, found.some, found.few) == (["Easy", "Middle"], [], ["Hard"])


def test_what_the_margin_leaves_open_is_not_told_and_nothing_where_all_topics_are_alike() -> None:
    found = can_do(ENGLISH, at(0.46, se=0.4))
    assert found
    assert (found.most, found.some, found.few) == (["Easy"], [], ["Hard"])
    assert can_do(ENGLISH, at(6.0)) is None
    assert can_do(ENGLISH, given(level=None)) is None
    assert can_do(ENGLISH, given(bank=BANK)) is None, "a bank that knows no topic"


def test_the_file_of_items_goes_before_the_bank() -> None:
    told = ItemCatalogue({f"Hard{j}": ItemDetails(topic="비율") for j in range(9)})
    found = can_do(ENGLISH, replace(at(0.46), items=told))
    assert found
    assert [str(topic) for topic in found.few] == ["비율"]
