"""Which of the week's questions several learners got wrong."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from resources.reports.classes.class_input import Answered, ClassInput
from resources.reports.document.link import Link
from resources.reports.i18n.wording import NONE, Words, name
from resources.reports.learner.sections.points import score

SHOWN = 10
SEVERAL = 2  # learners: what one alone got wrong is in that learner's own report


@dataclass(frozen=True)
class WrongQuestion:
    """`expected` is the number wrong that the learners' own levels let expect, of those whose level is known."""

    name: str | Link
    topic: str
    wrong: str
    expected: str
    difficulty: str


@dataclass(frozen=True)
class WrongQuestions:
    """Those that most learners got wrong first; `hidden` says how many more there are. `answered` is how many
    questions were answered by several learners at all."""

    rows: Sequence[WrongQuestion]
    hidden: str
    answered: str


def wrong_questions(words: Words, given: ClassInput) -> WrongQuestions | None:
    """None where no question was answered by several learners."""
    of_item: dict[str, list[Answered]] = {}
    for learner in given.learners:
        for answer in learner.answered:
            of_item.setdefault(answer.item_key, []).append(answer)
    common = {key: answers for key, answers in of_item.items() if len(answers) >= SEVERAL}
    if not common:
        return None
    n_wrong = {key: sum(not answer.right for answer in answers) for key, answers in common.items()}
    found = [key for key in common if n_wrong[key] >= SEVERAL]
    found.sort(key=lambda key: (-n_wrong[key], -n_wrong[key] / len(common[key]), key))
    more = len(found) - SHOWN
    return WrongQuestions(
        rows=[_row(words, given, key, n_wrong[key], common[key]) for key in found[:SHOWN]],
        hidden=words.count(more, "{n} question", "{n} questions") if more > 0 else "",
        answered=words.count(len(common), "{n} question", "{n} questions"),
    )


def topic_of(given: ClassInput, key: str) -> str | None:
    """As the file of items has it, else as the bank knows it."""
    return given.items.of(key).topic or given.bank.topics.get(key)


def _row(words: Words, given: ClassInput, key: str, n_wrong: int, answers: Sequence[Answered]) -> WrongQuestion:
    details, place = given.items.of(key), given.bank.place.get(key)
    title, topic = name(details.title or key), topic_of(given, key)
    chances = [answer.chance for answer in answers if not math.isnan(answer.chance)]
    expected = len(chances) - sum(chances)
    return WrongQuestion(
        name=Link(title, details.url) if details.url else title,
        topic=name(topic) if topic else "",
        wrong=words.share(n_wrong, len(answers)),
        expected=words.share(expected, len(chances), 1) if chances else NONE,
        difficulty=score(words, given.scale, float(given.bank.b[place])) if place is not None else NONE,
    )
