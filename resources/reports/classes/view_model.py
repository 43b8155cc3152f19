"""Everything that the document of the class report can name, for one group and week. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resources.model import SYNTHETIC
from resources.reports.classes.class_input import ClassInput
from resources.reports.classes.people import Chance, Moved, Row, Silent, chance, everybody, moved, silent
from resources.reports.classes.questions import WrongQuestions, wrong_questions
from resources.reports.classes.topics import ClassTopics, class_topics
from resources.reports.classes.verdicts import level_of
from resources.reports.i18n.wording import Words, name
from resources.reports.learner.sections.points import score

QUARTILES = (25, 50, 75)
SPREAD = 4  # learners with a level: of fewer, a middle half is nobody's


@dataclass(frozen=True)
class Summary:
    """How many learners there are, how many answered, and how many went up or down: empty where nobody did."""

    learners: str
    answered: str
    up: str
    down: str


@dataclass(frozen=True)
class Middle:
    """The middle level of the class, and between which scores the middle half lies; empty of a few."""

    score: str
    low: str
    high: str
    measured: str


@dataclass(frozen=True)
class Right:
    share: str
    right: str


@dataclass(frozen=True)
class ClassView:
    """The fields are the names in the document. None or empty hides the section that asks for it. `user` is whom the
    report is of, by the page's frame: the group."""

    synthetic: bool
    user: str
    week: str
    as_of: str
    summary: Summary
    middle: Middle | None
    right: Right | None
    up: Sequence[Moved]
    down: Sequence[Moved]
    stuck: Sequence[Moved]
    chance: Chance | None
    silent: Sequence[Silent]
    questions: WrongQuestions | None
    topics: ClassTopics | None
    everybody: Sequence[Row]


def class_view(words: Words, given: ClassInput) -> ClassView:
    up, down = moved(words, given, "up"), moved(words, given, "down")

    def learners(n: int) -> str:
        return words.count(n, "{n} learner", "{n} learners")

    return ClassView(
        synthetic=any(learner.user_id.startswith(SYNTHETIC) for learner in given.learners),
        user=name(given.group),
        week=words.week(given.week),
        as_of=words.instant(given.week.ends_at),
        summary=Summary(
            learners=learners(len(given.learners)),
            answered=words.number(sum(learner.n_answers > 0 for learner in given.learners), 0),
            up=learners(len(up)) if up else "",
            down=learners(len(down)) if down else "",
        ),
        middle=_middle(words, given),
        right=_right(words, given),
        up=up,
        down=down,
        stuck=moved(words, given, "stuck"),
        chance=chance(words, given),
        silent=silent(words, given),
        questions=wrong_questions(words, given),
        topics=class_topics(words, given),
        everybody=everybody(words, given),
    )


def _middle(words: Words, given: ClassInput) -> Middle | None:
    thetas = [level.theta for learner in given.learners if (level := level_of(learner))]
    if not thetas:
        return None
    low, middle, high = (score(words, given.scale, float(theta)) for theta in np.percentile(thetas, QUARTILES))
    several = len(thetas) >= SPREAD
    n = words.count(len(thetas), "{n} learner", "{n} learners")
    return Middle(middle, low if several else "", high if several else "", n)


def _right(words: Words, given: ClassInput) -> Right | None:
    answers = [answer.right for learner in given.learners for answer in learner.answered]
    if not answers:
        return None
    return Right(words.percent(sum(answers) / len(answers)), words.share(sum(answers), len(answers)))
