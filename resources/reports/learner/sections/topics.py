"""Topics of the last weeks beside the learner's own level: which stand out, and of which nothing can be said yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from resources.reports.document.foreign import Foreign, foreign
from resources.reports.document.pictures import Bar
from resources.reports.i18n.wording import Words, name
from resources.reports.learner.report_input import ReportInput, Topic
from resources.reports.learner.scale import Scale
from resources.reports.learner.sections.points import difference_and_margin

TOPICS_SHOWN = 40
NAMED = 12  # topics of which nothing is said, by name; more of them are a count


@dataclass(frozen=True)
class TopicRow:
    """`beside` is how far the topic lies from the level, in points with its margin."""

    name: str | Foreign
    bar: Bar
    share: str
    right: str
    expected_share: str
    expected: str
    beside: str
    verdict: str


@dataclass(frozen=True)
class Topics:
    """`rows` are the topics that more can be said of than by the level alone, the best first; `strengths` and
    `next_steps` the names of those that stand out. `alike` have answers enough, and no difference that could be told;
    `too_few` have not. Each of the last three is empty where there is none."""

    rows: Sequence[TopicRow]
    strengths: Sequence[str | Foreign]
    next_steps: Sequence[str | Foreign]
    alike: str
    too_few: str
    hidden: str


def topics(words: Words, given: ReportInput) -> Topics | None:
    """None without a level, or where no answer of the last weeks had a topic."""
    if given.level is None or not given.topics:
        return None
    told = sorted((of for of in given.topics if of.reliable), key=lambda of: (-of.deviation, of.name))
    shown, hidden = told[:TOPICS_SHOWN], told[TOPICS_SHOWN:]
    untold = sorted((of for of in given.topics if not of.reliable), key=lambda of: (-of.n, of.name))
    return Topics(
        rows=[_row(words, given.scale, of) for of in shown],
        strengths=[_called(words, of) for of in shown if of.verdict == "above"],
        next_steps=[_called(words, of) for of in reversed(shown) if of.verdict == "below"],
        alike=_named(words, [of for of in untold if of.verdict]),
        too_few=_named(words, [of for of in untold if not of.verdict]),
        hidden=_counted(words, hidden) if hidden else "",
    )


def weak(given: ReportInput) -> frozenset[str]:
    """Names of the topics in which the learner is below the own level."""
    return frozenset(of.name for of in given.topics if of.reliable and of.verdict == "below")


def _called(words: Words, of: Topic) -> str | Foreign:
    return foreign(name(of.name), words.language)


def _row(words: Words, scale: Scale, of: Topic) -> TopicRow:
    share, expected = of.n_right / of.n, of.expected / of.n
    return TopicRow(
        name=_called(words, of),
        bar=Bar(share, expected),
        share=words.percent(share),
        right=words.share(of.n_right, of.n),
        expected_share=words.percent(expected),
        expected=words.share(of.expected, of.n, 1),
        beside=difference_and_margin(words, scale, of.deviation, of.se),
        verdict=_in_words(words, of),
    )


def _in_words(words: Words, of: Topic) -> str:
    if of.verdict == "above":
        return words.text("▲ above")
    return words.text("▼ below") if of.verdict == "below" else words.text("alike")


def _named(words: Words, found: Sequence[Topic]) -> str:
    named = [words.text("{topic} ({n})", topic=name(of.name), n=words.number(of.n, 0)) for of in found[:NAMED]]
    more = found[NAMED:]
    return ", ".join([*named, _counted(words, more)] if more else named)


def _counted(words: Words, found: Sequence[Topic]) -> str:
    return words.text(
        "{topics} with {answers}",
        topics=words.count(len(found), "{n} topic", "{n} topics"),
        answers=words.answers(sum(of.n for of in found)),
    )
