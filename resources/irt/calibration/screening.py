"""Which items stay out of a calibration, or of a bank, and why. Nothing is left out in silence."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resources.irt.calibration.calibrate import Calibration
from resources.irt.response_matrix import ResponseMatrix

# With 30 answers the SE of a typical difficulty is 0.5 logits, half the SD of ability: fewer say less than no answer.
MIN_ANSWERS = 30
# An item of a = 0.1 tells a learner's ability at most 0.0025: 100 of them do what one item of a = 1 does.
MIN_DISCRIMINATION = 0.1
# Above 5 the curve is a step: seen where a few answers happen to separate, or where two items are one, not in items.
MAX_DISCRIMINATION = 5.0
# Beyond 10 SDs of ability nobody is near the item: its b is an artefact of a small slope or of all but equal answers.
MAX_DIFFICULTY = 10.0
# An item whose place among the learners is known to no better than theirs before any answer.
MAX_SE_DIFFICULTY = 1.0


@dataclass(frozen=True)
class Screening:
    """`kept`, shape (n_items,), and for each item that is not, its index and the reason in words."""

    kept: NDArray[np.bool_]
    left_out: tuple[tuple[int, str], ...]


def before_calibration(answers: ResponseMatrix, min_answers: int = MIN_ANSWERS) -> Screening:
    """Items that the likelihood cannot place: too few answers, or all alike."""
    n = np.bincount(answers.item, minlength=answers.n_items)
    n_right = np.bincount(answers.item[answers.correct == 1], minlength=answers.n_items)
    return _screen(
        answers.n_items,
        (n < min_answers, lambda j: f"{n[j]} answers, fewer than {min_answers}"),
        (n_right == n, lambda j: f"all {n[j]} answers right"),
        (n_right == 0, lambda j: f"all {n[j]} answers wrong"),
    )


def after_calibration(
    calibration: Calibration,
    min_discrimination: float = MIN_DISCRIMINATION,
    max_discrimination: float = MAX_DISCRIMINATION,
    max_difficulty: float = MAX_DIFFICULTY,
    max_se: float = MAX_SE_DIFFICULTY,
) -> Screening:
    """Items whose estimates are no basis for scoring: a wrong key, no discrimination, a curve that is an accident.

    Where standard errors were computed, also those that are too large; for an item that was known they do not count.
    """
    a, b, se = calibration.items.a, calibration.items.b, calibration.se
    mean, sd = calibration.of_all()
    far = np.abs(b - mean) > max_difficulty * sd
    estimated = np.full(a.shape, se.method != "none") & ~calibration.known
    return _screen(
        a.size,
        (~np.isfinite(a), lambda j: f"discrimination {a[j]} is not finite"),
        (a < 0, lambda j: f"discrimination {a[j]:.2f} is negative: able learners fail it; is its key right?"),
        (a < min_discrimination, lambda j: f"discrimination {a[j]:.2f} is below {min_discrimination:g}"),
        (a > max_discrimination, lambda j: f"discrimination {a[j]:.2f} is above {max_discrimination:g}"),
        (~np.isfinite(b), lambda j: f"difficulty {b[j]} is not finite"),
        (far, lambda j: f"difficulty {b[j]:.1f} is more than {max_difficulty:g} SDs from the learners"),
        (estimated & ~np.isfinite(se.b), lambda _: "its answers fix no standard error of the difficulty"),
        (
            estimated & (se.b > max_se * sd),
            lambda j: f"difficulty {b[j]:.1f} has a standard error of {se.b[j]:.1f}: too few answers near it",
        ),
    )


def _screen(n_items: int, *tests: tuple[NDArray[np.bool_], Callable[[int], str]]) -> Screening:
    """The first test that an item fails gives the reason."""
    kept = np.ones(n_items, dtype=bool)
    left_out: dict[int, str] = {}
    for failed, reason in tests:
        left_out.update({int(j): reason(int(j)) for j in np.flatnonzero(failed & kept)})
        kept &= ~failed
    return Screening(kept, tuple(sorted(left_out.items())))
