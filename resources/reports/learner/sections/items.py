"""How an item is shown, in whichever section: what people call it, its topic, and how hard it is."""

from dataclasses import dataclass

from resources.irt.response_functions import probability_at
from resources.model import Floats
from resources.reports.document.foreign import Foreign, foreign
from resources.reports.document.link import Link
from resources.reports.i18n.wording import NONE, Words, name
from resources.reports.learner.report_input import Level, ReportInput
from resources.reports.learner.sections.points import score


@dataclass(frozen=True)
class ItemView:
    """`difficulty` is in points, `chance` the learner's of a right answer; a dash where the bank does not know it. The
    topic is empty where nobody does."""

    name: str | Link | Foreign
    topic: str | Foreign
    difficulty: str
    chance: str


def item_view(words: Words, given: ReportInput, key: str, topic: str | None, chance: Floats | None) -> ItemView:
    """`chance` of each item of the bank, as `chances` gives it, or None without a level."""
    at = given.bank.place.get(key)
    details = given.items.of(key)
    title = name(details.title or key)
    return ItemView(
        name=Link(title, details.url) if details.url else foreign(title, words.language),
        topic=foreign(name(topic), words.language) if topic else "",
        difficulty=score(words, given.scale, float(given.bank.b[at])) if at is not None else NONE,
        chance=words.percent(float(chance[at])) if at is not None and chance is not None else NONE,
    )


def chances(given: ReportInput, level: Level) -> Floats:
    """Of a right answer to each item of the bank."""
    return probability_at(given.bank.items, level.theta)
