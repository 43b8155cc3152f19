"""The week's topics: right answers against those expected at this ability, where there are enough to tell."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from resources.reports.document.pictures import Bar
from resources.reports.i18n.wording import NONE, Words, name
from resources.reports.learner.expected_score import Topic, by_topic
from resources.reports.learner.report_input import ReportInput

MIN_ANSWERS = 5  # of compared questions; with fewer, one slip or one lucky guess would decide
UNLIKELY = 0.025  # on each side
TOPICS_SHOWN = 40

Verdict = Literal["unknown", "too few", "more", "less", "expected"]


@dataclass(frozen=True)
class TopicRow:
    name: str
    bar: Bar
    share: str
    right: str
    expected_share: str
    expected: str
    verdict: str


@dataclass(frozen=True)
class Topics:
    """`strengths` and `next_steps` are names of topics, only where the numbers carry them; `judged` tells "none stands
    out" from "too few answers to say"."""

    rows: Sequence[TopicRow]
    strengths: Sequence[str]
    next_steps: Sequence[str]
    compared: bool
    judged: bool
    too_few: bool
    min_answers: str
    hidden: str


def topics(words: Words, given: ReportInput) -> Topics | None:
    """None where no answer of the week was scored."""
    found = by_topic(given)
    if not found:
        return None
    shown, hidden = found[:TOPICS_SHOWN], found[TOPICS_SHOWN:]
    return Topics(
        rows=[_row(words, topic) for topic in shown],
        strengths=[_name(words, topic) for topic in shown if _verdict(topic) == "more"],
        next_steps=[_name(words, topic) for topic in shown if _verdict(topic) == "less"],
        compared=any(not math.isnan(topic.expected) for topic in shown),
        judged=any(_verdict(topic) in ("more", "less", "expected") for topic in shown),
        too_few=any(topic.n_known < MIN_ANSWERS for topic in shown),
        min_answers=words.answers(MIN_ANSWERS),
        hidden=_hidden(words, hidden) if hidden else "",
    )


def _row(words: Words, topic: Topic) -> TopicRow:
    share = topic.n_right / topic.n_scored
    known = not math.isnan(topic.expected)
    expected_share = topic.expected / topic.n_known if known else math.nan
    return TopicRow(
        name=_name(words, topic),
        bar=Bar(share, expected_share),
        share=words.percent(share),
        right=words.share(topic.n_right, topic.n_scored),
        expected_share=words.percent(expected_share) if known else NONE,
        expected=words.share(topic.expected, topic.n_known, 1) if known else "",
        verdict=_in_words(words, _verdict(topic)),
    )


def _name(words: Words, topic: Topic) -> str:
    return name(topic.name) if topic.name else words.text("No topic")


def _verdict(topic: Topic) -> Verdict:
    if math.isnan(topic.expected):
        return "unknown"
    if topic.n_known < MIN_ANSWERS:
        return "too few"
    if topic.at_least <= UNLIKELY:
        return "more"
    return "less" if topic.at_most <= UNLIKELY else "expected"


def _in_words(words: Words, verdict: Verdict) -> str:
    match verdict:
        case "unknown":
            return NONE
        case "too few":
            return words.text("too few to say")
        case "more":
            return words.text("▲ more than expected")
        case "less":
            return words.text("▼ less than expected")
        case "expected":
            return words.text("as expected")


def _hidden(words: Words, topics: Sequence[Topic]) -> str:
    return words.text(
        "{topics} with {answers}",
        topics=words.count(len(topics), "{n} topic", "{n} topics"),
        answers=words.answers(sum(topic.n_scored for topic in topics)),
    )
