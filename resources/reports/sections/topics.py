"""The week's topics: right answers against those expected at this ability, where there are enough to tell."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from resources.reports import wording
from resources.reports.charts import share_bar
from resources.reports.expected import Topic, by_topic
from resources.reports.report_input import ReportInput

MIN_ANSWERS = 5  # of compared questions; with fewer, one slip or one lucky guess would decide
UNLIKELY = 0.025  # on each side
TOPICS_SHOWN = 40


@dataclass(frozen=True)
class TopicRow:
    name: str
    bar: Markup
    share: str
    right: str
    expected_share: str
    expected: str
    verdict: str


@dataclass(frozen=True)
class Topics:
    rows: Sequence[TopicRow]
    compared: bool
    too_few: bool
    min_answers: str
    hidden: str


def topics(given: ReportInput) -> Topics | None:
    """None where no answer of the week was scored."""
    found = by_topic(given.answers, given.bank, given.level.theta if given.level else None)
    if not found:
        return None
    shown, hidden = found[:TOPICS_SHOWN], found[TOPICS_SHOWN:]
    return Topics(
        rows=[_row(topic) for topic in shown],
        compared=any(not math.isnan(topic.expected) for topic in shown),
        too_few=any(topic.n_known < MIN_ANSWERS for topic in shown),
        min_answers=wording.answers(MIN_ANSWERS),
        hidden=_hidden(hidden) if hidden else "",
    )


def _row(topic: Topic) -> TopicRow:
    share = topic.n_right / topic.n_scored
    known = not math.isnan(topic.expected)
    expected_share = topic.expected / topic.n_known if known else math.nan
    return TopicRow(
        name=wording.name(topic.name) if topic.name else "No topic",
        bar=share_bar(share, expected_share),
        share=wording.percent(share),
        right=f"{topic.n_right} of {topic.n_scored}",
        expected_share=wording.percent(expected_share) if known else wording.NONE,
        expected=f"{wording.number(topic.expected, 1)} of {topic.n_known}" if known else "",
        verdict=_verdict(topic),
    )


def _verdict(topic: Topic) -> str:
    if math.isnan(topic.expected):
        return wording.NONE
    if topic.n_known < MIN_ANSWERS:
        return "too few to say"
    if topic.at_least <= UNLIKELY:
        return "▲ more than expected"
    if topic.at_most <= UNLIKELY:
        return "▼ less than expected"
    return "as expected"


def _hidden(topics: Sequence[Topic]) -> str:
    n_answers = sum(topic.n_scored for topic in topics)
    return f"{wording.count(len(topics), 'topic', 'topics')} with {wording.answers(n_answers)}"
