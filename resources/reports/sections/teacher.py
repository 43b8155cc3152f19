"""The exact numbers, with everything they rest on."""

from collections.abc import Sequence
from dataclasses import dataclass

from resources.reports import wording
from resources.reports.report_input import Level, ReportInput
from resources.reports.sections.level import CLEAR


@dataclass(frozen=True)
class Fact:
    name: str
    value: str


def facts(given: ReportInput) -> Sequence[Fact]:
    """Empty without an estimate."""
    level = given.level
    if level is None:
        return ()
    low, high = level.theta - CLEAR * level.se, level.theta + CLEAR * level.se
    return (
        Fact("Theta", f"{wording.number(level.theta, 4)} logits"),
        Fact("Standard error", f"{wording.number(level.se, 4)} logits"),
        Fact("95 % interval", f"{wording.number(low)} to {wording.number(high)}"),
        Fact("Answers used", f"{level.n_items:,}"),
        Fact("Answers left out", _left_out(level)),
        Fact("Look-back window", f"{given.window_days} days, up to {wording.instant(given.week.ends_at)}"),
        Fact(
            "Item bank",
            f"{wording.name(level.bank_version)}, {level.model}, {len(given.bank.item_keys):,} questions",
        ),
        Fact("Prior", f"normal, mean {level.prior.mean:g}, SD {level.prior.sd:g}"),
    )


def _left_out(level: Level) -> str:
    reasons = (
        (level.n_unknown_item, "not in the item bank"),
        (level.n_unusable, "blank or unreadable"),
    )
    return ", ".join(f"{n:,} {reason}" for n, reason in reasons if n) or "none"
