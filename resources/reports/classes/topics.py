"""The class's topics over the last weeks, and each learner's: against what the learners' own levels let expect."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from resources.reports.classes.class_input import ClassInput, Learner, TopicCount
from resources.reports.classes.people import shown_name
from resources.reports.document.pictures import Bar
from resources.reports.i18n.wording import NONE, Words, name
from resources.reports.learner.sections.topics import MIN_ANSWERS, UNLIKELY

WEEKS = 4  # as many as a change is told over: of one week alone most topics have too few answers
TOPICS_SHOWN = 40
OF_A_LEARNER = 3  # a line on a screen
LOW = "\u00a0▼"


@dataclass(frozen=True)
class ClassTopic:
    name: str
    bar: Bar
    share: str
    right: str
    expected_share: str
    learners: str


@dataclass(frozen=True)
class LearnerTopics:
    """`topics` with the number right of each; ▼ is the verdict of the learner's own report: less than expected, further
    than chance easily reaches."""

    name: str
    topics: str


@dataclass(frozen=True)
class ClassTopics:
    """Both with the lowest against expectation first. `comparisons` of a learner with a topic were made, of which
    `named` would be called low by chance alone; both empty where there was none."""

    rows: Sequence[ClassTopic]
    learners: Sequence[LearnerTopics]
    hidden: str
    min_answers: str
    weeks: str
    comparisons: str
    named: str


def class_topics(words: Words, given: ClassInput) -> ClassTopics | None:
    """None where no answer of the last weeks has a topic."""
    of_topic: dict[str, list[TopicCount]] = {}
    for learner in given.learners:
        for count in learner.topics:
            of_topic.setdefault(count.topic, []).append(count)
    if not of_topic:
        return None
    order = sorted(of_topic, key=lambda topic: (*_against_expectation(of_topic[topic]), topic))
    hidden = len(order) - TOPICS_SHOWN
    n = sum(_compared(count) for learner in given.learners for count in learner.topics)
    own = [LearnerTopics(shown_name(learner), _own(words, learner)) for learner in given.learners]
    return ClassTopics(
        rows=[_row(words, topic, of_topic[topic]) for topic in order[:TOPICS_SHOWN]],
        learners=[of for of in own if of.topics],
        hidden=words.count(hidden, "{n} topic", "{n} topics") if hidden > 0 else "",
        min_answers=words.answers(MIN_ANSWERS),
        weeks=words.count(WEEKS, "{n} week", "{n} weeks"),
        comparisons=words.count(n, "{n} comparison", "{n} comparisons") if n else "",
        named=words.number(UNLIKELY * n, 1) if n else "",
    )


def _row(words: Words, topic: str, counts: Sequence[TopicCount]) -> ClassTopic:
    n, n_right = sum(count.n for count in counts), sum(count.n_right for count in counts)
    n_known = sum(count.n_known for count in counts)
    expected = sum(count.expected for count in counts if count.n_known) / n_known if n_known else math.nan
    return ClassTopic(
        name=name(topic),
        bar=Bar(n_right / n, expected),
        share=words.percent(n_right / n),
        right=words.share(n_right, n),
        expected_share=words.percent(expected) if n_known else NONE,
        learners=words.count(len(counts), "{n} learner", "{n} learners"),
    )


def _own(words: Words, learner: Learner) -> str:
    enough = sorted(filter(_compared, learner.topics), key=lambda one: (*_against_expectation([one]), one.topic))
    return "; ".join(_told(words, count) for count in enough[:OF_A_LEARNER])


def _told(words: Words, count: TopicCount) -> str:
    """A name in a script from right to left must not reorder the numbers around it: it is isolated."""
    low = LOW if count.at_most <= UNLIKELY else ""
    return f"\u2068{name(count.topic)}\u2069 {words.share(count.n_right, count.n)}{low}"


def _compared(count: TopicCount) -> bool:
    return count.n_known >= MIN_ANSWERS


def _against_expectation(counts: Sequence[TopicCount]) -> tuple[bool, float]:
    """The share right less the expected one, of what can be compared; what cannot comes last."""
    n = sum(count.n_known for count in counts)
    if not n:
        return True, 0.0
    return False, sum(count.n_right_known - count.expected for count in counts if count.n_known) / n
