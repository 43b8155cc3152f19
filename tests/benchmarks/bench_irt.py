"""Scoring and calibration: speed, memory and error of this project, and of PyPI's girth and mirt where they are there.

    OPENBLAS_NUM_THREADS=1 python -m tests.benchmarks.bench_irt [--users 100000] [--quick]

One thread, because on a busy machine BLAS threads that wait for each other cost the standard errors six times as much.
Each row runs in a process of its own, so that its peak memory is its own. Times depend on the machine and on what else
it does; ratios less so. "error" is the largest distance of a theta from the exact posterior mean, in logits, or the
root mean square distance of a calibrated slope from the maximum of the likelihood.
"""

import argparse
import importlib.util
import multiprocessing as mp
import os
import resource
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from resources.errors import OperatorRequired
from resources.estimators.r_service.client import RServiceEstimator
from resources.estimators.r_service.process import running
from resources.irt.calibration.calibrate import calibrate
from resources.irt.eap import eap, eap_on_grid
from resources.irt.response_functions import Floats, Items
from resources.irt.response_matrix import ResponseMatrix
from resources.model import ItemBank, Responses

Task = Callable[[], Floats]


@dataclass(frozen=True)
class Exam:
    answers: ResponseMatrix
    items: Items

    def matrix(self, missing: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """Users x items, as the other packages want it."""
        matrix = np.full((self.answers.n_users, self.answers.n_items), missing)
        matrix[self.answers.user, self.answers.item] = self.answers.correct
        return matrix


@dataclass(frozen=True)
class Contender:
    """`task` gives what its error is judged by: thetas, or slopes. `needs` names a package that may be absent."""

    name: str
    task: Task
    needs: str | None = None


@dataclass(frozen=True)
class Outcome:
    wall_s: float
    cpu_s: float
    peak_mb: float
    result: Floats


def exam(n_users: int, n_items: int, n_answers: int, seed: int = 0) -> Exam:
    """Learners from N(0, 1), each with `n_answers` items drawn from a 2PL bank."""
    rng = np.random.default_rng(seed)
    items = Items(rng.lognormal(0, 0.3, n_items), rng.normal(size=n_items), np.zeros(n_items))
    theta = rng.normal(size=n_users)
    user = np.repeat(np.arange(n_users), n_answers)
    item = np.concatenate([np.sort(rng.permutation(n_items)[:n_answers]) for _ in range(n_users)])
    chance = 1 / (1 + np.exp(-items.a[item] * (theta[user] - items.b[item])))
    return Exam(ResponseMatrix(user, item, rng.binomial(1, chance), n_users, n_items), items)


def scorers(given: Exam, r_service_url: str | None) -> list[Contender]:
    """Who scores the exam; the R service is asked over HTTP, in batches, as the pipeline does."""
    answers, items = given.answers, given.items

    def r_service() -> Floats:
        users, keys = range(answers.n_users), range(answers.n_items)
        responses = Responses(
            tuple(map(str, users)),
            tuple(map(str, keys)),
            answers.user.astype(np.int64),
            answers.item.astype(np.int64),
            answers.correct.astype(float),
        )
        bank = ItemBank("bench", "2PL", responses.item_keys, items.a, items.b, items.c)
        return RServiceEstimator(str(r_service_url)).estimate(responses, bank).theta

    def girth() -> Floats:
        import girth

        data = given.matrix(girth.INVALID_RESPONSE).T
        options = {"quadrature_n": 121, "quadrature_bounds": (-6, 6)}
        return np.asarray(girth.ability_eap(data, items.b, items.a, options))

    def mirt() -> Floats:
        import mirt

        data = given.matrix(-1)
        model = mirt.TwoParameterLogistic(n_items=items.a.size)
        model.set_parameters(discrimination=items.a, difficulty=items.b)
        model._is_fitted = True  # it scores with given parameters only if they look fitted
        return np.asarray(mirt.fscores(model, data, n_quadpts=121).theta).ravel()

    return [
        Contender("in-process, default", lambda: eap(answers, items).mean),
        Contender("in-process, 121 points", lambda: eap_on_grid(answers, items, np.linspace(-6, 6, 121)).mean),
        *([Contender("R service, over HTTP", r_service)] if r_service_url else []),
        Contender("girth, 121 points", girth, needs="girth"),
        Contender("mirt (PyPI), 121 points", mirt, needs="mirt"),
    ]


def calibrators(given: Exam, *, slow: bool) -> list[Contender]:
    answers = given.answers

    def girth() -> Floats:
        import girth

        data = given.matrix(girth.INVALID_RESPONSE).T
        options = {"quadrature_n": 61, "quadrature_bounds": (-6, 6)}
        return np.asarray(girth.twopl_mml(data, options)["Discrimination"])

    def mirt() -> Floats:
        import mirt

        fit = mirt.fit_mirt(given.matrix(-1), n_quadpts=61, compute_standard_errors=False, max_iter=2_000)
        return np.asarray(fit.model.parameters["discrimination"]).ravel()

    return [
        Contender("in-process", lambda: calibrate(answers, se_method="none").items.a),
        Contender("in-process, tolerance 1e-4", lambda: calibrate(answers, tolerance=1e-4, se_method="none").items.a),
        Contender("in-process, with standard errors", lambda: calibrate(answers).items.a),
        Contender("mirt (PyPI)", mirt, needs="mirt"),
        *([Contender("girth", girth, needs="girth")] if slow else []),
    ]


def _rms_from(best: Floats, a: Floats) -> float:
    return float(np.sqrt(np.mean((a - best) ** 2)))


def measured(task: Task) -> Outcome:
    """In a forked process: the data are shared with it, and not counted."""
    ours, theirs = mp.get_context("fork").Pipe(duplex=False)
    child = mp.get_context("fork").Process(target=_run, args=(task, theirs))
    child.start()
    outcome: Outcome | BaseException = ours.recv()
    child.join()
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _run(task: Task, back: Connection) -> None:
    try:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        wall, cpu = time.perf_counter(), time.process_time()
        result = task()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        back.send(Outcome(wall, cpu, (peak - before) / 1024, result))
    except Exception as error:  # noqa: BLE001 - a row that fails is a line of the report, not its end
        back.send(error)


def report(title: str, contenders: list[Contender], error: Callable[[Floats], float], n: int) -> None:
    print(f"\n{title}\n{'':34}{'wall s':>9}{'CPU s':>9}{'a second':>12}{'ratio':>8}{'peak MB':>9}{'error':>10}")
    first: Outcome | None = None
    for contender in contenders:
        if contender.needs and importlib.util.find_spec(contender.needs) is None:
            print(f"{contender.name:34}absent: {contender.needs} is not installed")
            continue
        try:
            outcome = measured(contender.task)
        except Exception as failure:  # noqa: BLE001 - as above
            print(f"{contender.name:34}failed: {failure}")
            continue
        first = first or outcome
        print(
            f"{contender.name:34}{outcome.wall_s:9.2f}{outcome.cpu_s:9.2f}{n / outcome.wall_s:12,.0f}"
            f"{outcome.wall_s / first.wall_s:8.1f}{outcome.peak_mb:9.0f}{error(outcome.result):10.1e}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000, help="users to score")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    options = parser.parse_args()
    scale = 10 if options.quick else 1

    scored = exam(options.users // scale, 500, 60)
    exact = eap_on_grid(scored.answers, scored.items, np.linspace(-12, 12, 1_201)).mean
    with ExitStack() as service:
        try:
            r_service_url = service.enter_context(running(log=Path(os.devnull)))
        except OperatorRequired as missing:
            r_service_url = None
            print(f"The R service is absent: {missing}")
        report(
            f"EAP of {scored.answers.n_users:,} users x 60 answers, 500 items", scorers(scored, r_service_url),
            lambda theta: float(np.abs(theta - exact).max()), scored.answers.n_users,
        )  # fmt: skip
    for n_users, n_items, slow in ((2_000, 100, True), (20_000 // scale, 200, False)):
        sat = exam(n_users, n_items, int(0.4 * n_items), seed=1)
        best = calibrate(sat.answers, tolerance=1e-9, se_method="none").items.a
        report(
            f"2PL calibration of {n_users:,} users x {n_items} items, 60 % missing", calibrators(sat, slow=slow),
            partial(_rms_from, best), n_users,
        )  # fmt: skip


if __name__ == "__main__":
    main()
