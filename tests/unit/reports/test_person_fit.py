import math
from dataclasses import replace

import numpy as np
import pytest

from docs.sample_learner import LEVEL, answers, given
from resources.answers.answers import Answers
from resources.irt import fit
from resources.irt.response_matrix import ResponseMatrix
from resources.model import ItemBank
from resources.reports.learner.person_fit import MIN_ANSWERS, PersonFit, person_fit

N = 60
RANDOM = np.random.default_rng(5)
BANK_3PL = ItemBank(
    "v", "3PL", tuple(f"q{j}" for j in range(N)),
    RANDOM.uniform(0.4, 2.5, N), RANDOM.normal(0, 1.5, N), RANDOM.uniform(0, 0.3, N),
)  # fmt: skip


def fit_of(practised: Answers, bank: ItemBank, theta: float) -> PersonFit | None:
    return person_fit(given(level=replace(LEVEL, theta=theta), practised=practised, bank=bank))


def test_person_fit_is_the_lz_star_of_the_first_scored_answers() -> None:
    correct = (RANDOM.random(N) < 0.5).tolist()
    found = fit_of(answers([*correct, True], items=[*BANK_3PL.item_keys, "unknown"]), BANK_3PL, theta=0.2)
    assert found is not None
    matrix = ResponseMatrix(np.zeros(N, int), np.arange(N), np.array(correct, int), 1, N)
    assert found.n == N
    assert found.lz_star == pytest.approx(fit.lz_star(matrix, BANK_3PL.items, np.array([0.2]))[0], abs=1e-10)


def test_the_most_aberrant_learner_was_said_to_have_too_few_answers() -> None:
    """An item far too easy, answered wrong: its chance rounds to 1, and the log of what is left was -inf."""
    easy = ItemBank(
        "v", "2PL", tuple(f"q{j}" for j in range(25)),
        np.array([5.0] + [1.0] * 24), np.array([-8.0, *np.linspace(-2, 2, 24)]), np.zeros(25),
    )  # fmt: skip
    found = fit_of(answers([False, *[False, True] * 12], items=easy.item_keys), easy, theta=0.5)
    assert found is not None
    assert found.lz_star == pytest.approx(-22.675, abs=0.005)


def test_too_few_answers_and_answers_that_cannot_surprise_are_two_things() -> None:
    assert fit_of(answers([True] * (MIN_ANSWERS - 1)), BANK_3PL, 0.0) is None
    assert fit_of(answers([True] * MIN_ANSWERS), BANK_3PL, 0.0) is not None
    far_too_easy = ItemBank("v", "2PL", BANK_3PL.item_keys, np.full(N, 2.0), np.full(N, -400.0), np.zeros(N))
    found = fit_of(answers([True] * N), far_too_easy, 0.0)
    assert found is not None
    assert math.isnan(found.lz_star)
