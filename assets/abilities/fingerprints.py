"""What a state came from, in a few letters: whether it has to be made again is decided without making it."""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import astuple

import numpy as np

from resources.answers.answers import Answers
from resources.answers.blanks import Omitted
from resources.answers.counting import Attempt
from resources.irt.growth.states import Movement
from resources.model import Floats, Ints

_KEPT_ITEMS, _KEPT_MOVEMENTS = 20_000, 60  # of which the hashes are kept: some 3 MB, and a year


def of_states(before: Sequence[str], movement: Movement, counted: Answers) -> list[str]:
    """For each of `counted.user_ids`: of the state before (its fingerprint, "" without one), the group's step, and the
    learner's answers that count in the week, in whatever order. The item bank is no part of it: a new one leaves the
    states as they are.
    """
    step = of_movement(movement)
    answers = of_answers(counted.item_keys, counted.item, counted.correct, counted.user, len(counted.user_ids))
    return [of_state(state, step, own) for state, own in zip(before, answers, strict=True)]


def of_state(before: str, step: str, answers: str) -> str:
    """Of one learner; from `of_movement` and `of_answers`."""
    return _digest(before, step, answers)


def of_week(
    before: str, movement: Movement, answers_checksum: str, attempt: Attempt, omitted: Omitted, anew_weeks: int = 0
) -> str:
    """Of all learners of a user key together: of their week before, the group's step, the frozen answers, and which of
    them count. Weeks made before there was a choice of the latter stand under the defaults."""
    chosen = ((attempt, "first"), (omitted, "missing"), (f"anew {anew_weeks}", "anew 0"))
    rules = [rule for rule, default in chosen if rule != default]
    return _digest(before, of_movement(movement), answers_checksum, *rules)


def of_answers(item_keys: Sequence[str], item: Ints, correct: Floats, learner: Ints, n: int) -> list[str]:
    """For each of n learners a sum of 64-bit hashes of item and outcome: equal answers in another order make the same.

    `item` (its place among `item_keys`), `correct` and `learner` are per answer; skipped ones do not count.
    """
    answered = ~np.isnan(correct)
    item, right, learner = item[answered], correct[answered].astype(np.int64), learner[answered]
    occurs = np.flatnonzero(np.bincount(item, minlength=len(item_keys)))
    of_item = np.zeros((len(item_keys), 2), np.uint64)
    of_item[occurs] = np.array([_of_item(item_keys[j]) for j in occurs.tolist()], np.uint64).reshape(-1, 2)
    sums = np.zeros(n, np.uint64)
    np.add.at(sums, learner, of_item[item, right])
    counts = np.bincount(learner, minlength=n)
    return [f"{total:016x}.{count}" for total, count in zip(sums.tolist(), counts.tolist(), strict=True)]


@functools.lru_cache(_KEPT_MOVEMENTS)
def of_movement(movement: Movement) -> str:
    """To 1e-9 logits: the last bits of a sum over everybody come from the batches."""
    return " ".join(f"{value:.9f}" for value in astuple(movement))


@functools.lru_cache(_KEPT_ITEMS)
def _of_item(key: str) -> tuple[int, int]:
    """Of a wrong and of a right answer to it."""
    return _hash(f"{key}\0wrong"), _hash(f"{key}\0right")


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _digest(*parts: str) -> str:
    return hashlib.blake2b("|".join(parts).encode(), digest_size=12).hexdigest()
