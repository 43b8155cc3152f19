"""The exact numbers, with everything they rest on."""

from collections.abc import Sequence
from dataclasses import dataclass

from resources.reports.report_input import Level, ReportInput
from resources.reports.sections.level import CLEAR
from resources.reports.wording import Words, name


@dataclass(frozen=True)
class Fact:
    name: str
    value: str


def facts(words: Words, given: ReportInput) -> Sequence[Fact]:
    """Empty without an estimate."""
    level = given.level
    if level is None:
        return ()
    low, high = level.theta - CLEAR * level.se, level.theta + CLEAR * level.se
    return (
        Fact(words.text("Theta"), words.text("{x} logits", x=words.number(level.theta, 4))),
        Fact(words.text("Standard error"), words.text("{x} logits", x=words.number(level.se, 4))),
        Fact(words.text("95% interval"), words.text("{low} to {high}", low=words.number(low), high=words.number(high))),
        Fact(words.text("Answers used"), words.number(level.n_items, 0)),
        Fact(words.text("Answers left out"), _left_out(words, level)),
        Fact(
            words.text("Look-back window"),
            words.text(
                "{days}, up to {instant}", days=words.days(given.window_days), instant=words.instant(given.week.ends_at)
            ),
        ),
        Fact(
            words.text("Item bank"),
            f"{name(level.bank_version)}, {level.model}, "
            + words.count(len(given.bank.item_keys), "{n} question", "{n} questions"),
        ),
        Fact(
            words.text("Prior"),
            words.text("normal, mean {mean}, SD {sd}", mean=f"{level.prior.mean:g}", sd=f"{level.prior.sd:g}"),
        ),
    )


def _left_out(words: Words, level: Level) -> str:
    unknown, unusable = level.n_unknown_item, level.n_unusable
    parts = [words.count(unknown, "{n} not in the item bank", "{n} not in the item bank")] if unknown else []
    if unusable:
        parts.append(words.count(unusable, "{n} blank or unreadable", "{n} blank or unreadable"))
    return ", ".join(parts) or words.text("none")
