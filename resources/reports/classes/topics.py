"""The class's topics over the last weeks, and whose stand out beside their own levels."""

from collections.abc import Sequence
from dataclasses import dataclass

from resources.irt.subscores import ERROR_RATE
from resources.reports.classes.class_input import ClassInput, Learner
from resources.reports.classes.people import shown_name
from resources.reports.document.foreign import Foreign, foreign
from resources.reports.document.pictures import Bar
from resources.reports.i18n.wording import NONE, Words, name
from resources.reports.learner.report_input import Topic

TOPICS_SHOWN = 40


@dataclass(frozen=True)
class ClassTopic:
    name: str | Foreign
    bar: Bar
    share: str
    right: str
    expected_share: str
    learners: str


@dataclass(frozen=True)
class LearnerTopics:
    """Topics with the number right, by the verdicts of the learner's own report: below and above the own level."""

    name: str
    below: str
    above: str


@dataclass(frozen=True)
class ClassTopics:
    """`rows` have the lowest against expectation first, `learners` those with a topic to name. Of `compared` learners,
    `by_chance` would be named if all topics were alike to everybody; both empty where there is none."""

    rows: Sequence[ClassTopic]
    learners: Sequence[LearnerTopics]
    hidden: str
    compared: str
    by_chance: str


def class_topics(words: Words, given: ClassInput) -> ClassTopics | None:
    """None where no answer of the last weeks has a topic."""
    of_topic: dict[str, list[Topic]] = {}
    for learner in given.learners:
        for topic in learner.topics:
            of_topic.setdefault(topic.name, []).append(topic)
    if not of_topic:
        return None
    order = sorted(of_topic, key=lambda topic: (_against_expectation(of_topic[topic]), topic))
    hidden = len(order) - TOPICS_SHOWN
    n = sum(any(topic.verdict for topic in learner.topics) for learner in given.learners)
    own = [_own(words, learner) for learner in given.learners]
    return ClassTopics(
        rows=[_row(words, topic, of_topic[topic]) for topic in order[:TOPICS_SHOWN]],
        learners=[of for of in own if (of.below, of.above) != (NONE, NONE)],
        hidden=words.count(hidden, "{n} topic", "{n} topics") if hidden > 0 else "",
        compared=words.count(n, "{n} learner", "{n} learners") if n else "",
        by_chance=words.number(ERROR_RATE * n, 1) if n else "",
    )


def _row(words: Words, topic: str, of: Sequence[Topic]) -> ClassTopic:
    n, n_right, expected = sum(one.n for one in of), sum(one.n_right for one in of), sum(one.expected for one in of)
    return ClassTopic(
        name=foreign(name(topic), words.language),
        bar=Bar(n_right / n, expected / n),
        share=words.percent(n_right / n),
        right=words.share(n_right, n),
        expected_share=words.percent(expected / n),
        learners=words.count(len(of), "{n} learner", "{n} learners"),
    )


def _own(words: Words, learner: Learner) -> LearnerTopics:
    def named(verdict: str) -> str:
        found = [one for one in learner.topics if one.verdict == verdict]
        found.sort(key=lambda one: (one.deviation, one.name))
        # A name in a script from right to left must not reorder the numbers around it.
        return "; ".join(f"\u2068{name(one.name)}\u2069 {words.share(one.n_right, one.n)}" for one in found) or NONE

    return LearnerTopics(shown_name(learner), named("below"), named("above"))


def _against_expectation(of: Sequence[Topic]) -> float:
    """The share right less the expected one."""
    return sum(one.n_right - one.expected for one in of) / sum(one.n for one in of)
