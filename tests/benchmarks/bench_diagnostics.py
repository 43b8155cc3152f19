"""What the checks of a calibration are worth where the truth is known: rates of false alarms, and power.

    OPENBLAS_NUM_THREADS=1 python -m tests.benchmarks.bench_diagnostics [--quick]

Banks: slopes log-normal (0, .3), difficulties and abilities N(0, 1); every bank is calibrated from the answers that are
then checked. `n` answers an item, each learner answers `each`.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from resources.irt.diagnostics.capture import without_capture
from resources.irt.diagnostics.dif import dif, group_priors
from resources.irt.diagnostics.dimensionality import dimensionality
from resources.irt.diagnostics.local_dependence import LocalDependence, local_dependence
from resources.irt.diagnostics.pairs import pairs
from resources.irt.diagnostics.predictions import predict
from resources.irt.diagnostics.topics import by_topic
from resources.irt.eap import eap
from resources.irt.fit import lz, lz_star
from resources.irt.response_functions import Items
from resources.irt.response_matrix import ResponseMatrix
from tests.benchmarks.diagnostics_simulation import (
    CURVES,
    answered,
    bank,
    fit_of_items,
    fitted,
    two_abilities,
    with_clone,
    with_curve,
)

LEVELS = (0.05, 0.01, 0.001)


def item_fit_null(rng: np.random.Generator, n_tests: int, quick: bool) -> None:
    print("\nItem fit of items that fit: share with p below .05, .01, .001; |z| > 1.96; called few; called misfit")
    print("model     n each    .05    .01   .001  infit outfit    few  misfit")
    for model, guessing in (("2PL", 0.0), ("3PL", 0.2)):
        for n, each in ((40, 15), (100, 15), (100, 60), (500, 15), (500, 30), (2_000, 15), (2_000, 60)):
            if (quick and n == 2_000) or (model == "3PL" and n < 500):
                continue  # a 3PL of 100 answers an item takes 20 s to converge, and is nobody's choice
            n_items, p, z, misfit = 100 if n < 2_000 else 60, [], [], 0
            for _ in range(max(1, n_tests // n_items)):
                answers = answered(bank(n_items, rng, guessing), rng.normal(size=n * n_items // each), each, rng)
                found = fit_of_items(answers, model)
                p.append(found.p)
                z.append(np.abs([found.infit_z, found.outfit_z]))
                misfit += found.verdict.count("misfit")
            p_all, z_all = np.concatenate(p), np.concatenate(z, axis=1)
            told = np.isfinite(p_all)
            rates = "".join(f"{np.mean(p_all[told] < level):7.4f}" for level in LEVELS)
            infit, outfit = np.mean(z_all[:, told] > 1.96, axis=1)
            line = f"{model}{n:8}{each:5}{rates}{infit:7.3f}{outfit:7.3f}"
            print(f"{line}{1 - told.mean():7.3f}{misfit / p_all.size:8.4f}", flush=True)


def item_fit_power(rng: np.random.Generator, repeats: int) -> None:
    print("\nItem fit of two bad items among 60: called misfit; p below .01; rmsd; infit")
    print(f"{'':42}   n each  misfit  p<.01   rmsd  infit")
    for name, model in (("wrong key", "2PL, a > 0"), ("right up to .5, then falling", "2PL"),
                        ("guessing .25, b 1", "2PL"), ("slope 2.5", "Rasch"), ("wrong key", "Rasch")):  # fmt: skip
        for n, each in ((100, 30), (500, 15), (500, 30), (2_000, 30)):
            told, low, size, infit = [], [], [], []
            for _ in range(repeats):
                theta = rng.normal(size=n * 60 // each)
                answers = answered(bank(60, rng), theta, each, rng)
                for item in (0, 1):
                    answers = with_curve(answers, theta, item, CURVES[name], rng)
                found = fit_of_items(answers, model)
                told += [verdict == "misfit" for verdict in found.verdict[:2]]
                low += (found.p[:2] < 0.01).tolist()
                size += found.rmsd[:2].tolist()
                infit += found.infit[:2].tolist()
            print(f"{name:30}{model:12}{n:5}{each:5}{np.mean(told):8.2f}{np.mean(low):7.2f}{np.nanmean(size):7.3f}"
                  f"{np.nanmean(infit):7.2f}", flush=True)  # fmt: skip


def dependence_of(answers: ResponseMatrix) -> LocalDependence:
    def refit(known: Items) -> Items:
        return fitted(answers, known=known).items

    items = without_capture(fitted(answers).items, refit)
    return local_dependence(answers, items, eap(answers, items).mean, predict(answers, items))


def dependence(rng: np.random.Generator, repeats: int) -> None:
    print("\nLocal dependence: banks in which any pair is named; clones found (the same answer in 90, 60 % of cases);"
          " other pairs named beside them")  # fmt: skip
    print("items learners each    any   90 %   60 %  others")
    cases = ((10, 300, 10), (10, 1_000, 10), (10, 5_000, 10), (20, 1_000, 20), (200, 2_000, 30), (200, 2_000, 60),
             (500, 20_000, 30))  # fmt: skip
    for n_items, n_users, each in cases:
        any_named: list[bool] = []
        found: dict[float, list[bool]] = {0.9: [], 0.6: []}
        others = 0
        for _ in range(repeats if n_items < 500 else max(2, repeats // 4)):
            answers = answered(bank(n_items, rng), rng.normal(size=n_users), each, rng)
            any_named.append(bool(dependence_of(answers).pairs))
            for share, hits in found.items():
                named = {(pair.first, pair.second) for pair in
                         dependence_of(with_clone(answers, 0, 1, rng, share)).pairs}  # fmt: skip
                hits.append((0, 1) in named)
                others += len(named - {(0, 1)})
        print(f"{n_items:5}{n_users:9}{each:5}{np.mean(any_named):7.3f}{np.mean(found[0.9]):7.2f}"
              f"{np.mean(found[0.6]):7.2f}{others / 2 / len(any_named):8.2f}", flush=True)  # fmt: skip


def dimensions(rng: np.random.Generator, repeats: int) -> None:
    print(
        "\nTwo abilities correlated r, half the items each: share of banks warned of, by parallel analysis and by topic"
    )
    print("items learners each     r  eigenvalue  by topic  ratio  within - between")
    for n_items, n_users, each in ((40, 300, 40), (40, 1_000, 40), (200, 2_000, 30)):
        for r in (1.0, 0.9, 0.8, 0.6, 0.3):
            several, topics, ratio, gap = [], [], [], []
            for _ in range(repeats if n_items < 100 else max(2, repeats // 4)):
                theta, topic = two_abilities(n_users, n_items, r, rng)
                answers = answered(bank(n_items, rng), theta, each, rng)
                items = fitted(answers).items
                predictions = predict(answers, items)
                whole = dimensionality(answers, items, predictions, rng)
                parts = by_topic(pairs(answers, predictions), topic)
                several.append(whole.several)
                topics.append(parts.several)
                ratio.append(whole.first / whole.second)
                gap.append(parts.within - parts.between)
            print(f"{n_items:5}{n_users:9}{each:5}{r:6.1f}{np.mean(several):12.2f}{np.mean(topics):10.2f}"
                  f"{np.mean(ratio):7.2f}{np.mean(gap):18.4f}", flush=True)  # fmt: skip


def groups(rng: np.random.Generator, repeats: int) -> None:
    print(
        "\nDIF, n answers of each group, focal group weaker by `impact`: without DIF, and two items harder by .6 logits"
    )
    print("model items    n each impact | MH p<.05  score p<.05  class C | MH p<.05  adjusted  B or C  shift")
    cases = (("2PL", 40, 500, 40, 0.0), ("2PL", 40, 500, 40, 1.0), ("2PL", 40, 500, 15, 1.0), ("2PL", 15, 500, 15, 1.0),
             ("2PL", 40, 2_000, 15, 1.0), ("3PL", 40, 500, 40, 1.0))  # fmt: skip
    for model, n_items, n, each, impact in cases:
        null, power = [], []
        for _ in range(repeats if n < 2_000 else max(2, repeats // 2)):
            n_users, items = n * n_items // each, bank(n_items, rng, 0.2 if model == "3PL" else 0.0)
            group = np.repeat([0, 1], n_users)
            theta = rng.normal(size=2 * n_users) - impact * group
            for shifted in (0, 2):
                ability = np.repeat(theta[:, None], n_items, axis=1)
                ability[:, :shifted] -= 0.6 * group[:, None]
                answers = answered(items, ability, each, rng)
                fit = fitted(answers, model)
                found = dif(answers, fit.items, predict(answers, fit.items, *group_priors(answers, fit.items, group)),
                            fit.estimated, group)  # fmt: skip
                mh, score, ets = abs(found.d / found.d_se), abs(found.b_shift / found.b_shift_se), np.array(found.ets)
                if shifted:
                    power.append((np.mean(mh[:2] > 1.96), np.mean(found.adjusted[:2] < 0.05),
                                  np.mean(np.isin(ets[:2], ["B", "C"])), found.b_shift[:2].mean()))  # fmt: skip
                else:
                    null.append((np.mean(mh > 1.96), np.mean(score > 1.96), np.mean(ets == "C")))
        a, b, c = np.mean(null, axis=0)
        d, e, f, g = np.mean(power, axis=0)
        print(f"{model:5}{n_items:6}{n:5}{each:5}{impact:7.1f} |{a:9.3f}{b:13.3f}{c:9.4f} |{d:9.2f}{e:10.2f}{f:8.2f}"
              f"{g:7.2f}", flush=True)  # fmt: skip


def persons(rng: np.random.Generator, n_users: int) -> None:
    print(
        "\nPerson fit at the EAP: learners of the model below -2 (normal: .0228), and who guesses half of the answers"
    )
    print("guessing each   lz: model  guess   lz*: model  guess")
    for guessing in (0.0, 0.2):
        for each in (8, 15, 30, 60):
            items = bank(500, rng, guessing)
            theta = rng.normal(size=n_users)
            fair = answered(items, theta, each, rng)
            guessed = (rng.random(fair.user.size) < 0.5) & (fair.user % 10 == 0)
            correct = np.where(guessed, rng.random(guessed.size) < 0.25, fair.correct).astype(np.int64)
            mixed = ResponseMatrix(fair.user, fair.item, correct, n_users, 500)
            guesser = np.arange(n_users) % 10 == 0
            line = f"{guessing:8.1f}{each:5}"
            for statistic in (lz, lz_star):
                model = statistic(fair, items, eap(fair, items).mean)
                other = statistic(mixed, items, eap(mixed, items).mean)[guesser]
                line += f"{np.mean(model < -2):12.4f}{np.mean(other < -2):7.2f}"
            print(line, flush=True)


def speed(rng: np.random.Generator, n_users: int) -> None:
    items = bank(500, rng)
    answers = answered(items, rng.normal(size=n_users), 60, rng)
    print(f"\n500 items, {n_users:,} learners x 60 answers: CPU s")
    predictions = predict(answers, items)
    theta = eap(answers, items).mean
    work: dict[str, Callable[[], object]] = {
        "predictions": lambda: predict(answers, items),
        "local dependence": lambda: local_dependence(answers, items, theta, predictions),
    }
    for name, run in work.items():
        start = time.process_time()
        run()
        print(f"{name:20}{time.process_time() - start:6.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a third of the banks or fewer, no large ones")
    quick = parser.parse_args().quick
    rng = np.random.default_rng(20261126)
    item_fit_null(rng, 500 if quick else 2_000, quick)
    item_fit_power(rng, 3 if quick else 8)
    dependence(rng, 4 if quick else 12)
    dimensions(rng, 4 if quick else 12)
    groups(rng, 4 if quick else 10)
    persons(rng, 5_000 if quick else 40_000)
    speed(rng, 5_000 if quick else 20_000)


if __name__ == "__main__":
    main()
