"""Where each learner stands in a topic beside the own level, how sure that is, and whether it may be shown at all.

Under the model theta of an answer = level + slope * time + deviation of its topic. For a topic with the indicator x_i
of each answer, its residual r_i from the regression on 1 and time, weighted by the information I_i at the level that
fits all answers (WLE), and the score function S_i there:

    U = sum of r_i S_i,    V = sum of r_i^2 I_i,    z0 = U / sqrt(V),    g = sum of r_i^3 m_i / V^1.5,
    z = z0 - g (z0^2 - 1) / 6,    deviation = z sqrt(V) / (sum of I_i in the topic).

So a level that moved in these weeks is not taken for a topic that was met early or late, and few answers beside many
have both tails as stated (`growth.change`, which is the same test of two times). Sources: Rao (1948), Proc. Cambridge
Phil. Soc. 44, 50-57; Cornish & Fisher (1938).

Deviations are shrunken as in a random-effects model: a learner's topics lie around their mean with an SD tau, whose
square is taken to be what it is expected to be, given the deviations, a mean that is not known, and a half-Cauchy prior
(Gelman, 2006, Bayesian Analysis 1(3), 515-534). The prior's scale is that of the tests whose subscores Sinharay (2010),
Journal of Educational Measurement 47(2), 150-174, looked at: abilities in two topics mostly correlate .85 to .95.
A subscore says more than the level alone where its error is less than the spread, so where `reliability` =
tau^2 / (tau^2 + error^2) is one half or more (Haberman, 2008, Journal of Educational and Behavioral Statistics 33(2),
204-229).

Measured (`make bench-subscores`): of 3,000 learners whose topics are all alike, with 2 to 12 topics of 10 to 40
answers, at -2, 0 and 2 logits, with and without guessing, and with a level that rises by .15 logits a week through
topics met one after the other, at most 4.4 % were told of any. With tau = .4 and six topics of 60 answers, 54 % were
told of one; the error of what was shown was .22 logits beside .39 by the level alone, and its intervals held the truth
in 94 of 100.
With tau = .7 they hold it in 90 to 93: `deviation` is one step from the level, and so a little small where it is large.
Where topics hardly differ (.2), what is shown errs more than the level would, since chance chose it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from resources.irt.growth.change import CRITICAL_Z
from resources.irt.point_estimates import wle
from resources.irt.response_functions import Floats, Items, right_at
from resources.irt.response_matrix import Ints, ResponseMatrix
from resources.irt.score_function import Terms, terms_of, third_moments

MIN_INFORMATION = 2.0  # per logit^2 in the topic and outside it, some 8 answers each: below it single answers decide
RELIABLE = 0.5
ERROR_RATE = 0.05  # of a learner whose topics are all alike: that any of them is told to be above or below
SPREAD_SCALE = 0.3  # logits: an SD of .3 is a correlation of .92, where abilities have an SD of 1
_SPREADS = np.linspace(0.0, 1.5, 31)
LARGEST_Z = 3.0  # beyond, the correction for skewness stays what it is there: it would turn back on itself

ABOVE, BELOW, ALIKE = "above", "below", "alike"


@dataclass(frozen=True)
class Subscores:
    """Per learner and topic with answers, in the order of both, shape (n_pairs,); abilities in logits.

    Of `n` answers `n_right` were right, and `expected` would be at the level of all answers. `deviation` is how far the
    topic lies from that level, shrunken, and `se` the SD of that; `reliability` as above. `verdict` is 'above' or
    'below' where a test says so that is wrong in 5 % of learners whose topics are all alike, however many they are
    (Holm), the 95 % interval leaves out 0, and the subscore is reliable; else 'alike'. Where the information is below 2
    in the topic or outside it, these are NaN, NaN, 0 and None.
    """

    user: Ints
    topic: Ints
    n: Ints
    n_right: Ints
    expected: Floats
    deviation: Floats
    se: Floats
    reliability: Floats
    verdict: NDArray[np.object_]


def subscores(answers: ResponseMatrix, topic: Ints, weeks: Floats, items: Items) -> Subscores:
    """`topic` of each answer in 0, 1, ..., or -1 of none, and the time `weeks` of each: shapes of `answers.item`.

    Answers of no topic, and those of topics with too few, count for the level, together as one more topic.
    """
    level = wle(answers, items).theta[answers.user]
    at = items.at(answers.item)
    terms = terms_of(at, answers.correct, level[:, None])
    n_topics = int(topic.max(initial=0)) + 1
    named = np.flatnonzero(topic >= 0)
    pairs, pair = np.unique(answers.user[named] * n_topics + topic[named], return_inverse=True)
    user, of_topic = np.divmod(pairs, n_topics)
    few = np.bincount(pair, terms.information[named, 0], pairs.size) < MIN_INFORMATION
    part = answers.user + pairs.size
    part[named] = np.where(few[pair], part[named], pair)
    third = third_moments(at, level[:, None])[:, 0]
    of = _parts(answers, terms, third, weeks, part, np.concatenate([user, np.arange(answers.n_users)]))
    some = np.flatnonzero(of.enough)
    deviation, se, reliability = np.full((3, of.z.size), np.nan)
    deviation[some], se[some], reliability[some] = _shrunken(of.raw[some], of.error[some], of.user[some])
    told = np.flatnonzero(of.enough[: pairs.size])
    shows = (np.abs(deviation[told]) > CRITICAL_Z * se[told]) & (reliability[told] >= RELIABLE)
    sure = _holm(of.z[told], user[told]) & shows
    verdict = np.full(pairs.size, None, dtype=object)
    verdict[told] = np.select([sure & (of.z[told] > 0), sure], [ABOVE, BELOW], ALIKE)

    def total(value: Floats | Ints) -> Floats:
        return np.bincount(pair, value[named], pairs.size).astype(np.float64)

    return Subscores(
        user, of_topic, total(np.ones(topic.size)).astype(np.int64), total(answers.correct).astype(np.int64),
        total(right_at(at, level)), deviation[: pairs.size], se[: pairs.size],
        np.nan_to_num(reliability[: pairs.size]), verdict,
    )  # fmt: skip


@dataclass(frozen=True)
class _Parts:
    """Each learner's topics, and what is left of the answers: z as above, the deviation `raw` and its `error` were the
    level known, and whether there is information `enough` to look at it; of shape (n_parts,)."""

    user: Ints
    z: Floats
    raw: Floats
    error: Floats
    enough: NDArray[np.bool_]


def _parts(answers: ResponseMatrix, of: Terms, third: Floats, weeks: Floats, part: Ints, user: Ints) -> _Parts:
    """`part` of each answer in 0, 1, ..., and the `user` of each part."""
    score, information = of.score[:, 0], of.information[:, 0]
    time = _centred(weeks, information, answers)

    def within(value: Floats) -> Floats:
        return np.bincount(part, value, user.size).astype(np.float64)

    def in_all(value: Floats) -> Floats:
        return np.bincount(answers.user, value, answers.n_users)[user].astype(np.float64)

    inside, whole, moved = within(information), in_all(information), within(information * time)
    with np.errstate(invalid="ignore", divide="ignore"):
        a, spread = inside / whole, in_all(information * time**2)
        b = np.where(spread > 0, moved / spread, 0.0)
        u = within(score) - a * in_all(score) - b * in_all(score * time)
        v = inside * (1 - a) - b * moved
        powers = [third, third * time, third * time**2, third * time**3]
        inner, outer = [within(x) for x in powers], [in_all(x) for x in powers]
        cube = _cube(1 - a, b, inner) + _cube(-a, b, [x - y for x, y in zip(outer, inner, strict=True)])
        z = u / np.sqrt(v)
        z = z - cube / v**1.5 * (np.minimum(z**2, LARGEST_Z**2) - 1) / 6
        enough = (np.minimum(inside, whole - inside) >= MIN_INFORMATION) & (v > 1e-6 * inside)
        return _Parts(user, z, z * np.sqrt(v) / inside, np.sqrt(v / (1 - a)) / inside, enough)


def _centred(weeks: Floats, information: Floats, answers: ResponseMatrix) -> Floats:
    """Times from each learner's mean time, weighted by information; of a learner of one time 0, not rounding."""
    total = np.bincount(answers.user, information, answers.n_users)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(answers.user, information * weeks, answers.n_users) / total
    time = weeks - mean[answers.user]
    return np.where(np.abs(time) > 1e-9, time, 0.0)


def _cube(constant: Floats, slope: Floats, third: list[Floats]) -> Floats:
    """Sum of (constant - slope * time)^3 m, from the sums of m, m time, m time^2 and m time^3."""
    return np.asarray(
        constant**3 * third[0] - 3 * constant**2 * slope * third[1] + 3 * constant * slope**2 * third[2]
        - slope**3 * third[3]
    )  # fmt: skip


def _shrunken(raw: Floats, error: Floats, user: Ints) -> tuple[Floats, Floats, Floats]:
    """Each part's distance from the learner's level, its SD, and how reliable it is; each of shape (n,).

    With the spread tau, a part is believed to lie at kept * raw + (1 - kept) * mean, kept = tau^2 / (tau^2 + error^2);
    the level is the mean of the parts by their information.
    """

    def total(value: Floats) -> Floats:
        return np.bincount(user, value)[user].astype(np.float64)

    spread = _spread(raw, error, user)
    kept, weight = spread / (spread + error**2), 1 / (spread + error**2)
    mean = total(weight * raw) / total(weight)
    believed = mean + kept * (raw - mean)
    share = error**-2 / total(error**-2)
    variance = kept * error**2
    pulled = 1 - kept - total(share * (1 - kept))
    variance_of_difference = (1 - 2 * share) * variance + total(share**2 * variance) + pulled**2 / total(weight)
    return believed - total(share * believed), np.sqrt(variance_of_difference), kept


def _spread(raw: Floats, error: Floats, user: Ints) -> Floats:
    """What is to be expected of tau^2, per part: of its learner's parts, whose mean is not known."""
    own = np.unique(user, return_inverse=True)[1]

    def total(value: Floats) -> Floats:
        return np.stack([np.bincount(own, column) for column in value.T], axis=1)

    variance = error[:, None] ** 2 + _SPREADS**2
    summed = total(1 / variance)
    mean = (total(raw[:, None] / variance) / summed)[own]
    misfit = total(np.log(variance) + (raw[:, None] - mean) ** 2 / variance) + np.log(summed)
    log_density = -misfit / 2 - np.log1p((_SPREADS / SPREAD_SCALE) ** 2)
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    return np.asarray((density @ _SPREADS**2 / density.sum(axis=1))[own])


def _holm(z: Floats, user: Ints) -> NDArray[np.bool_]:
    """Which of each user's tests are significant together. Source: Holm (1979), Scand. J. Statistics 6, 65-70."""
    p = 2 * ndtr(-np.abs(z))
    order = np.lexsort((p, user))
    sizes = np.bincount(user)
    first = np.cumsum(sizes) - sizes
    place = np.arange(z.size) - first[user[order]]
    passed = p[order] <= ERROR_RATE / (sizes[user[order]] - place)
    failed = np.concatenate([[0], np.cumsum(~passed)])
    found = np.empty(z.size, dtype=bool)
    found[order] = failed[1:] == failed[first[user[order]]]  # none of the smaller p has failed, nor this one
    return found
