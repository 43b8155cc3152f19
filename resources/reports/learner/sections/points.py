"""Abilities as a learner reads them: in points of the score scale."""

from resources.irt.growth.change import CRITICAL_Z
from resources.reports.i18n.wording import Words
from resources.reports.learner.scale import Scale


def score(words: Words, scale: Scale, theta: float) -> str:
    return words.number(scale.held(theta), 0)


def margin(words: Words, scale: Scale, se: float) -> str:
    """Half the width of the 95 % interval, a point at least: no measurement is exact."""
    return words.number(max(CRITICAL_Z * scale.per_logit * se, 1), 0)


def score_and_margin(words: Words, scale: Scale, theta: float, se: float) -> str:
    return f"{score(words, scale, theta)} ± {margin(words, scale, se)}"


def difference(words: Words, scale: Scale, logits: float) -> str:
    return words.signed(scale.per_logit * logits, 0)


def difference_and_margin(words: Words, scale: Scale, logits: float, se: float) -> str:
    """In one line: its spaces do not break."""
    return f"{difference(words, scale, logits)}\u00a0±\u00a0{margin(words, scale, se)}"
