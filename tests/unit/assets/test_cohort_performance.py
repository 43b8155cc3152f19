import numpy as np
import pandas as pd
import pytest

from assets.cohort import performance
from docs.sample_learner import BANK, CUTS
from resources.irt import classification
from resources.reports.learner.scale import Scale

SCALE = Scale(cuts=CUTS)  # below 400, to 600, from there up: theta -1 and 1
OWN = pd.DataFrame({"theta": [-2.0, -1.0, 0.0, 0.9, 1.5], "se": [0.3, 0.3, 0.3, 0.3, 0.3]})


def test_learners_by_level_those_for_certain_and_the_expected_number():
    made = performance.level_counts(OWN, SCALE)
    assert made["level"].tolist() == ["Basic", "Proficient", "Advanced"]
    np.testing.assert_array_equal(made["from"], [np.nan, 400, 600])
    np.testing.assert_array_equal(made["to"], [400, 600, np.nan])
    assert made["n"].tolist() == [1, 3, 1]  # at the cut score the level above it begins
    assert made["sure"].tolist() == [1, 1, 0]  # 1.96 × .3 = .588
    assert made["expected"].sum() == pytest.approx(5)
    # Phi(10/3) + 1/2 + Phi(-10/3) + Phi(-19/3) + ...: of the first two learners all but .0004 and a half
    assert made["expected"][0] == pytest.approx(0.999571 + 0.5 + 0.000429, abs=1e-5)


def test_decisions_have_a_row_for_all_levels_and_one_for_each_cut_score():
    made = performance.decisions(OWN, SCALE, BANK)
    np.testing.assert_array_equal(made["cut"], [np.nan, 400, 600])
    theta, se = OWN["theta"].to_numpy(), OWN["se"].to_numpy()
    own = classification.rudner(theta, se, np.array([-1.0, 1.0]))
    assert made["accuracy"].tolist() == [own.accuracy, *own.accuracy_at]
    assert made["consistency"].tolist() == [own.consistency, *own.consistency_at]
    bank = classification.lee(BANK.items, np.array([-1.0, 1.0]), -0.12, np.sqrt(theta.var(ddof=1) + 0.09))
    assert made["bank_accuracy"].tolist() == pytest.approx([bank.accuracy, *bank.accuracy_at])
    assert made["bank_consistency"].tolist() == pytest.approx([bank.consistency, *bank.consistency_at])


def test_one_learner_is_no_group_to_decide_on():
    made = performance.decisions(OWN.head(1), SCALE, BANK)
    assert made.drop(columns="cut").isna().all(axis=None)


def test_without_cut_scores_the_tables_are_empty():
    counts, decided = performance.level_counts(OWN, Scale()), performance.decisions(OWN, Scale(), BANK)
    assert counts.empty
    assert decided.empty
    assert counts.columns.tolist() == performance.level_counts(OWN, SCALE).columns.tolist()
    assert decided.columns.tolist() == performance.decisions(OWN, SCALE, BANK).columns.tolist()
