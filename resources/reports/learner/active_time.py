"""How long an answer took while somebody sat at it: a page that was left open is not time spent."""

import numpy as np

from resources.answers.answers import Answers
from resources.model import Floats

IDLE_MS = 600_000  # ten minutes: hardly a question takes longer, and a page left open over lunch does


def active_ms(answers: Answers) -> Floats:
    """Of each answer, no more than IDLE_MS; NaN where no time was recorded. Shape (n,)."""
    return np.minimum(answers.response_time_ms, IDLE_MS)


def n_idle(answers: Answers) -> int:
    """Answers of which more was recorded."""
    return int((answers.response_time_ms > IDLE_MS).sum())
