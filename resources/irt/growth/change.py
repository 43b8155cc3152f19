"""Has this learner's ability changed? A score test on the learner's own answers of different times.

Under the model theta_i = level + change * position_i, with a position of each answer between 0 (before) and 1 (now), no
change is tested at the one level theta0 that fits all the answers (WLE). With S_i the score function and I_i the
information of answer i at theta0, and p the mean of the positions weighted by I_i,

    U = sum of (position_i - p) S_i,    V = sum of I_i (position_i - p)^2,    SE = 1 / sqrt(V),
    skewness g = sum of (position_i - p)^3 m_i / V^1.5,    m_i the third central moment of S_i,
    change = U / V - SE g (1.96^2 - 1) / 6,    z = change / SE.

The last term (Cornish & Fisher 1938) gives both tails their 2.5 % where a score is skewed, as when few answers follow
many at the edge of the bank: without it, 3.4 % one way and 1.7 % the other. It is a tenth of the SE at most.

With positions 0 and 1 alone, V is I_before I_after / (I_before + I_after), as for a difference of two independent
estimates. Sources: Rao (1948), Large sample tests of statistical hypotheses, Proc. Cambridge Phil. Soc. 44, 50-57; for
IRT Finkelman, Weiss & Kim-Kang (2010), Item selection and hypothesis testing for the adaptive measurement of change,
Applied Psychological Measurement 34(4), 238-254.

Why not two posterior means: each is shrunk by another amount, and an unchanged learner of theta 3 with 100 answers and
then 5 is told "down" in 40 of 100 cases. Why not two WLEs (z = difference / sqrt(SE1^2 + SE2^2)): each SE is taken at
an estimate of its own, and at theta 3 the errors reached 4.4 %; here both variances are taken at one ability. Why not
the smoothed path of `growth`: it knows the group's drift, and in a group that gains 25 points a week it says "up" of
every learner who stands still. Measured for unchanged ability from -2 to 3, 1 to 100 answers on each side, two banks,
with and without guessing: "up" and "down" 2.5 % each where both sides have information enough, less elsewhere; of 1,872
rates from 5,000 learners each the largest was 3.2 %, which chance alone would make of 2.5 %; at the bank's edge, where
the test without skewness had 3.4 %, 20,000 learners gave 2.2 to 2.8 % (`tests/benchmarks/bench_growth.py`).

`change` is one step from "no change" and so a little small where it is large: by 0 % at 1 logit, 4 % at 2, 9 % at 3.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resources.irt.point_estimates import wle
from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import ResponseMatrix
from resources.irt.score_function import terms_of, third_moments

CRITICAL_Z = 1.959964  # the 95 % interval of every report: 2.5 % on each side
MIN_INFORMATION = 2.0  # per logit^2 on each side, some 8 answers: below it single answers decide, and errors reach 9 %
WEEKS_BEFORE = 4.0  # how far back of its beginning a change is compared: older answers tell of another person

UP, DOWN, UNCLEAR = "up", "down", "not enough to tell"


@dataclass(frozen=True)
class Change:
    """Per user, shape (n_users,), in logits; NaN where nothing was answered, or all of it at one position.

    `information_before` and `information_now` (per logit^2) are the sums of I_i (1 - position_i) and I_i position_i.
    `verdict` holds 'up' or 'down' where change +- 1.96 SE leaves out 0, 'not enough to tell' where it does not, and
    None where either side's information is below 2.
    """

    change: Floats
    se: Floats
    information_before: Floats
    information_now: Floats
    verdict: NDArray[np.object_]


def change(answers: ResponseMatrix, position: Floats, items: Items) -> Change:
    """Change of each learner's ability from position 0 to position 1; `position` has the shape of `answers.item`.

    Raises:
        ValueError: a position outside 0 to 1, or not one for each answer.
    """
    if position.shape != answers.item.shape:
        raise ValueError(f"{position.size} positions for {answers.item.size} answers.")
    if position.size and not (position.min() >= 0 and position.max() <= 1):
        raise ValueError(f"Positions run from {position.min()} to {position.max()}, outside 0 to 1.")
    level = wle(answers, items).theta
    of = terms_of(items.at(answers.item), answers.correct, level[answers.user, None])
    score, information = of.score[:, 0], of.information[:, 0]

    def total(value: Floats) -> Floats:
        return np.bincount(answers.user, value, answers.n_users).astype(np.float64)

    before, now = total(information * (1 - position)), total(information * position)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = position - (now / (before + now))[answers.user]
        u, v = total(centred * score), total(centred**2 * information)
        third = third_moments(items.at(answers.item), level[answers.user, None])[:, 0]
        skewness = total(centred**3 * third) / v**1.5
        enough = np.minimum(before, now) >= MIN_INFORMATION
        known = v > 1e-12 * (before + now)  # all at one position: nothing but rounding
        se = np.where(known, 1 / np.sqrt(v), np.nan)
        found = np.where(known, u / v, np.nan) - se * skewness * (CRITICAL_Z**2 - 1) / 6
    z = found / se
    verdict = np.select([z > CRITICAL_Z, z < -CRITICAL_Z], [UP, DOWN], UNCLEAR).astype(object)
    verdict[~(enough & known)] = None
    return Change(found, se, before, now, verdict)


def over_last(weeks_ago: Floats, weeks: Floats | float = 4.0) -> Floats:
    """Positions for "the change over the last four weeks": level up to then, a straight line from there to now.

    `weeks_ago` is the time from an answer to now; `weeks` is one number or has its shape. Answers from more than
    `weeks` + 4 weeks ago get NaN: leave them out. Where none is as old as `weeks`, or none is of now, the change is
    extrapolated, and tells of weeks in which nothing was answered.
    For a learner whose ability grew before as well, the change is told too large (steady growth, eight weeks of
    answers: by 36 %, and +- 1.96 SE holds the truth in 90 of 100 cases, else in 95); its direction is right. Of the
    splits tried it sees a gain of 25 points a week soonest: after four weeks with 20 answers each, in 62 to 68 % under
    the 2PL where five weeks or more went before. From the first answer on no test can: the best has 37 to 53 % after
    four gains, and this one 58 % after five, 69 % after six.
    """
    position = np.clip(1 - weeks_ago / weeks, 0, 1)
    return np.where(weeks_ago <= weeks + WEEKS_BEFORE, position, np.nan)


def since_start(weeks_ago: Floats, started_ago: Floats | float) -> Floats:
    """Positions for "since the first weeks": the learner's first four weeks (0) against the last four (1).

    `started_ago` is the time from the learner's first answer to now, 8 weeks at least; it is one number or has the
    shape of `weeks_ago`. Answers of between get NaN: leave them out. The change is that of the mean level of four
    weeks, and so leaves out what was gained within them: of steady growth it tells two thirds over 12 weeks, 12 in 13
    over a year.
    """
    began, now = weeks_ago >= started_ago - WEEKS_BEFORE, weeks_ago <= WEEKS_BEFORE
    return np.select([began, now], [0.0, 1.0], np.nan)
