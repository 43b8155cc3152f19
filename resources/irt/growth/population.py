"""How the group moved in a week, by maximum likelihood from all learners who answered: drift, tau, newcomers.

Each learner's contribution is the marginal likelihood of his week's answers, the integral of their likelihood over
his prior N(m, V). Its derivatives need nothing but mean m1 and SD s1 of the posterior under that prior (Fisher's
identity):

    d log L / d m = (m1 - m) / V,    d log L / d V = ((m1 - m)^2 + s1^2 - V) / (2 V^2).

So each learner's answers are replaced by one observation x ~ N(theta, v) that would give the same posterior from the
same prior: 1 / (V + v) = (V - s1^2) / V^2 and x = m + (m1 - m) (V + v) / V. Its likelihood N(x; m, V + v) has the same
two derivatives there, and is maximised in closed form for drifts on a grid of tau; newcomers' mean and SD take one
scoring step. The answers are then replaced anew, and so on. Where this stands still it is a stationary point of the
true likelihood: what is approximate is the prior's normal shape (`growth`), and the likelihood's curvature, on which
the standard errors rest.

A posterior wider than its prior (lucky guesses under the 3PL) has no such observation: V + v is then 10,000 V, and what
is missing in the second derivative is added as a linear term.
"""

from dataclasses import astuple, dataclass, field, replace

import numpy as np

from resources.irt.eap import eap
from resources.irt.growth.innovation import GRID, Innovation
from resources.irt.growth.newcomers import Newcomers
from resources.irt.growth.states import Movement, State, absent_weeks, predicted
from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import ResponseMatrix

MIN_ACTIVE = 100  # learners with a state and answers: the drift's SE is then about .07, as large as a week's drift
ABSENCE_DRIFT_SD = 0.05  # logits per week: its prior, of mean 0. With 100 who return the data count a third
MAX_ROUNDS = 100  # 2 to 5 are usual; 30 newcomers of a few answers each took 8
WHOLE_STEPS = 12  # then quarters
SETTLED = 5e-4  # logits: the last step. Steps shrink to a third and less, so less than that is left


@dataclass(frozen=True)
class Population:
    """The group's step of a week, in logits, and what the next week's estimate starts from.

    `enough`: at least 100 learners had a state and answered; if not, the drifts are 0, their SEs NaN, and `innovation`
    is that of the weeks before. `drift_is_given`: by the caller, not estimated. `rounds`: how often answers were
    replaced by observations until nothing changed by more than 5e-4.
    """

    drift: float = 0.0
    drift_se: float = np.nan
    absence_drift: float = 0.0
    absence_drift_se: float = np.nan
    innovation: Innovation = field(default_factory=Innovation)
    newcomers: Newcomers = field(default_factory=Newcomers)
    n_active: int = 0
    n_returning: int = 0
    n_newcomers: int = 0
    enough: bool = False
    drift_is_given: bool = False
    rounds: int = 0

    @property
    def tau(self) -> float:
        return self.innovation.tau

    @property
    def movement(self) -> Movement:
        """What `growth.filter_step` needs of it."""
        return Movement(self.drift, self.absence_drift, self.tau, self.newcomers.mean, self.newcomers.sd)


@dataclass(frozen=True)
class _Observed:
    """Answers as one observation a learner, each of shape (n,): x ~ N(theta, v), and slope times V to be added."""

    x: Floats
    v: Floats
    slope: Floats

    @classmethod
    def of(cls, prior: State, posterior_mean: Floats, posterior_sd: Floats) -> "_Observed":
        variance = prior.sd**2
        weight = (variance - posterior_sd**2) / variance**2
        positive = np.maximum(weight, 1e-4 / variance)
        x = prior.mean + (posterior_mean - prior.mean) / (variance * positive)
        return cls(x, 1 / positive - variance, (positive - weight) / 2)


def estimate_population(
    state: State,
    weeks: Floats | float,
    answers: ResponseMatrix,
    items: Items,
    previous: Population,
    given_drift: float | None = None,
) -> Population:
    """The step of a week from everybody's states before it, how many `weeks` old they are, and everybody's answers.

    Learners without answers do not count. With `given_drift` the drift is that, absence_drift is 0, and only tau and
    the newcomers are estimated. The result depends neither on the order of learners nor on that of answers, beyond
    rounding.

    Raises:
        ArithmeticError: not settled after 100 rounds, or a posterior that no grid could resolve.
    """
    answered = np.bincount(answers.user, minlength=answers.n_users) > 0
    elapsed = np.broadcast_to(np.asarray(weeks, np.float64), state.mean.shape)
    old, new = np.flatnonzero(answered & state.known), np.flatnonzero(answered & ~state.known)
    before, ages = State(state.mean[old], state.sd[old]), elapsed[old]
    enough = old.size >= MIN_ACTIVE
    found = Population(
        drift=given_drift if given_drift is not None else 0.0,
        innovation=previous.innovation,
        newcomers=previous.newcomers,
        n_active=old.size,
        n_returning=int((ages > 1).sum()),
        n_newcomers=new.size,
        enough=enough,
        drift_is_given=given_drift is not None,
    )
    for rounds in range(1, MAX_ROUNDS + 1):
        prior = predicted(state, elapsed, found.movement)
        posterior = eap(answers, items, prior.mean, prior.sd)
        last, variance = found.movement, prior.sd**2
        by_mean = (posterior.mean - prior.mean) / variance
        by_variance = (by_mean**2 - (variance - posterior.sd**2) / variance**2) / 2
        # Of few newcomers the sums of squares may be a third of the information: whole steps leap to and fro for ever.
        part = 1.0 if rounds <= WHOLE_STEPS else 0.25
        newcomers = previous.newcomers.after(found.newcomers, by_mean[new], by_variance[new], part)
        found = replace(found, newcomers=newcomers, rounds=rounds)
        if enough:
            seen = _Observed.of(State(prior.mean[old], prior.sd[old]), posterior.mean[old], posterior.sd[old])
            found = _moved(found, before, ages, seen, previous.innovation)
        if _distance(found.movement, last) <= SETTLED:
            return found
    raise ArithmeticError(f"The week's drift did not settle in {MAX_ROUNDS} rounds: {last}, then {found.movement}.")


def _moved(found: Population, before: State, ages: Floats, seen: _Observed, innovation: Innovation) -> Population:
    """Drifts with SEs by generalised least squares at each tau of the grid, and what their likelihoods make of tau."""
    design = np.stack([np.minimum(ages, 1), absent_weeks(ages)])
    penalty = np.array([0.0, ABSENCE_DRIFT_SD**-2])
    beyond = seen.x - before.mean

    def fit(tau: float) -> tuple[Floats, Floats, float]:
        variance = before.sd**2 + tau**2 * ages
        weight = 1 / (variance + seen.v)
        precision = (design * weight) @ design.T + np.diag(penalty)
        drifts = np.array([found.drift, 0.0])
        if not found.drift_is_given:
            drifts = np.linalg.solve(precision, design @ (weight * beyond))
        terms = np.log(weight) - weight * (beyond - drifts @ design) ** 2 + 2 * seen.slope * variance
        return drifts, precision, 0.5 * float(terms.sum() - penalty @ drifts**2)

    innovation = innovation.after(np.array([fit(tau)[2] for tau in GRID]))
    if found.drift_is_given:
        return replace(found, innovation=innovation)
    drifts, precision, _ = fit(innovation.tau)
    errors = np.sqrt(np.diag(np.linalg.inv(precision)))
    return replace(
        found, drift=float(drifts[0]), drift_se=float(errors[0]),
        absence_drift=float(drifts[1]), absence_drift_se=float(errors[1]), innovation=innovation,
    )  # fmt: skip


def _distance(one: Movement, other: Movement) -> float:
    return float(np.abs(np.subtract(astuple(one), astuple(other))).max())
