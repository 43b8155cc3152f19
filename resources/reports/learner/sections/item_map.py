"""The week's questions on the scale of the level: the chart `item_map`, and the same in words."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from resources.irt.growth.change import CRITICAL_Z
from resources.model import Floats
from resources.reports.i18n.wording import Words
from resources.reports.learner.axis import Axis, ticks
from resources.reports.learner.report_input import Level, ReportInput
from resources.reports.learner.sections.points import score_and_margin

COLUMNS = 26  # as many marks as stand side by side
TALLEST = 6  # marks on each side of the line; in heavier weeks a mark stands for several questions
NARROWEST = 2.0  # logits across: questions of almost one difficulty must not look far apart
SCORES_SHOWN = 8
LEFT, RIGHT, GROUND, MARK = 16.0, 544.0, 126.0, 15.5  # in quarto/charts/item_map.svg: the ends, the line, a mark's room
# On a phone, the level's name runs into "Right" where it is centred left of the first, and off the page right of the
# second; from the third on it is beside "Right".
NEAR_LEFT, NEAR_RIGHT, BESIDE = 130.0, 490.0, 74.0

Marks = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class ItemMapChart:
    """For quarto/charts/item_map.svg: places of the marks; of the level, of the ends of its interval, and of its name
    with the side that is aligned there; of the scores, with their texts."""

    right: Marks
    wrong: Marks
    level: float
    band: float
    band_width: float
    named_at: float
    named_from: Literal["start", "middle", "end"]
    scores: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class ItemMap:
    """`words` say what the chart shows.

    Texts are empty where there is nothing to say: `per_mark` where a mark is one question, `unplaced` where the bank
    knows every question, `beyond` where all lie within the scale.
    """

    chart: ItemMapChart
    words: str
    per_mark: str
    unplaced: str
    beyond: str


def item_map(words: Words, given: ReportInput) -> ItemMap | None:
    """Each question by its first scored answer of the week; None without a level or without a question of the bank."""
    rows = given.first_answers.tolist()
    known = [i for i in rows if given.answers.keys[i] in given.bank.place]
    if given.level is None or not known:
        return None
    difficulty = given.bank.b[[given.bank.place[given.answers.keys[i]] for i in known]]
    right = given.answers.correct[known] == 1
    scale, level = given.scale, given.level
    held = np.array([scale.held(b) for b in difficulty])
    low, high = _ends(held, level, given)
    column = np.minimum((held - low) / (high - low) * COLUMNS, COLUMNS - 1).astype(int)
    stacks = [Counter(column[right].tolist()), Counter(column[~right].tolist())]
    per_mark = math.ceil(max(max(stack.values(), default=0) for stack in stacks) / TALLEST)
    n_beyond = sum(scale.beyond(b) for b in difficulty)
    n_unplaced = len(rows) - len(known)
    return ItemMap(
        chart=_chart(words, given, level, Axis(low, high, LEFT, RIGHT), *(_marks(stack, per_mark) for stack in stacks)),
        words=_in_words(words, given, level, difficulty, right),
        per_mark=words.number(per_mark, 0) if per_mark > 1 else "",
        unplaced=words.count(n_unplaced, "{n} question", "{n} questions") if n_unplaced else "",
        beyond=words.count(n_beyond, "{n} question", "{n} questions") if n_beyond else "",
    )


def _ends(held: Floats, level: Level, given: ReportInput) -> tuple[float, float]:
    """Of the map, in points: around all questions and the level with its error."""
    shown = [*held, *(given.scale.held(level.theta + step) for step in (-CRITICAL_Z * level.se, CRITICAL_Z * level.se))]
    low, high = float(min(shown)), float(max(shown))
    lacking = max(NARROWEST * given.scale.per_logit - (high - low), 0)
    return low - lacking / 2, high + lacking / 2


def _marks(stack: Mapping[int, int], per_mark: int) -> list[tuple[int, int]]:
    """Column and place (1, 2, ... away from the line) of each mark."""
    return [(column, place) for column, n in sorted(stack.items()) for place in range(1, math.ceil(n / per_mark) + 1)]


def _chart(
    words: Words, given: ReportInput, level: Level, x: Axis,
    right: Sequence[tuple[int, int]], wrong: Sequence[tuple[int, int]],
) -> ItemMapChart:  # fmt: skip
    columns = Axis(-0.5, COLUMNS - 0.5, LEFT, RIGHT)
    margin = CRITICAL_Z * level.se
    low, at, high = (x.at(given.scale.held(level.theta + step)) for step in (-margin, 0, margin))
    named_from: Literal["start", "middle", "end"]
    named_from = "start" if at < NEAR_LEFT else "end" if at > NEAR_RIGHT else "middle"
    return ItemMapChart(
        right=[(columns.at(column), GROUND - MARK * place) for column, place in right],
        wrong=[(columns.at(column), GROUND + MARK * place) for column, place in wrong],
        level=at,
        band=low,
        band_width=round(high - low, 1),
        named_at=max(at, BESIDE),
        named_from=named_from,
        scores=[(x.at(at), words.number(at, 0)) for at in ticks(x.low, x.high, SCORES_SHOWN)],
    )


def _in_words(words: Words, given: ReportInput, level: Level, difficulty: Floats, right: NDArray[np.bool_]) -> str:
    """How many questions were right of those below, within and above the level's interval."""
    margin = CRITICAL_Z * level.se
    part = np.searchsorted([level.theta - margin, level.theta + margin], difficulty)
    easier, near, harder = (_right(words, right[part == at]) for at in range(3))
    said = score_and_margin(words, given.scale, level.theta, level.se)
    return words.text(
        "This week's questions by difficulty, beside your level of {level}. "
        "Easier than its margin: {easier}. Within it: {near}. Harder: {harder}.",
        level=said, easier=easier, near=near, harder=harder,
    )  # fmt: skip


def _right(words: Words, right: NDArray[np.bool_]) -> str:
    n = words.number(int(right.sum()), 0)
    return words.text("{n} of {all} right", n=n, all=words.number(right.size, 0)) if right.size else words.text("none")
