"""What a state came from, in a few letters: whether it has to be made again is decided without making it."""

import hashlib
from collections.abc import Sequence
from dataclasses import astuple

import numpy as np

from resources.answers.answers import Answers
from resources.answers.blanks import Omitted
from resources.answers.counting import Attempt
from resources.irt.growth.states import Movement


def of_states(before: Sequence[str], movement: Movement, counted: Answers) -> list[str]:
    """For each of `counted.user_ids`: of the state before (its fingerprint, "" without one), the group's step, and the
    learner's answers that count in the week, in whatever order. The item bank is no part of it: a new one leaves the
    states as they are.
    """
    step = _of_movement(movement)
    return [_digest(state, step, answers) for state, answers in zip(before, _of_answers(counted), strict=True)]


def of_week(
    before: str, movement: Movement, answers_checksum: str, attempt: Attempt, omitted: Omitted, anew_weeks: int = 0
) -> str:
    """Of all learners of a user key together: of their week before, the group's step, the frozen answers, and which of
    them count. Weeks made before there was a choice of the latter stand under the defaults."""
    chosen = ((attempt, "first"), (omitted, "missing"), (f"anew {anew_weeks}", "anew 0"))
    rules = [rule for rule, default in chosen if rule != default]
    return _digest(before, _of_movement(movement), answers_checksum, *rules)


def _of_answers(counted: Answers) -> list[str]:
    """A sum of 64-bit hashes of item and outcome: equal answers in another order make the same."""
    keys = [(_hash(f"{key}\0wrong"), _hash(f"{key}\0right")) for key in counted.item_keys]
    of_item = np.array(keys, np.uint64).reshape(-1, 2)
    answered = ~np.isnan(counted.correct)
    values = of_item[counted.item[answered], counted.correct[answered].astype(np.int64)]
    sums = np.zeros(len(counted.user_ids), np.uint64)
    np.add.at(sums, counted.user[answered], values)
    n = np.bincount(counted.user[answered], minlength=sums.size)
    return [f"{total:016x}.{count}" for total, count in zip(sums.tolist(), n.tolist(), strict=True)]


def _of_movement(movement: Movement) -> str:
    """To 1e-9 logits: the last bits of a sum over everybody come from the batches."""
    return " ".join(f"{value:.9f}" for value in astuple(movement))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _digest(*parts: str) -> str:
    return hashlib.blake2b("|".join(parts).encode(), digest_size=12).hexdigest()
